// The seam on the real kernel: each call does what its comment says.
#include "sys/native_kernel.h"

#include <arpa/inet.h>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

namespace {

using namespace vb;
using namespace std::chrono_literals;

class NativeKernelTest : public ::testing::Test {
  protected:
    // Runs a shell script and returns what it wrote.
    std::string output_of(const std::string& script, std::span<const int> inherited = {},
                          char* slot = nullptr, char* variable = nullptr) {
        int ends[2];
        EXPECT_EQ(::pipe(ends), 0);
        const base::UniqueFd read_end(ends[0]);
        base::UniqueFd write_end(ends[1]);
        std::vector<int> passed(inherited.begin(), inherited.end());
        passed.push_back(write_end.get());
        const std::string redirected = "exec >&" + std::to_string(2 + passed.size()) + "; " + script;
        const char* const arguments[] = {"sh", "-c", redirected.c_str(), nullptr};
        char path[] = "PATH=/usr/bin:/bin";
        char* const environment[] = {path, variable, nullptr};
        const auto child = kernel.spawn({.path = "sh",
                                         .arguments = const_cast<char* const*>(arguments),
                                         .environment = environment,
                                         .inherited = passed,
                                         .process_id_slot = slot,
                                         .terminal = sys::Terminal::none});
        EXPECT_TRUE(child);
        write_end.reset();
        std::string output;
        char buffer[4096];
        for (ssize_t size = 0; (size = ::read(read_end.get(), buffer, sizeof buffer)) > 0;) {
            output.append(buffer, static_cast<std::size_t>(size));
        }
        if (child) { ::waitpid(*child, nullptr, 0); }
        return output;
    }

    sys::NativeKernel kernel;
};

TEST_F(NativeKernelTest, SpawnsWithACleanSignalState) {
    sigset_t blocked, before;
    sigfillset(&blocked);
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    const auto old = std::signal(SIGPIPE, SIG_IGN);
    const std::string status = output_of("grep -E '^Sig(Blk|Ign)' /proc/self/status");
    std::signal(SIGPIPE, old);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(status, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(NativeKernelTest, PassesDescriptorsInOrderAndNoOthers) {
    const base::UniqueFd extra(::open("/dev/null", O_RDONLY)); // not CLOEXEC on purpose
    const base::UniqueFd first(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    const base::UniqueFd second(::open("/dev/full", O_RDONLY | O_CLOEXEC));
    const int inherited[] = {second.get(), first.get()};
    // No pipeline: the shell would have its pipe open meanwhile.
    EXPECT_EQ(output_of("readlink /proc/$$/fd/3 /proc/$$/fd/4; ls /proc/$$/fd", inherited),
              "/dev/full\n/dev/zero\n0\n1\n2\n3\n4\n5\n");
}

TEST_F(NativeKernelTest, TellsTheChildItsOwnPid) {
    char variable[32] = "LISTEN_PID=0000000000";
    EXPECT_EQ(output_of("[ $LISTEN_PID = $$ ] && echo same", {}, variable + 11, variable), "same\n");
}

TEST_F(NativeKernelTest, StartsASessionOfItsOwn) {
    EXPECT_EQ(output_of("read -r _ _ _ _ group session _ < /proc/$$/stat; [ $group = $$ ] && [ $session = $$ "
                        "] && echo own"),
              "own\n");
}

TEST_F(NativeKernelTest, ReportsAnExecThatFailsAndLeavesNoZombie) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP()
        << "ThreadSanitizer makes a fork(2) of vfork(2), and the child's report needs the shared memory";
#endif
    const char* const arguments[] = {"/nonexistent/program", nullptr};
    char* const environment[] = {nullptr};
    const auto child = kernel.spawn({.path = arguments[0],
                                     .arguments = const_cast<char* const*>(arguments),
                                     .environment = environment,
                                     .inherited = {}});
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().number, ENOENT);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(NativeKernelTest, ReapsTheDeadAndKnowsWhenNobodyIsLeft) {
    const pid_t child = ::fork();
    if (child == 0) { ::_exit(9); }
    siginfo_t info;
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
    bool no_children = true;
    const auto death = kernel.reap(no_children);
    ASSERT_TRUE(death);
    EXPECT_EQ(death->process, child);
    EXPECT_EQ(WEXITSTATUS(death->status), 9);
    EXPECT_FALSE(no_children);
    EXPECT_FALSE(kernel.reap(no_children));
    EXPECT_TRUE(no_children);
}

TEST_F(NativeKernelTest, DeliversSignalsTimersAndDatagramsThroughOnePoll) {
    sigset_t before;
    ::sigprocmask(SIG_SETMASK, nullptr, &before);
    auto signals = kernel.open_signals();
    auto poll = kernel.open_poll();
    auto timer = kernel.open_timer();
    base::Text<107> name;
    auto notify = kernel.open_notify_socket(name);
    ASSERT_TRUE(signals && poll && timer && notify);
    const int others = signals->others.get();
    for (const int fd : {signals->deaths.get(), others, timer->get(), notify->get()}) {
        ASSERT_TRUE(kernel.watch(poll->get(), fd));
    }

    ::raise(SIGUSR1);
    EXPECT_EQ(kernel.wait(poll->get()), others);
    EXPECT_EQ(kernel.read_signal(others)->number, SIGUSR1);
    EXPECT_FALSE(kernel.read_signal(others));
    ::raise(SIGCHLD);
    EXPECT_EQ(kernel.wait(poll->get()), signals->deaths.get());
    EXPECT_EQ(kernel.read_signal(signals->deaths.get())->number, SIGCHLD);

    kernel.set_timer(timer->get(), kernel.now() - 1s); // in the past: at once
    EXPECT_EQ(kernel.wait(poll->get()), timer->get());
    kernel.set_timer(timer->get(), std::nullopt);

    const base::UniqueFd client(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string_view abstract = name.view().substr(1);
    abstract.copy(address.sun_path + 1, abstract.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + abstract.size());
    ASSERT_EQ(::sendto(client.get(), "READY=1", 7, 0, reinterpret_cast<sockaddr*>(&address), length), 7);
    EXPECT_EQ(kernel.wait(poll->get()), notify->get());
    char buffer[64];
    const auto datagram = kernel.receive(notify->get(), buffer);
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->text, "READY=1");
    EXPECT_EQ(datagram->sender, ::getpid());
    EXPECT_FALSE(kernel.receive(notify->get(), buffer));
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(NativeKernelTest, ListensSoThatClientsCanConnectBeforeAnyoneAccepts) {
    const auto address = sys::parse_socket_address("127.0.0.1:0");
    ASSERT_TRUE(address);
    const auto listener = kernel.listen(*address);
    ASSERT_TRUE(listener);
    sockaddr_in bound{};
    socklen_t length = sizeof bound;
    ASSERT_EQ(::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&bound), &length), 0);
    const base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&bound), length), 0);
    EXPECT_TRUE(kernel.listen(*sys::parse_socket_address("192.0.2.1:0"))); // not ours yet: IP_FREEBIND
}

