// /proc/sysvipc, the limits of System V IPC in /proc/sys/kernel, and the ids that come next.
#include "check.h"
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

static void put(const char *name, const char *value) {
    char path[100];
    snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
    int fd = MUST(open(path, O_WRONLY));
    printf("%s <- %s: %s\n", name, value, write(fd, value, strlen(value)) < 0 ? strerrorname_np(errno) : "written");
    close(fd);
}

static void get(const char *name) {
    char path[100], text[200];
    snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
    int fd = MUST(open(path, O_RDONLY));
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    printf("%s: %s", name, text);
    close(fd);
}

// The lines of a file of /proc/sysvipc: key, permissions and owner.
static void list(const char *name, int columns) {
    char path[100], line[400];
    snprintf(path, sizeof path, "/proc/sysvipc/%s", name);
    FILE *file = fopen(path, "r");
    int first = 1;
    while (fgets(line, sizeof line, file)) {
        if (first)
            fputs(line, stdout);
        else {
            int key, id, count = 0;
            unsigned mode;
            sscanf(line, "%d %d %o", &key, &id, &mode);
            for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) count++;
            printf("%d %o %d columns\n", key, mode, count - columns);
        }
        first = 0;
    }
    fclose(file);
}

int main(void) {
    const char *names[] = {"shmmax", "shmall", "shmmni", "msgmax", "msgmnb", "shm_next_id", "sem_next_id", "msg_next_id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) get(names[i]);
    int segment = MUST(shmget(77, 5000, IPC_CREAT | 0640));
    int set = MUST(semget(78, 3, IPC_CREAT | 0600));
    int queue = MUST(msgget(79, IPC_CREAT | 0606));
    list("shm", 16);
    list("sem", 10);
    list("msg", 14);
    void *at = shmat(segment, NULL, 0);
    shmctl(segment, IPC_RMID, NULL);
    list("shm", 16);
    shmdt(at);
    list("shm", 16);

    put("shmmax", "8192");
    SHOW(shmget(IPC_PRIVATE, 8193, 0600 | IPC_CREAT));
    put("shmmni", "0");
    SHOW(shmget(IPC_PRIVATE, 100, 0600 | IPC_CREAT));
    put("shmmni", "4096");
    put("shmall", "1");
    SHOW(shmget(IPC_PRIVATE, 8192, 0600 | IPC_CREAT));
    put("msgmax", "4");
    struct { long type; char text[8]; } message = {1, "12345"};
    SHOW(msgsnd(queue, &message, 5, 0));
    SHOW(msgsnd(queue, &message, 4, 0));
    put("msgmnb", "10");
    int small = MUST(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
    struct msqid_ds about;
    SHOW(msgctl(small, IPC_STAT, &about));
    SHOW(about.msg_qbytes);
    put("msgmni", "2");
    SHOW(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
    put("sem", "2 100 3 20");
    get("sem");
    SHOW(semget(IPC_PRIVATE, 3, IPC_CREAT | 0600));
    struct sembuf four[4] = {{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}};
    SHOW(semop(set, four, 4));
    SHOW(semop(set, four, 3));

    put("msgmni", "10");
    put("msg_next_id", "65540");
    SHOW(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
    get("msg_next_id");
    put("msg_next_id", "65540");
    SHOW(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
    put("sem_next_id", "7");
    SHOW(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
}
