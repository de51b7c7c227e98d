// What an init is given to run: each first argument is one kind of child. It says "ready" on standard output when it is in the state
// that the test wants, and most wait for one line on standard input before they go on.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char* word) { dprintf(1, "%s\n", word); }

static void await_a_line(void) {
    char byte = 0;
    while (read(0, &byte, 1) == 1 && byte != '\n') {}
}

static void pause_for_ever(void) {
    while (1) {
        pause();
    }
}

static void rest(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
}

static void is_named_orphan(void) { prctl(PR_SET_NAME, "orphan"); }

// --- orphans --------------------------------------------------------------------------------------------------

static pid_t clone_without_exit_signal(void) { return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0); }

static void be_an_orphan(const char* how) {
    is_named_orphan();
    if (strcmp(how, "killed") == 0) { kill(getpid(), SIGKILL); }
    if (strcmp(how, "waiting") == 0) { pause_for_ever(); }
    _exit(3);
}

// Each is the child of the one before it, which has gone.
static void be_a_chain(int length) {
    for (int generation = 0; generation < length; ++generation) {
        if (fork() != 0) { _exit(0); }
        is_named_orphan();
    }
    _exit(0);
}

static pid_t vfork_a_child(void) {
    const pid_t process = vfork();
    if (process == 0) { _exit(4); }
    return process;
}

static pid_t make_member(const char* how) {
    if (strcmp(how, "vfork") == 0) { return vfork_a_child(); }
    const pid_t process = strcmp(how, "clone") == 0 ? clone_without_exit_signal() : fork();
    if (process == 0) { be_an_orphan(how); }
    return process;
}

// A process that makes children and ends without having waited for them.
static void be_a_family(int count, const char* how) {
    is_named_orphan(); // and so are its vfork children, which must not name themselves
    if (strcmp(how, "chain") == 0) { be_a_chain(count); }
    for (int index = 0; index < count; ++index) {
        const pid_t process = make_member(how);
        siginfo_t information;
        if (strcmp(how, "zombie") == 0) { waitid(P_PID, (id_t)process, &information, WEXITED | WNOWAIT); }
    }
    _exit(0);
}

static void make_orphans(int count, const char* how) {
    const int together = strcmp(how, "chain") == 0 ? count : 50;
    for (int made = 0; made < count; made += together) {
        const int these = count - made < together ? count - made : together;
        const pid_t family = fork();
        if (family == 0) { be_a_family(these, how); }
        while (waitpid(family, NULL, 0) < 0 && errno == EINTR) {}
    }
}

static void orphans(char** words) {
    const int count = atoi(words[0]);
    say("ready");
    await_a_line();
    make_orphans(count, words[1]);
    say("done");
    if (words[2] != NULL) {
        await_a_line();
        _exit(atoi(words[2]));
    }
    pause_for_ever();
}

// --- signals --------------------------------------------------------------------------------------------------

// Writes down every signal; ends with the last possible one, before which the kernel delivers all others.
static void listen_to_signals(char** words) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int number = 1; number < NSIG; ++number) {
        signal(number, SIG_DFL);
    }
    if (words[0] != NULL && strcmp(words[0], "orphan") == 0) {
        make_orphans(1, "waiting");
        const struct timespec now = {0, 0};
        while (sigtimedwait(&all, NULL, &now) > 0) {}
    }
    say("ready");
    if (words[0] != NULL && strcmp(words[0], "shout") == 0) { kill(0, SIGRTMIN + 3); }
    if (words[0] != NULL && strcmp(words[0], "ask") == 0) { kill(1, SIGUSR1); }
    while (1) {
        siginfo_t information;
        const int number = sigwaitinfo(&all, &information);
        if (number < 0) { continue; }
        const int value = information.si_code == SI_QUEUE ? information.si_value.sival_int : -1;
        dprintf(1, "signal %d %d\n", number, value);
        if (number == SIGRTMAX) { _exit(0); }
    }
}

static void die(char** words) {
    const struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &most);
    signal(atoi(words[0]), SIG_DFL);
    kill(getpid(), atoi(words[0]));
    rest(1000);
    _exit(0);
}

// --- what is left behind --------------------------------------------------------------------------------------

static const char* mark_file;

