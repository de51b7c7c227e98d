// A server on a port of its own, its event loop on a thread of its own.
#pragma once

#include "client.h"
#include "http/api.h"
#include "http/server.h"
#include "scripted_backend.h"

#include <chrono>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <thread>

namespace vb::http {

class ServerTest : public testing::Test {
  protected:
    void SetUp() override { start({}); }
    void TearDown() override { stop(); }

    void start(const Limits& limits, const Api::Host& host = {});
    void stop();
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
    static std::string masked(const std::string& text);

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
