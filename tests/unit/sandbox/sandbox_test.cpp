// What is left to a process in the sandbox: each test confines a child of its own.
#include "sandbox/sandbox.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>

namespace vb::sandbox {
namespace {

constexpr int has_no_such_kernel = 77;

int error_of(long result) { return result < 0 ? errno : 0; }

class SandboxTest : public ::testing::Test {
  protected:
    SandboxTest() {
        char path[] = "/tmp/vector_boot-test-XXXXXX";
        if (::mkdtemp(path) != nullptr) { directory = path; }
        std::filesystem::create_directory(directory / "kept");
        std::ofstream(directory / "model") << "weights";
        std::ofstream(directory / "secret") << "key";
        needs = {.readable = {directory / "model"}, .kept = directory / "kept"};
    }
    ~SandboxTest() override { std::filesystem::remove_all(directory); }
    void SetUp() override {
#ifdef VB_SANITIZED
        GTEST_SKIP() << "the sanitizers of this build need what the sandbox refuses";
#endif
    }

    // The wait status of a confined child in which `body` has returned its exit status.
    int wait_status(const std::function<int(const Confinement&)>& body) const {
        const pid_t child = ::fork();
        if (child == 0) {
            const base::Log log(STDERR_FILENO, "test");
            ::_exit(body(confine(needs, log)));
        }
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        return status;
    }
    int exit_status(const std::function<int(const Confinement&)>& body) const {
        const int status = wait_status(body);
        EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
        return WEXITSTATUS(status);
    }
    // errno of what is tried with files, 0 where it succeeds.
    void expect_files(int expected, const std::function<long()>& attempt) const {
        const int status = exit_status([&](const Confinement& confinement) {
            return confinement.landlock_abi == 0 ? has_no_such_kernel : error_of(attempt());
        });
        if (status == has_no_such_kernel) { GTEST_SKIP() << "this kernel has no Landlock"; }
        EXPECT_EQ(status, expected);
    }
    void expect_call(int expected, const std::function<long()>& attempt) const {
        const int status = exit_status([&](const Confinement& confinement) {
            return confinement.is_filtered ? error_of(attempt()) : has_no_such_kernel;
        });
        if (status == has_no_such_kernel) { GTEST_SKIP() << "this kernel has no seccomp"; }
        EXPECT_EQ(status, expected);
    }

    std::filesystem::path directory;
    Needs needs;
};

TEST_F(SandboxTest, ReadsWhatItNeeds) {
    expect_files(0, [this] { return ::open((directory / "model").c_str(), O_RDONLY | O_CLOEXEC); });
}
TEST_F(SandboxTest, ReadsLibrariesAndWhatTheKernelSaysOfIt) {
    for (const char* const path : {"/proc/self/status", "/proc/self/cgroup", "/proc/meminfo", "/proc/cpuinfo",
                                   "/sys/devices/system/cpu/online", "/etc/ld.so.cache"}) {
        if (std::filesystem::exists(path)) {
            expect_files(0, [path] { return ::open(path, O_RDONLY | O_CLOEXEC); });
        }
    }
}
TEST_F(SandboxTest, ReadsNothingElse) {
    for (const std::filesystem::path& path :
         {directory / "secret", std::filesystem::path("/etc/shadow"), std::filesystem::path("/etc/passwd"),
          std::filesystem::path("/proc/1/status"), std::filesystem::path("/")}) {
        expect_files(EACCES, [&path] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
    }
}
TEST_F(SandboxTest, KeepsFilesInOneDirectory) {
    expect_files(0, [this] {
        const base::UniqueFd file(
            ::open((directory / "kept/new").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (!file || ::write(file.get(), "x", 1) != 1) { return -1; }
        return ::rename((directory / "kept/new").c_str(), (directory / "kept/old").c_str());
    });
}
TEST_F(SandboxTest, WritesNowhereElse) {
    expect_files(
        EACCES, [this] { return ::open((directory / "new").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600); });
    expect_files(EACCES, [this] { return ::open((directory / "model").c_str(), O_WRONLY | O_CLOEXEC); });
    expect_files(EACCES, [this] { return ::unlink((directory / "secret").c_str()); });
}

TEST_F(SandboxTest, RefusesCallsThatServingDoesNotTake) {
    char program[] = "/bin/true";
    char* const words[] = {program, nullptr};
    int pipe_ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipe_ends), 0);
    const sockaddr_un nobody{.sun_family = AF_UNIX, .sun_path = "/nobody"};
    const std::pair<const char*, std::function<long()>> calls[] = {
        {"socket", [] { return ::socket(AF_INET, SOCK_STREAM, 0); }},
        {"socket unix", [] { return ::socket(AF_UNIX, SOCK_DGRAM, 0); }},
        {"connect",
         [&] { return ::connect(pipe_ends[0], reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody); }},
        {"execve", [&] { return ::execv(program, words); }},
        {"execveat", [&] { return ::syscall(SYS_execveat, AT_FDCWD, program, words, nullptr, 0); }},
        {"fork", [] { return ::fork(); }},
        {"vfork", [] { return ::syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0); }},
        {"kill", [] { return ::kill(::getppid(), 0); }},
        {"kill itself", [] { return ::kill(::getpid(), 0); }},
        {"tgkill another", [] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0); }},
        {"ptrace", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }},
        {"process_vm_readv",
         [] { return ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0); }},
        {"pidfd_open", [] { return ::syscall(SYS_pidfd_open, ::getppid(), 0); }},
        {"mount", [] { return ::mount("none", "/tmp", "tmpfs", 0, nullptr); }},
        {"unshare", [] { return ::unshare(CLONE_NEWUSER); }},
        {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
        {"io_uring_setup", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }},
        {"keyctl", [] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }},
        {"userfaultfd", [] { return ::syscall(SYS_userfaultfd, 0); }},
        {"perf_event_open", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
        {"setuid", [] { return ::syscall(SYS_setuid, 0); }},
        {"chmod", [this] { return ::chmod((directory / "model").c_str(), 0777); }},
        {"prlimit of another", [] { return ::prlimit(::getppid(), RLIMIT_NOFILE, nullptr, nullptr); }},
        {"ioctl TIOCSTI", [] { return ::syscall(SYS_ioctl, 0, 0x5412, "x"); }},
    };
    for (const auto& [name, call] : calls) {
        SCOPED_TRACE(name);
        expect_call(EPERM, call);
    }
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
}

TEST_F(SandboxTest, StartsThreads) {
    EXPECT_EQ(exit_status([](const Confinement&) {
                  int answer = 0;
                  std::thread([&answer] { answer = 42; }).join();
                  return answer;
              }),
              42);
}
TEST_F(SandboxTest, ThreadsAreConfinedToo) {
    expect_call(EPERM, [] {
        long result = 0;
        int number = 0;
        std::thread([&] {
            result = ::socket(AF_UNIX, SOCK_STREAM, 0);
            number = errno;
        }).join();
        errno = number;
        return result;
    });
}
TEST_F(SandboxTest, CanAbort) {
    const int status = wait_status([](const Confinement&) -> int { std::abort(); });
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGABRT);
}

TEST_F(SandboxTest, GoesOnWithoutAPathThatIsNotThere) {
    needs.readable.push_back(directory / "missing");
    expect_files(0, [this] { return ::open((directory / "model").c_str(), O_RDONLY | O_CLOEXEC); });
}

} // namespace
} // namespace vb::sandbox
