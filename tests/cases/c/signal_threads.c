// Signals and threads: who takes them, none lost, registers kept.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_t taker;
static atomic_int taken, wrong, stop;

static void note(int signal) {
    (void)signal;
    if (!pthread_equal(pthread_self(), taker)) wrong++;
    taken++;
}

static void *accepting(void *gate) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    taker = pthread_self();
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    sem_post(gate);
    while (!stop) { struct timespec t = {.tv_nsec = 1000000}; nanosleep(&t, NULL); }
    return NULL;
}

static atomic_int storm;
static void count_storm(int signal) { (void)signal; storm++; }

static atomic_int ready;
static void *spin(void *arg) {
    (void)arg;
    ready++;
    while (!stop) __asm__ volatile("pause");
    return NULL;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn;
static void *ping(void *arg) {
    int mine = (int)(intptr_t)arg;
    for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != mine) pthread_cond_wait(&cond, &mutex);
        turn = !mine;
        pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

// Keeps values in all general registers while it loops; returns how many were found changed.
static long guarded(volatile int *end) {
    long bad;
    __asm__ volatile(
        "push %%rbp\n"
        "mov %1, %%rax\n"
        "mov $0x11, %%rbx; mov $0x22, %%rcx; mov $0x33, %%rdx; mov $0x44, %%rsi; mov $0x55, %%rbp\n"
        "mov $0x66, %%r8; mov $0x77, %%r9; mov $0x88, %%r10; mov $0x99, %%r11; mov $0xaa, %%r12; mov $0xbb, %%r13; mov $0xcc, %%r14; mov $0xdd, %%r15\n"
        "movq $0x5a5a, -8(%%rsp); movq $0xa5a5, -128(%%rsp)\n"
        "1: pause; xor %%edi, %%edi\n"
        "cmp $0x11, %%rbx; setne %%dil; cmp $0x22, %%rcx; jne 2f; cmp $0x33, %%rdx; jne 2f; cmp $0x44, %%rsi; jne 2f; cmp $0x55, %%rbp; jne 2f\n"
        "cmp $0x66, %%r8; jne 2f; cmp $0x77, %%r9; jne 2f; cmp $0x88, %%r10; jne 2f; cmp $0x99, %%r11; jne 2f; cmp $0xaa, %%r12; jne 2f\n"
        "cmp $0xbb, %%r13; jne 2f; cmp $0xcc, %%r14; jne 2f; cmp $0xdd, %%r15; jne 2f\n"
        "cmpq $0x5a5a, -8(%%rsp); jne 2f; cmpq $0xa5a5, -128(%%rsp); jne 2f\n"
        "test %%edi, %%edi; jne 2f; cmpl $0, (%%rax); je 1b; jmp 3f\n"
        "2: mov $1, %%edi\n"
        "3: mov %%rdi, %0; pop %%rbp\n"
        : "=a"(bad) : "r"(end) : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    return bad;
}

static volatile int enough;
static int alarms;
static void tick(int signal) { (void)signal; if (++alarms == 200) enough = 1; }

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, note);
    sem_t gate;
    sem_init(&gate, 0, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, accepting, &gate);
    sem_wait(&gate);
    for (int i = 0; i < 20; i++) {
        int before = taken;
        kill(getpid(), SIGUSR1);
        while (taken == before) usleep(200);
    }
    printf("process signals: taken %d, by the wrong thread %d\n", taken, wrong);
    pthread_kill(pthread_self(), SIGUSR1);
    sigset_t pending;
    sigpending(&pending);
    printf("for a thread: pending %d\n", sigismember(&pending, SIGUSR1));
    wrong = 0;
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    printf("taken by the thread itself: %d\n", wrong);
    stop = 1;
    pthread_join(thread, NULL);

    // Real-time signals to threads that make no system calls: every one arrives.
    stop = 0;
    struct sigaction action = {.sa_handler = count_storm, .sa_flags = SA_RESTART};
    sigaction(SIGRTMIN + 5, &action, NULL);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, spin, NULL);
    while (ready < 3) usleep(100);
    for (int i = 0; i < 300; i++)
        while (pthread_sigqueue(threads[i % 3], SIGRTMIN + 5, (union sigval){.sival_int = i}) == EAGAIN) usleep(100);
    for (int i = 0; i < 300; i++)
        while (sigqueue(getpid(), SIGRTMIN + 5, (union sigval){.sival_int = i}) != 0) usleep(100);
    for (int i = 0; i < 20000 && storm < 600; i++) usleep(5000);
    printf("storm: %d\n", storm);
    stop = 1;
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);

    // Condition variables under fire: no wake-up is lost.
    signal(SIGALRM, SIG_DFL);
    action.sa_handler = count_storm;
    action.sa_flags = 0;
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 1000}, {0, 1000}};
    setitimer(ITIMER_REAL, &often, NULL);
    for (intptr_t i = 0; i < 2; i++) pthread_create(&threads[i], NULL, ping, (void *)i);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("condition variables: done\n");

    action.sa_handler = tick;
    sigaction(SIGALRM, &action, NULL);
    printf("registers changed: %ld\n", guarded(&enough));
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);

    // A semaphore posted from a handler wakes a native futex wait.
    sem_t posted;
    sem_init(&posted, 0, 0);
    printf("waits: ");
    for (int i = 0; i < 3; i++) {
        struct timespec limit;
        clock_gettime(CLOCK_REALTIME, &limit);
        limit.tv_nsec += 20000000;
        if (limit.tv_nsec >= 1000000000) { limit.tv_sec++; limit.tv_nsec -= 1000000000; }
        printf("%s ", sem_timedwait(&posted, &limit) ? strerror(errno) : "posted");
    }
    printf("\n");
    // Death of all threads by one signal.
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        stop = 0;
        for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, spin, NULL);
        for (;;) pause();
    }
    usleep(50000);
    kill(pid, SIGSTOP);
    int status;
    waitpid(pid, &status, WUNTRACED);
    printf("threads stopped: %#x\n", status);
    kill(pid, SIGCONT);
    waitpid(pid, &status, WCONTINUED);
    printf("threads continued: %#x\n", status);
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    printf("threads killed: %#x\n", status);
    return 0;
}