TEST_F(NativeKernelTest, ReadsAFileThatFitsAndRefusesOneThatDoesNot) {
    char path[] = "/tmp/vector_boot-test-XXXXXX";
    const base::UniqueFd file(::mkstemp(path));
    ASSERT_EQ(::write(file.get(), "12345678", 8), 8);
    char exact[9], small[8];
    EXPECT_EQ(*kernel.read_file(path, exact), "12345678");
    EXPECT_EQ(kernel.read_file(path, small).error().number, EFBIG);
    ::unlink(path);
    EXPECT_EQ(kernel.read_file(path, exact).error().number, ENOENT);
}

TEST_F(NativeKernelTest, ReadsAheadInAChild) {
    for (const auto& [path, status] : {std::pair("/proc/self/exe", 0), std::pair("/nonexistent", 1)}) {
        const auto child = kernel.spawn_read_ahead(path);
        ASSERT_TRUE(child);
        int ended = 0;
        ASSERT_EQ(::waitpid(*child, &ended, 0), *child);
        EXPECT_EQ(WEXITSTATUS(ended), status) << path;
    }
}

TEST_F(NativeKernelTest, ListsADirectoryThatFitsAndRefusesOneThatDoesNot) {
    char path[] = "/tmp/vector_boot-test-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    const std::string file = std::string(path) + "/12345";
    char exact[6], small[5];
    EXPECT_EQ(*kernel.list_directory(path, small), "");
    ASSERT_EQ(::close(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    EXPECT_EQ(*kernel.list_directory(path, exact), "12345\n");
    EXPECT_EQ(kernel.list_directory(path, small).error().number, EFBIG);
    EXPECT_TRUE(kernel.remove_file(file.c_str()));
    EXPECT_TRUE(kernel.remove_file(file.c_str())) << "what is gone already is no fault";
    EXPECT_TRUE(kernel.remove_directory(path));
    EXPECT_EQ(kernel.list_directory(path, small).error().number, ENOENT);
}

TEST_F(NativeKernelTest, MakesADirectoryForAUserAndFollowsNoLink) {
    char path[] = "/tmp/vector_boot-test-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    const uid_t user = ::geteuid() == 0 ? 12345 : ::geteuid(); // only root gives something away
    const auto make = [&](const std::string& name) {
        return kernel.make_directory_for((path + name).c_str(), user, ::geteuid() == 0 ? 12345 : ::getegid());
    };
    const auto owner_of = [&](const std::string& name) {
        struct stat status{};
        EXPECT_EQ(::lstat((path + name).c_str(), &status), 0) << name;
        return status.st_uid;
    };
    EXPECT_EQ(make("/a/b/c"), user);
    EXPECT_EQ(owner_of("/a/b/c"), user);
    EXPECT_EQ(owner_of("/a/b"), ::geteuid());
    EXPECT_EQ(make("/a/b/c/"), user) << "once more";

    EXPECT_TRUE(kernel.make_directory((path + std::string("/empty")).c_str(), 0755));
    EXPECT_EQ(make("/empty"), user) << "ours to give away";
    EXPECT_EQ(owner_of("/empty"), user);
    EXPECT_EQ(make("/a"), ::geteuid()) << "somebody keeps something there";
    EXPECT_EQ(owner_of("/a"), ::geteuid());

    EXPECT_TRUE(kernel.make_link("a", (path + std::string("/link")).c_str()));
    EXPECT_EQ(make("/link").error().number, ENOTDIR);
    EXPECT_EQ(make("/link/d").error().number, ENOTDIR);
    EXPECT_EQ(std::system(("rm -r " + std::string(path)).c_str()), 0);
}

TEST_F(NativeKernelTest, ConfinesAProgram) {
    const std::string script = "grep -E '^(Cap...|NoNewPrivs):' /proc/self/status; id -u";
    const char* const arguments[] = {"sh", "-c", script.c_str(), nullptr};
    char variable[] = "PATH=/usr/bin:/bin";
    char* const environment[] = {variable, nullptr};
    sys::Confinement confinement;
    confinement.capabilities = 0;
    confinement.no_new_privileges = true;
    const bool is_root = ::geteuid() == 0;
    if (is_root) { confinement.identity = {.user = 12345, .group = 12345}; }
    auto pipe = kernel.open_pipe();
    ASSERT_TRUE(pipe);
    const auto child = kernel.spawn({.path = "sh",
                                     .arguments = const_cast<char* const*>(arguments),
                                     .environment = environment,
                                     .inherited = {},
                                     .output = pipe->write.get(),
                                     .confinement = &confinement});
    ASSERT_TRUE(child) << base::describe(child.error()).view();
    pipe->write.reset();
    ASSERT_EQ(::waitpid(*child, nullptr, 0), *child);
    char buffer[4096];
    const std::string said(kernel.read(pipe->read.get(), buffer).value_or(""));
    for (const char* const set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
        EXPECT_TRUE(said.contains(std::string(set) + ":\t0000000000000000\n")) << said;
    }
    EXPECT_TRUE(said.contains("NoNewPrivs:\t1\n")) << said;
    if (is_root) {
        EXPECT_TRUE(said.contains("CapBnd:\t0000000000000000\n")) << said;
        EXPECT_TRUE(said.ends_with("\n12345\n")) << said;
    }
}

TEST_F(NativeKernelTest, SaysWhyADiskCannotBeEnded) {
    const int swap_error = kernel.swap_off("/nonexistent").error().number;
    EXPECT_TRUE(swap_error == ENOENT || swap_error == EPERM)
        << swap_error; // the second without the capability
    EXPECT_EQ(kernel.detach_loop("/nonexistent").error().number, ENOENT);
    EXPECT_EQ(kernel.detach_loop("/dev/null").error().number, ENOTTY);
}

TEST_F(NativeKernelTest, RunsATaskInAChildWithACleanSignalState) {
    sigset_t blocked, before;
    sigfillset(&blocked);
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    const pid_t own = ::getpid();
    const auto child =
        kernel.spawn_task({.run = [](const void* parent) noexcept -> int {
                               sigset_t mask;
                               ::sigprocmask(SIG_SETMASK, nullptr, &mask);
                               const bool clean = sigismember(&mask, SIGTERM) == 0;
                               return clean && ::getppid() == *static_cast<const pid_t*>(parent) ? 42 : 1;
                           },
                           .argument = &own});
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ASSERT_TRUE(child);
    int status = 0;
    ASSERT_EQ(::waitpid(*child, &status, 0), *child);
    EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST(SocketAddress, TakesNumericHosts) {
    EXPECT_EQ(sys::parse_socket_address("127.0.0.1:8080")->storage.ss_family, AF_INET);
    EXPECT_EQ(sys::parse_socket_address("[::1]:80")->storage.ss_family, AF_INET6);
    sockaddr_in any{};
    const auto star = sys::parse_socket_address("*:9");
    std::memcpy(&any, &star->storage, sizeof any);
    EXPECT_EQ(any.sin_addr.s_addr, htonl(INADDR_ANY));
    EXPECT_EQ(ntohs(any.sin_port), 9);
    EXPECT_TRUE(sys::parse_socket_address("localhost:1"));
}

TEST(SocketAddress, RefusesWhatItCannotBind) {
    for (const char* const text : {"", "8080", "host.example:80", "127.0.0.1:", "127.0.0.1:65536",
                                   "127.0.0.1:-1", "[::1:80", "::1:80x", "1.2.3:80", "[]:80"}) {
        const auto address = sys::parse_socket_address(text);
        ASSERT_FALSE(address) << text;
        EXPECT_NE(address.error().detail.view().find("expected HOST:PORT"), std::string_view::npos);
    }
}

} // namespace
