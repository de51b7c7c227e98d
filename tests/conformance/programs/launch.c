// Starts an init as a container runtime does, and tells the test how it ended.
//   launch namespace REPORT [process] [terminal] [no-proc] -- COMMAND...
//     COMMAND becomes PID 1 of a PID namespace (process: an ordinary child of another PID 1) with a /proc and a /run of its
//     own, leads a session, with standard input as its controlling terminal if asked. The descriptor REPORT gets lines:
//     "started PID", as seen out here; "executed NANOSECONDS" by the monotonic clock; and "ended WAIT-STATUS LEFT", where
//     LEFT is 1 if COMMAND left processes behind.
//   launch with WORD=N... -- COMMAND...
//     Executes COMMAND in the state that the words describe.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { cannot_launch = 125 };

static void fail(const char* what) {
    dprintf(2, "launch: %s: %s\n", what, strerror(errno));
    _exit(cannot_launch);
}

static void require(int result, const char* what) {
    if (result < 0) { fail(what); }
}

static void execute(char** command) {
    execvp(command[0], command);
    fail(command[0]);
}

static void prepare_mounts(int has_proc) {
    // Over the old ones: what the host mounted stays as it is.
    if (has_proc) {
        require(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount /proc");
    } else {
        require(mount("tmpfs", "/proc", "tmpfs", MS_RDONLY, NULL), "hide /proc");
    }
    require(mount("tmpfs", "/run", "tmpfs", 0, NULL), "mount /run");
}

static void tell_the_end(int report, int status, int left) { dprintf(report, "ended %d %d\n", status, left); }

// PID 1 of a namespace in which the init under test is an ordinary process.
static void reap_until_the_end_of(pid_t process, int report) {
    int status = 0;
    while (waitpid(-1, &status, 0) != process) {}
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
    tell_the_end(report, status, kill(-1, 0) == 0);
    _exit(0);
}

static void enter_namespace(char** words) {
    const int report = atoi(*words++);
    int as_process = 0;
    int terminal = 0;
    int has_proc = 1;
    for (; *words != NULL && strcmp(*words, "--") != 0; ++words) {
        as_process |= strcmp(*words, "process") == 0;
        terminal |= strcmp(*words, "terminal") == 0;
        has_proc &= strcmp(*words, "no-proc") != 0;
    }
    require(fcntl(report, F_SETFD, FD_CLOEXEC), "report");
    require(unshare(CLONE_NEWPID | CLONE_NEWNS), "unshare");
    require(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
    const pid_t first = fork();
    require(first, "fork");
    if (first == 0) {
        require(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
        prepare_mounts(has_proc);
        require(setsid(), "setsid");
        if (terminal) { require(ioctl(0, TIOCSCTTY, 0), "TIOCSCTTY"); }
        const pid_t second = as_process ? fork() : 0;
        require(second, "fork");
        if (second > 0) { reap_until_the_end_of(second, report); }
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        dprintf(report, "executed %lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
        execute(words + 1);
    }
    dprintf(report, "started %d\n", first);
    int status = 0;
    while (waitpid(first, &status, 0) < 0 && errno == EINTR) {}
    if (!as_process || status != 0) { tell_the_end(report, status, 0); }
}

static void drop_capabilities(void) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; ++capability) {
        require(prctl(PR_CAPBSET_DROP, capability), "PR_CAPBSET_DROP");
    }
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    require((int)syscall(SYS_capset, &header, none), "capset");
}

static void limit(int resource, int value) {
    const struct rlimit both = {(rlim_t)value, (rlim_t)value};
    require(setrlimit(resource, &both), "setrlimit");
}

static void block(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void become_user(int id) {
    require(setgroups(0, NULL), "setgroups");
    require(setresgid((gid_t)id, (gid_t)id, (gid_t)id), "setresgid");
    require(setresuid((uid_t)id, (uid_t)id, (uid_t)id), "setresuid");
}

// A clock that is far from the one of the machine; execve(2) moves the process into the namespace.
static void shift_clock(int seconds) {
    require(unshare(CLONE_NEWTIME), "unshare a time namespace");
    const int offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    require(offsets, "timens_offsets");
    require(dprintf(offsets, "monotonic %d 0\nboottime %d 0\n", seconds, seconds), "timens_offsets");
    close(offsets);
}

static void write_oom_score(int value) {
    const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    require(file, "oom_score_adj");
    require(dprintf(file, "%d", value), "oom_score_adj");
    close(file);
}

static void use_processor(int number) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)number, &set);
    require(sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
}

static void apply(const char* word) {
    const char* const equals = strchr(word, '=');
    const size_t length = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const int value = equals == NULL ? 0 : (int)strtol(equals + 1, NULL, 0);
    char name[32] = "";
    memcpy(name, word, length < sizeof name ? length : sizeof name - 1);
    if (strcmp(name, "ignore") == 0) {
        signal(value, SIG_IGN);
    } else if (strcmp(name, "block") == 0) {
        block(value);
    } else if (strcmp(name, "pending") == 0) {
        block(value);
        raise(value);
    } else if (strcmp(name, "close") == 0) {
        close(value);
    } else if (strcmp(name, "descriptors") == 0) {
        limit(RLIMIT_NOFILE, value);
    } else if (strcmp(name, "processes") == 0) {
        limit(RLIMIT_NPROC, value);
    } else if (strcmp(name, "user") == 0) {
        become_user(value);
    } else if (strcmp(name, "no-capabilities") == 0) {
        drop_capabilities();
    } else if (strcmp(name, "clock") == 0) {
        shift_clock(value);
    } else if (strcmp(name, "umask") == 0) {
        umask((mode_t)value);
    } else if (strcmp(name, "nice") == 0) {
        require(setpriority(PRIO_PROCESS, 0, value), "setpriority");
    } else if (strcmp(name, "oom") == 0) {
        write_oom_score(value);
    } else if (strcmp(name, "processor") == 0) {
        use_processor(value);
    } else {
        errno = EINVAL;
        fail(word);
    }
}

int main(int count, char** words) {
    if (count > 4 && strcmp(words[1], "namespace") == 0) {
        enter_namespace(words + 2);
        return 0;
    }
    if (count > 3 && strcmp(words[1], "with") == 0) {
        char** word = words + 2;
        for (; *word != NULL && strcmp(*word, "--") != 0; ++word) {
            apply(*word);
        }
        execute(word + 1);
    }
    errno = EINVAL;
    fail("arguments");
}
