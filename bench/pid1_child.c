// What `./dev bench pid1` gives an init to run. It measures from below, in nanoseconds, and prints one number a line.
//   clock         the time of its first instruction
//   reap N        how long each of N orphans keeps its process id after its last instruction
//   signal N      how long each of N signals takes from here to the init and back
//   storm N       how long N orphans take to be made, to end and to be gone
//   idle          nothing: it says "ready" and waits
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { family_size = 50, most_orphans = 25000 };

// Shared with the orphans.
struct Shared {
    volatile long long died_at;
    volatile pid_t orphans[most_orphans];
};

static long long now(void) {
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    return moment.tv_sec * 1000000000LL + moment.tv_nsec;
}

static void wait_for(pid_t process) {
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
}

// A zombie still has its id; once it is reaped there is nobody to signal. Where processors are few, this one is left to the
// orphan and to the init.
static void wait_until_gone(pid_t process) {
    while (kill(process, 0) == 0 || errno != ESRCH) {
        sched_yield();
    }
}

static void reap(struct Shared* shared, int count) {
    for (int sample = 0; sample < count; ++sample) {
        int gate[2];
        if (pipe(gate) != 0) { _exit(1); }
        const pid_t parent = fork();
        if (parent == 0) {
            const pid_t orphan = fork();
            if (orphan > 0) {
                shared->orphans[0] = orphan;
                _exit(0);
            }
            close(gate[1]);
            char byte = 0;
            (void)!read(gate[0], &byte, 1); // until it is an orphan
            shared->died_at = now();
            _exit(0);
        }
        close(gate[0]);
        wait_for(parent);
        close(gate[1]);
        wait_until_gone(shared->orphans[0]);
        printf("%lld\n", now() - shared->died_at);
    }
}

static void send_signals(struct Shared* shared, int count) {
    (void)shared;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int sample = 0; sample < count; ++sample) {
        const long long began = now();
        kill(1, SIGUSR1);
        siginfo_t information;
        while (sigwaitinfo(&set, &information) != SIGUSR1) {}
        printf("%lld\n", now() - began);
    }
}

static void storm(struct Shared* shared, int count) {
    const long long began = now();
    for (int made = 0; made < count; made += family_size) {
        const pid_t family = fork();
        if (family == 0) {
            for (int index = made; index < made + family_size && index < count; ++index) {
                const pid_t orphan = fork();
                if (orphan == 0) { _exit(0); }
                shared->orphans[index] = orphan;
            }
            _exit(0);
        }
        wait_for(family);
    }
    for (int index = 0; index < count; ++index) {
        wait_until_gone(shared->orphans[index]);
    }
    printf("%lld\n", now() - began);
}

static void idle(struct Shared* shared, int count) {
    (void)shared;
    (void)count;
    puts("ready");
    fflush(stdout);
    while (1) {
        pause();
    }
}

int main(int count, char** words) {
    const long long first = now();
    static const struct {
        const char* name;
        void (*run)(struct Shared* shared, int count);
    } kinds[] = {{"idle", idle}, {"reap", reap}, {"signal", send_signals}, {"storm", storm}};
    const int samples = count > 2 ? atoi(words[2]) : 1;
    struct Shared* const shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (count < 2 || shared == MAP_FAILED || samples > most_orphans) { return 1; }
    if (strcmp(words[1], "clock") == 0) {
        printf("%lld\n", first);
        return 0;
    }
    for (size_t index = 0; index < sizeof kinds / sizeof kinds[0]; ++index) {
        if (strcmp(kinds[index].name, words[1]) != 0) { continue; }
        kinds[index].run(shared, samples);
        return 0;
    }
    return 1;
}
