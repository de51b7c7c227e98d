#include "server_test.h"

#include <csignal>
#include <regex> // takes seconds to compile: here only

namespace vb::http {

void ServerTest::start(const Limits& limits, const Api::Host& host) {
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

void ServerTest::stop() {
    if (!thread_.joinable()) { return; }
    mailbox_->post([this] { loop_->stop(); });
    thread_.join();
    server_.reset();
    api_.reset();
    mailbox_.reset();
    loop_.reset();
}

std::string ServerTest::masked(const std::string& text) {
    static const std::regex id(
        R"=("((?:item_|call_)?id)":"(?:chatcmpl-|cmpl-|resp_|msg_|fc_|call_)[0-9a-f]{24}")=");
    static const std::regex time(R"=("(created|created_at|completed_at)":1[0-9]{9}\b)=");
    return std::regex_replace(std::regex_replace(text, id, R"("$1":"ID")"), time, R"("$1":TIME)");
}

} // namespace vb::http
