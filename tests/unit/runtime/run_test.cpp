// The whole runtime, run in a child process as the supervisor would run it.
#include "runtime/runtime.h"

#include "notify_socket.h"
#include "runtime/listen.h"
#include "unit/http/client.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <thread>

namespace vb::runtime {

namespace {

std::uint16_t port_of(int socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
}

class Child {
  public:
    Child(const Options& options, const std::function<void()>& prepare = [] {}) {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(ends[1], STDERR_FILENO);
            prepare();
            ::_exit(run(options, base::monotonic_now()));
        }
        log_.reset(ends[0]);
        ::close(ends[1]);
    }
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void signal(int number) const { ::kill(pid_, number); }
    // -1 if it was killed.
    int exit_code() {
        int status = 0;
        EXPECT_EQ(::waitpid(std::exchange(pid_, 0), &status, 0) > 0, true);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    // All that it said; it has to have ended.
    std::string log() const {
        std::string text;
        char bytes[4096];
        for (ssize_t size = 1; size > 0;
             text.append(bytes, static_cast<std::size_t>(std::max<ssize_t>(size, 0)))) {
            size = ::read(log_.get(), bytes, sizeof bytes);
        }
        return text;
    }

  private:
    pid_t pid_ = 0;
    base::UniqueFd log_;
};

class RunTest : public testing::Test {
  protected:
    // What the supervisor sets: the listening socket at 3, and where to notify.
    std::function<void()> supervised() {
        return [this] {
            // Below 3 + 1 there may be anything of the test's: only the number matters here.
            ::dup2(socket_.get(), 3);
            ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
            ::setenv("LISTEN_FDS", "1", 1);
            ::setenv("LISTEN_FDNAMES", "http", 1);
            ::setenv("NOTIFY_SOCKET", supervisor_.address().c_str(), 1);
        };
    }
    static Options serving(const std::string& model) {
        Options options;
        options.engine.model = model;
        options.engine.context = 256;
        options.engine.threads = 1;
        return options;
    }
    http::Client connected() const {
        http::Client client(port_of(socket_.get()));
        client.connect();
        return client;
    }

