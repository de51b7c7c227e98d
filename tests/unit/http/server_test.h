// A server on a port of its own, its event loop on a thread of its own.
#pragma once

#include "client.h"
#include "http/api.h"
#include "http/server.h"
#include "scripted_backend.h"

#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <regex>
#include <thread>

namespace vb::http {

class ServerTest : public testing::Test {
  protected:
    void SetUp() override { start({}); }
    void TearDown() override { stop(); }

    void start(const Limits& limits, const Api::Host& host = {}) {
        stop();
        std::signal(SIGPIPE, SIG_IGN); // as the runtime does
        base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_TRUE(socket);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const name = reinterpret_cast<sockaddr*>(&address);
        ASSERT_EQ(::bind(socket.get(), name, size), 0);
        ASSERT_EQ(::listen(socket.get(), 64), 0);
        ASSERT_EQ(::getsockname(socket.get(), name, &size), 0);
        port_ = ntohs(address.sin_port);
        loop_ = std::make_unique<EventLoop>(EventLoop::create().value());
        mailbox_ = Mailbox::create(*loop_).value();
        api_ = std::make_unique<Api>(*loop_, *mailbox_, backend_, timeline_, limits, host);
        handle_ = [this](Exchange& exchange) { api_->handle(exchange); };
        server_ = std::make_unique<Server>(
            *loop_, [this](Exchange& exchange) { handle_(exchange); }, limits, tls_.get());
        server_->on_finished([this](const Exchange& exchange) { api_->count(exchange); });
        ASSERT_TRUE(server_->accept_from(std::move(socket)));
        thread_ = std::thread([this] { EXPECT_TRUE(loop_->run()); });
    }
    void stop() {
        if (!thread_.joinable()) { return; }
        mailbox_->post([this] { loop_->stop(); });
        thread_.join();
        server_.reset();
        api_.reset();
        mailbox_.reset();
        loop_.reset();
    }
    // Runs on the loop's thread.
    template <class Task>
    auto on_loop(Task task) {
        std::promise<decltype(task())> result;
        auto future = result.get_future();
        mailbox_->post([&] {
            if constexpr (std::is_void_v<decltype(task())>) {
                task();
                result.set_value();
            } else {
                result.set_value(task());
            }
        });
        return future.get();
    }
    // The condition, asked on the loop's thread, becomes true.
    bool eventually(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!on_loop(condition)) {
            if (std::chrono::steady_clock::now() > end) { return false; }
        }
        return true;
    }
    Client connected() const {
        Client client(port_);
        client.connect();
        return client;
    }
    Reply get(const std::string& target) const {
        Client client = connected();
        client.get(target);
        return client.reply();
    }
    // What differs from run to run, made equal.
    static std::string masked(const std::string& text) {
        static const std::regex id(
            R"=("((?:item_|call_)?id)":"(?:chatcmpl-|cmpl-|resp_|msg_|fc_|call_)[0-9a-f]{24}")=");
        static const std::regex time(R"=("(created|created_at|completed_at)":1[0-9]{9}\b)=");
        return std::regex_replace(std::regex_replace(text, id, R"("$1":"ID")"), time, R"("$1":TIME)");
    }

    base::Log log_{-1, "test"};
    trace::Timeline timeline_ = trace::Timeline::create(base::monotonic_now()).value();
    ScriptedBackend backend_;
    std::uint16_t port_ = 0;
    std::unique_ptr<EventLoop> loop_;
    std::unique_ptr<Mailbox> mailbox_;
    std::unique_ptr<Api> api_;
    std::unique_ptr<Tls> tls_; // set before start()
    Server::Handler handle_;   // set on the loop, once it runs
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

inline constexpr char chat[] = R"({"messages":[{"role":"user","content":"Hi"}]})";
inline constexpr char streamed_chat[] = R"({"messages":[{"role":"user","content":"Hi"}],"stream":true})";

} // namespace vb::http