static void leave_a_mark(int number) {
    (void)number;
    rest(300); // which takes its time
    close(open(mark_file, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
    _exit(0);
}

// Not to be caught by its pid: each generation lives a moment only.
static void run_away(void) {
    while (1) {
        const pid_t process = fork();
        if (process > 0) { _exit(0); }
        rest(1);
    }
}

static void be_left(const char* how, int ready) {
    if (strcmp(how, "stubborn") == 0 || strcmp(how, "forking") == 0) {
        for (int number = 1; number < NSIG; ++number) {
            signal(number, SIG_IGN);
        }
    } else {
        signal(SIGTERM, leave_a_mark);
    }
    if (strcmp(how, "daemon") == 0) { setsid(); }
    (void)!write(ready, "", 1);
    close(ready);
    if (strcmp(how, "stopped") == 0) { raise(SIGSTOP); }
    if (strcmp(how, "forking") == 0) { run_away(); }
    pause_for_ever();
}

// HOW MARK STATUS
static void leave(char** words) {
    mark_file = words[1];
    int ready[2];
    if (pipe(ready) != 0) { _exit(99); }
    const pid_t left = fork();
    if (left == 0) { be_left(words[0], ready[1]); }
    char byte = 0;
    (void)!read(ready[0], &byte, 1);
    if (strcmp(words[0], "stopped") == 0) { waitpid(left, NULL, WUNTRACED); }
    say("ready");
    await_a_line();
    _exit(atoi(words[2]));
}

// --- threads and tracers --------------------------------------------------------------------------------------

static void* outlive_the_leader(void* nothing) {
    say("ready");
    await_a_line();
    _exit(7);
    return nothing;
}

static void lose_the_leader(char** words) {
    (void)words;
    pthread_t other;
    if (pthread_create(&other, NULL, outlive_the_leader, NULL) != 0) { _exit(99); }
    pthread_exit(NULL);
}

static void be_traced(char** words) {
    (void)words;
    const pid_t traced = getpid();
    const pid_t tracer = fork();
    if (tracer == 0) {
        int status = 0;
        if (ptrace(PTRACE_SEIZE, traced, NULL, NULL) != 0) { _exit(1); }
        if (ptrace(PTRACE_INTERRUPT, traced, NULL, NULL) != 0) { _exit(1); }
        if (waitpid(traced, &status, __WALL) != traced || !WIFSTOPPED(status)) { _exit(1); }
        rest(200);
        _exit(ptrace(PTRACE_DETACH, traced, NULL, NULL) == 0 ? 0 : 1);
    }
    int status = 0;
    while (waitpid(tracer, &status, 0) < 0 && errno == EINTR) {}
    say("ready");
    await_a_line();
    _exit(status == 0 ? 6 : 99);
}

// Run by the test itself: stops the process as a debugger does, until standard input ends.
static void attach(char** words) {
    const pid_t traced = atoi(words[0]);
    int status = 0;
    if (ptrace(PTRACE_SEIZE, traced, NULL, NULL) != 0) { _exit(1); }
    if (ptrace(PTRACE_INTERRUPT, traced, NULL, NULL) != 0) { _exit(1); }
    if (waitpid(traced, &status, __WALL) != traced) { _exit(1); }
    say("attached");
    await_a_line();
    _exit(ptrace(PTRACE_DETACH, traced, NULL, NULL) == 0 ? 0 : 1);
}

// --- the rest -------------------------------------------------------------------------------------------------

static void await_signals(char** words) {
    (void)words;
    say("ready");
    pause_for_ever();
}

static void await_and_exit(char** words) {
    say("ready");
    await_a_line();
    _exit(atoi(words[0]));
}

static void tell_parent_death_signal(char** words) {
    (void)words;
    int number = -1;
    prctl(PR_GET_PDEATHSIG, &number);
    dprintf(1, "%d\n", number);
    _exit(0);
}

static const struct {
    const char* name;
    void (*run)(char** words);
} kinds[] = {
    {"attach", attach},       {"die", die},
    {"exit", await_and_exit}, {"leader", lose_the_leader},
    {"leave", leave},         {"listen", listen_to_signals},
    {"orphans", orphans},     {"parent", tell_parent_death_signal},
    {"traced", be_traced},    {"wait", await_signals},
};

int main(int count, char** words) {
    for (size_t index = 0; count > 1 && index < sizeof kinds / sizeof kinds[0]; ++index) {
        if (strcmp(kinds[index].name, words[1]) == 0) { kinds[index].run(words + 2); }
    }
    dprintf(2, "child: there is no such kind\n");
    return 99;
}