    base::UniqueFd socket_ = bind_socket("127.0.0.1:0").value();
    NotifySocket supervisor_{"@vector_boot-run-" + std::to_string(::getpid())};
};

constexpr char chat[] = R"({"messages":[{"role":"user","content":"Hi"}],"max_tokens":3})";
constexpr char endless_chat[] =
    R"({"messages":[{"role":"user","content":"Hi"}],"stream":true,"temperature":2})";

TEST_F(RunTest, MissingModelIsOneLineAndExitCode2) {
    Child child(serving("/nonexistent/model.gguf"), supervised());
    EXPECT_EQ(supervisor_.receive(), "STATUS=loading the model");
    EXPECT_TRUE(supervisor_.receive().starts_with("STOPPING=1\n"));
    EXPECT_EQ(child.exit_code(), 2);
    const std::string log = child.log();
    EXPECT_TRUE(log.contains("vector_boot-runtime: ") && log.contains("/nonexistent/model.gguf")) << log;
    EXPECT_EQ(std::ranges::count(log, '\n'), 1) << log;
}

TEST_F(RunTest, MalformedModelIsOneLineAndExitCode2) {
    const std::string path = testing::TempDir() + "malformed-" + std::to_string(::getpid()) + ".gguf";
    std::ofstream(path) << "GGUFnonsense";
    Child child(serving(path), supervised());
    EXPECT_EQ(child.exit_code(), 2);
    const std::string log = child.log();
    EXPECT_TRUE(log.contains(path)) << log;
    EXPECT_EQ(std::ranges::count(log, '\n'), 1) << log;
    ::unlink(path.c_str());
}

TEST_F(RunTest, AddressInUseIsExitCode1) {
    Options options = serving(VB_TINY_MODEL);
    options.listen = "127.0.0.1:" + std::to_string(port_of(socket_.get()));
    Child child(options);
    EXPECT_EQ(child.exit_code(), 1);
    const std::string log = child.log();
    EXPECT_TRUE(log.contains("bind " + options.listen + ": Address already in use")) << log;
}

TEST_F(RunTest, SupervisorThatCannotBeReachedDoesNotPreventServing) {
    Child child(serving(VB_TINY_MODEL), [this] {
        supervised()();
        ::setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
    });
    http::Client client = connected();
    client.get("/live");
    EXPECT_EQ(client.reply().status, 200);
    child.signal(SIGTERM);
    EXPECT_EQ(child.exit_code(), 0);
    EXPECT_TRUE(child.log().contains("/nonexistent/notify"));
}

TEST_F(RunTest, ServesPassedSocketsAndEndsInOrder) {
    // Asked before the runtime exists: the question waits in the backlog.
    http::Client client = connected();
    client.post(chat);
    Child child(serving(VB_TINY_MODEL), supervised());
    EXPECT_EQ(supervisor_.receive(), "STATUS=loading the model");
    const http::Reply reply = client.reply();
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_TRUE(reply.body.contains(R"("object":"chat.completion")")) << reply.body;
    EXPECT_EQ(supervisor_.receive(), "READY=1\nSTATUS=serving");
    client.get("/health");
    EXPECT_EQ(client.reply().status, 200);
    client.get("/v1/models");
    EXPECT_TRUE(client.reply().body.contains(R"("id":"tiny")"));
    client.get("/timeline?format=table");
    const std::string timeline = client.reply().body;
    EXPECT_TRUE(timeline.contains("runtime: start") && timeline.contains("first token")) << timeline;
    child.signal(SIGTERM);
    EXPECT_EQ(supervisor_.receive(), "STOPPING=1\nSTATUS=ending");
    EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(RunTest, AnswersInFlightAreFinishedBeforeTheEnd) {
    Child child(serving(VB_TINY_MODEL), supervised());
    http::Client client = connected();
    client.post(R"({"messages":[{"role":"user","content":"Hi"}],"max_tokens":20,"stream":true})");
    EXPECT_EQ(client.head().status, 200);
    std::string body = client.chunk();
    child.signal(SIGINT);
    for (std::string chunk = client.chunk(); !chunk.empty(); chunk = client.chunk()) {
        body += chunk;
    }
    EXPECT_TRUE(body.ends_with("data: [DONE]\n\n")) << body;
    EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(RunTest, SecondSignalDoesNotWait) {
    Options options = serving(VB_TINY_MODEL);
    options.drain = std::chrono::hours(1);
    Child child(options, supervised());
    // More clients than can be answered in the test's time: the engine answers one at a time.
    std::vector<http::Client> clients;
    clients.reserve(50);
    for (int count = 0; count < 50; ++count) {
        clients.push_back(connected());
    }
    for (const http::Client& client : clients) {
        client.post(endless_chat);
    }
    EXPECT_EQ(clients.front().head().status, 200);
    child.signal(SIGTERM);
    EXPECT_EQ(supervisor_.receive(), "STATUS=loading the model");
    EXPECT_EQ(supervisor_.receive(), "READY=1\nSTATUS=serving");
    EXPECT_EQ(supervisor_.receive(), "STOPPING=1\nSTATUS=ending");
    child.signal(SIGTERM);
    EXPECT_EQ(child.exit_code(), 0);
    const http::Reply refused = clients.back().reply();
    EXPECT_EQ(refused.status, 503);
    EXPECT_TRUE(refused.body.contains("the server is stopping")) << refused.body;
}

TEST_F(RunTest, ClientThatGoesAwayDoesNotEndTheRuntime) {
    Child child(serving(VB_TINY_MODEL), supervised());
    for (int round = 0; round < 3; ++round) {
        http::Client client = connected();
        client.post(endless_chat);
        EXPECT_EQ(client.head().status, 200);
    }
    http::Client client = connected();
    client.post(chat);
    EXPECT_EQ(client.reply().status, 200);
    child.signal(SIGTERM);
    EXPECT_EQ(child.exit_code(), 0);
}

} // namespace

} // namespace vb::runtime
