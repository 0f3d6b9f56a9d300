// System V shared memory, semaphores and message queues.
#include "asleep.h"
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static int op(int set, int number, int by, int flags) {
    struct sembuf one = {number, by, flags};
    return semop(set, &one, 1);
}

static void nothing(int signal) { (void)signal; }

static void shared_memory(void) {
    key_t key = 0x51234567;
    int id = MUST(shmget(key, 10000, IPC_CREAT | IPC_EXCL | 0640));
    SHOW(shmget(key, 10000, IPC_CREAT | IPC_EXCL | 0640));
    SHOW(shmget(key, 10001, 0));
    SHOW(shmget(key, 0, 0) == id);
    SHOW(shmget(key + 1, 100, 0));
    SHOW(shmget(IPC_PRIVATE, 0, 0600));
    char *memory = shmat(id, NULL, 0);
    printf("zeros: %d\n", memory[0] == 0 && memory[9999] == 0 && memory[12287] == 0);
    struct shmid_ds status;
    MUST(shmctl(id, IPC_STAT, &status));
    printf("size %zu mode %o attached %lu by %d\n", status.shm_segsz, status.shm_perm.mode, status.shm_nattch,
           status.shm_lpid == getpid() && status.shm_cpid == getpid());
    strcpy(memory, "parent");
    if (fork() == 0) {
        MUST(shmctl(id, IPC_STAT, &status));
        printf("in the child: %s, attached %lu\n", memory, status.shm_nattch);
        strcpy(memory, "child");
        char *again = shmat(id, NULL, SHM_RDONLY);
        printf("again: %s\n", again);
        SHOW(shmdt(again + 1));
        SHOW(shmdt(again));
        SHOW(shmdt(again));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    printf("from the child: %s\n", memory);
    MUST(shmctl(id, IPC_STAT, &status));
    printf("attached %lu\n", status.shm_nattch);
    if (fork() == 0) {
        execl("/bin/true", "true", NULL);
        _exit(1);
    }
    wait(NULL);
    MUST(shmctl(id, IPC_STAT, &status));
    printf("after exec: attached %lu\n", status.shm_nattch);
    char *place = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW((long)shmat(id, place, 0));
    printf("replaced: %d\n", shmat(id, place, SHM_REMAP) == place && !strcmp(place, "child"));
    SHOW((long)shmat(id, place + 100, 0));
    munmap(place + 16384, 49152);
    printf("rounded: %d\n", shmat(id, place + 16384 + 100, SHM_RND) == place + 16384);
    int pid = fork();
    if (pid == 0) {
        char *reader = shmat(id, NULL, SHM_RDONLY);
        *reader = 'x';
        _exit(0);
    }
    int wstatus;
    waitpid(pid, &wstatus, 0);
    printf("a write to a read-only one: signal %d\n", WTERMSIG(wstatus));
    status.shm_perm.mode = 0600;
    MUST(shmctl(id, IPC_SET, &status));
    if (fork() == 0) {
        MUST(setgid(1234));
        MUST(setuid(1234));
        SHOW((long)shmat(id, NULL, SHM_RDONLY));
        SHOW(shmctl(id, IPC_STAT, &status));
        SHOW(shmctl(id, IPC_RMID, NULL));
        SHOW(shmget(key, 0, 0400));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    MUST(shmctl(id, IPC_RMID, NULL));
    MUST(shmctl(id, IPC_STAT, &status));
    printf("removed: mode %o key %d, still %s\n", status.shm_perm.mode, status.shm_perm.__key, memory);
    SHOW(shmget(key, 0, 0));
    char *late = shmat(id, NULL, 0);
    printf("attached once more: %s\n", late == (void *)-1 ? "no" : late);
    shmdt(late), shmdt(place), shmdt(place + 16384), shmdt(memory);
    SHOW(shmctl(id, IPC_STAT, &status));
    SHOW((long)shmat(id, NULL, 0));
    SHOW(shmctl(id, 99, NULL));
}

static void semaphores(void) {
    int set = MUST(semget(IPC_PRIVATE, 3, 0600));
    unsigned short values[3] = {1, 0, 5};
    MUST(semctl(set, 0, SETALL, (union semun){.array = values}));
    SHOW(semctl(set, 2, GETVAL));
    SHOW(semctl(set, 3, GETVAL));
    SHOW(semctl(set, 0, SETVAL, (union semun){.val = 40000}));
    SHOW(op(set, 0, -2, IPC_NOWAIT));
    SHOW(op(set, 0, 0, IPC_NOWAIT));
    SHOW(op(set, 3, 1, 0));
    SHOW(op(set, 0, 32767, 0));
    struct sembuf several[] = {{0, -1, 0}, {1, 1, 0}, {2, -6, IPC_NOWAIT}};
    SHOW(semop(set, several, 3));
    MUST(semctl(set, 0, GETALL, (union semun){.array = values}));
    printf("nothing was done: %d %d %d\n", values[0], values[1], values[2]);
    several[2].sem_op = -5;
    SHOW(semop(set, several, 3));
    SHOW(semop(set, several, 0));
    SHOW(semop(set, several, 501));
    SHOW(semctl(set, 0, GETPID) == getpid());

    // Waiting, and being told.
    int pid = fork();
    if (pid == 0) {
        MUST(op(set, 0, -1, 0));
        MUST(op(set, 1, 0, 0));
        _exit(0);
    }
    while (semctl(set, 0, GETNCNT) != 1) usleep(1000);
    MUST(op(set, 0, 1, 0));
    while (semctl(set, 1, GETZCNT) != 1) usleep(1000);
    printf("one waits for zero, %d to grow\n", semctl(set, 0, GETNCNT));
    MUST(op(set, 1, -1, 0));
    int status;
    waitpid(pid, &status, 0);
    printf("both came: %d\n", status);
    struct timespec soon = {0, 30000000};
    SHOW(semtimedop(set, several, 1, &soon));

    // Undone at the end.
    MUST(semctl(set, 0, SETVAL, (union semun){.val = 3}));
    if (fork() == 0) {
        MUST(op(set, 0, -2, SEM_UNDO));
        MUST(op(set, 2, 4, SEM_UNDO));
        raise(SIGKILL);
    }
    wait(NULL);
    printf("undone: %d %d\n", semctl(set, 0, GETVAL), semctl(set, 2, GETVAL));

    // Signals end a wait for good, and so does removal.
    struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    pid = signal_when_asleep(SIGALRM);
    SHOW(op(set, 1, -1, 0));
    reap(pid);
    struct semid_ds stat;
    MUST(semctl(set, 0, IPC_STAT, (union semun){.buf = &stat}));
    printf("%lu semaphores, mode %o, used %d\n", stat.sem_nsems, stat.sem_perm.mode, stat.sem_otime != 0);
    pid = fork();
    if (pid == 0) {
        SHOW(op(set, 1, -1, 0));
        exit(0);
    }
    while (semctl(set, 1, GETNCNT) != 1) usleep(1000);
    MUST(semctl(set, 0, IPC_RMID));
    waitpid(pid, NULL, 0);
    SHOW(op(set, 0, 1, 0));
    SHOW(semget(IPC_PRIVATE, 0, 0600));
    SHOW(semget(IPC_PRIVATE, -1, 0600));
    SHOW(semget(IPC_PRIVATE, 32001, 0600));
}

struct message {
    long type;
    char text[9000];
};

static void receive(int queue, long type, int flags, size_t room) {
    struct message m = {0};
    ssize_t n = msgrcv(queue, &m, room, type, flags);
    if (n < 0) printf("type %ld: %s\n", type, strerrorname_np(errno));
    else printf("type %ld: %ld %.*s\n", type, m.type, (int)n, m.text);
}

static void messages(void) {
    int queue = MUST(msgget(IPC_PRIVATE, 0600));
    struct message m = {3, "three"};
    MUST(msgsnd(queue, &m, 5, 0));
    m = (struct message){1, "one"};
    MUST(msgsnd(queue, &m, 3, 0));
    m = (struct message){2, "two"};
    MUST(msgsnd(queue, &m, 3, 0));
    m.type = 0;
    SHOW(msgsnd(queue, &m, 3, 0));
    m.type = 1;
    SHOW(msgsnd(queue, &m, 8193, 0));
    receive(queue, 0, 0, 4);
    receive(queue, 0, MSG_NOERROR | IPC_NOWAIT | MSG_COPY, 4);
    receive(queue, 1, IPC_NOWAIT | MSG_COPY, 100);
    receive(queue, 9, IPC_NOWAIT | MSG_COPY, 100);
    receive(queue, 0, MSG_COPY, 100);
    receive(queue, -2, 0, 100);
    receive(queue, 3, MSG_EXCEPT, 100);
    receive(queue, 5, IPC_NOWAIT, 100);
    receive(queue, 0, MSG_NOERROR, 2);
    receive(queue, 0, IPC_NOWAIT, 100);
    for (int i = 0; i < 16; i++) MUST(msgsnd(queue, &m, 1000, 0));
    SHOW(msgsnd(queue, &m, 1000, IPC_NOWAIT));
    struct msqid_ds status;
    MUST(msgctl(queue, IPC_STAT, &status));
    printf("%lu messages, %lu bytes of %lu\n", status.msg_qnum, status.__msg_cbytes, status.msg_qbytes);
    int pid = fork();
    if (pid == 0) {
        m.type = 9;
        MUST(msgsnd(queue, &m, 1000, 0));
        _exit(0);
    }
    until_asleep(pid);
    for (int i = 0; i < 17; i++) MUST(msgrcv(queue, &m, 9000, 0, 0));
    printf("the last one has type %ld\n", m.type);
    waitpid(pid, NULL, 0);
    pid = signal_when_asleep(SIGALRM);
    receive(queue, 0, 0, 100);
    reap(pid);
    pid = fork();
    if (pid == 0) {
        receive(queue, 0, 0, 100);
        exit(0);
    }
    until_asleep(pid);
    MUST(msgctl(queue, IPC_RMID, NULL));
    waitpid(pid, NULL, 0);
    receive(queue, 0, 0, 100);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    shared_memory();
    semaphores();
    messages();
    return 0;
}
