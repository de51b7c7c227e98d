#include "sandbox/system_calls.h"

#include <asm/ioctls.h>
#include <cerrno>
#include <cstdint>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <memory>
#include <seccomp.h>
#include <unistd.h>

namespace vb::sandbox {

namespace {

// Without condition. Those that an architecture does not have, libseccomp passes over.
constexpr int permitted[] = {
    // Files. Which ones is Landlock's affair.
    SCMP_SYS(access), SCMP_SYS(close), SCMP_SYS(creat), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(fadvise64), SCMP_SYS(fcntl), SCMP_SYS(fdatasync), SCMP_SYS(flock), SCMP_SYS(fstat),
    SCMP_SYS(fstatfs), SCMP_SYS(fsync), SCMP_SYS(ftruncate), SCMP_SYS(getcwd), SCMP_SYS(getdents),
    SCMP_SYS(getdents64), SCMP_SYS(lseek), SCMP_SYS(lstat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
    SCMP_SYS(newfstatat), SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(pread64), SCMP_SYS(preadv),
    SCMP_SYS(preadv2), SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(read), SCMP_SYS(readahead),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(readv), SCMP_SYS(rename), SCMP_SYS(renameat),
    SCMP_SYS(renameat2), SCMP_SYS(sendfile), SCMP_SYS(stat), SCMP_SYS(statfs), SCMP_SYS(statx),
    SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(write), SCMP_SYS(writev),
    // Memory.
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(membarrier), SCMP_SYS(mincore), SCMP_SYS(mlock),
    SCMP_SYS(mlock2), SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(munlock),
    SCMP_SYS(munmap),
    // Threads, and processors for them.
    SCMP_SYS(arch_prctl), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(futex_waitv),
    SCMP_SYS(get_mempolicy), SCMP_SYS(get_robust_list), SCMP_SYS(getcpu), SCMP_SYS(gettid), SCMP_SYS(rseq),
    SCMP_SYS(sched_get_priority_max), SCMP_SYS(sched_get_priority_min), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_yield), SCMP_SYS(set_mempolicy), SCMP_SYS(set_robust_list), SCMP_SYS(set_tid_address),
    // Clients, on sockets that were there before. No socket(2), connect(2), bind(2) or listen(2).
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt),
    SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), SCMP_SYS(sendmsg),
    SCMP_SYS(sendto), SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
    // Waiting, time and signals.
    SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(dup), SCMP_SYS(dup2),
    SCMP_SYS(dup3), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_wait), SCMP_SYS(eventfd2), SCMP_SYS(gettimeofday),
    SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_init1), SCMP_SYS(inotify_rm_watch), SCMP_SYS(nanosleep),
    SCMP_SYS(pipe2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(pselect6), SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigsuspend), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(select), SCMP_SYS(sigaltstack),
    SCMP_SYS(signalfd4), SCMP_SYS(time), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_gettime),
    SCMP_SYS(timerfd_settime),
    // What is asked about this process and machine.
    SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getpgrp), SCMP_SYS(getpid),
    SCMP_SYS(getppid), SCMP_SYS(getrandom), SCMP_SYS(getresgid), SCMP_SYS(getresuid), SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage), SCMP_SYS(getuid), SCMP_SYS(sysinfo), SCMP_SYS(times), SCMP_SYS(uname)};

// The drivers of GPUs: memory that they share with the device, and objects that they compare.
constexpr int permitted_for_devices[] = {SCMP_SYS(fallocate), SCMP_SYS(ioctl), SCMP_SYS(kcmp),
                                         SCMP_SYS(memfd_create)};

constexpr unsigned long harmless_ioctls[] = {FIONBIO, FIONREAD, TCGETS};
constexpr int harmless_prctls[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA};

// Collects what can go wrong, so that the rules read as a list.
class Filter {
  public:
    Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(EPERM))) {
        if (!context_) {
            result_ = -ENOMEM;
            return;
        }
        // Calls by another architecture's numbers would pass by the list: nobody here makes them by accident.
        keep(::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    }

    void permit(int call) { add(SCMP_ACT_ALLOW, call, 0, {}); }
    // Where that argument is `value`.
    void permit(int call, unsigned argument, scmp_datum_t value) {
        add(SCMP_ACT_ALLOW, call, 1, {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0});
    }
    void permit_with_bit(int call, unsigned argument, scmp_datum_t bit) {
        add(SCMP_ACT_ALLOW, call, 1,
            {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = bit, .datum_b = bit});
    }
    void pretend_not_to_exist(int call) { add(SCMP_ACT_ERRNO(ENOSYS), call, 0, {}); }

    base::Result<> load() {
        if (result_ == 0) { keep(::seccomp_load(context_.get())); }
        if (result_ == 0) { return {}; }
        errno = -result_;
        return base::system_error("load", "a seccomp filter");
    }

  private:
    void keep(int result) {
        if (result_ == 0) { result_ = result; }
    }
    void add(std::uint32_t action, int call, unsigned conditions, scmp_arg_cmp condition) {
        if (result_ == 0) {
            keep(::seccomp_rule_add_array(context_.get(), action, call, conditions, &condition));
        }
    }

    struct Release {
        void operator()(void* context) const { ::seccomp_release(context); }
    };
    std::unique_ptr<void, Release> context_;
    int result_ = 0; // the first that is not 0: a negative errno
};

} // namespace

base::Result<> restrict_system_calls(bool devices) {
    Filter filter;
    for (const int call : permitted) {
        filter.permit(call);
    }
    // Threads, and no processes: no fork(2), no vfork(2), no execve(2).
    filter.permit_with_bit(SCMP_SYS(clone), 0, CLONE_THREAD);
    filter.pretend_not_to_exist(SCMP_SYS(clone3));
    filter.pretend_not_to_exist(SCMP_SYS(openat2));
    // Only to itself: abort(3).
    filter.permit(SCMP_SYS(tgkill), 0, static_cast<scmp_datum_t>(::getpid()));
    filter.permit(SCMP_SYS(prlimit64), 0, 0);
    for (const int option : harmless_prctls) {
        filter.permit(SCMP_SYS(prctl), 0, static_cast<scmp_datum_t>(option));
    }
    if (devices) {
        for (const int call : permitted_for_devices) {
            filter.permit(call);
        }
    } else {
        for (const unsigned long request : harmless_ioctls) {
            filter.permit(SCMP_SYS(ioctl), 1, request);
        }
    }
    return filter.load();
}

} // namespace vb::sandbox
