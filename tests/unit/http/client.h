// A blocking HTTP client on one connection, that shows replies as they came over the wire.
#pragma once

#include "base/unique_fd.h"

#include <arpa/inet.h>
#include <cstdint>
#include <map>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

namespace vb::http {

struct Reply {
    int status = 0;
    std::map<std::string, std::string> headers;
    std::string body;
};

class Client {
  public:
    explicit Client(std::uint16_t port)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), port_(port) {
        const timeval patience{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    }
    void connect() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port_);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (!socket_ ||
            ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("connect");
        }
    }
    void send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) { throw std::runtime_error("send"); }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void get(const std::string& target) const { send("GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n"); }
    void post(const std::string& body, const std::string& target = "/v1/chat/completions") const {
        send("POST " + target + " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body);
    }

    // Status and headers.
    Reply head() {
        Reply reply;
        const std::string first = line();
        if (!first.starts_with("HTTP/1.")) { throw std::runtime_error("not a status line: " + first); }
        reply.status = std::stoi(first.substr(9, 3));
        for (std::string text = line(); !text.empty(); text = line()) {
            const std::size_t colon = text.find(": ");
            reply.headers.emplace(text.substr(0, colon), text.substr(colon + 2));
        }
        return reply;
    }
    // One chunk of a chunked body; empty: the last.
    std::string chunk() {
        std::string text = exactly(std::stoul(line(), nullptr, 16));
        if (!line().empty()) { throw std::runtime_error("a chunk without end"); }
        return text;
    }
    Reply reply() {
        Reply reply = head();
        if (reply.headers.contains("Content-Length")) {
            reply.body = exactly(std::stoul(reply.headers["Content-Length"]));
        } else if (reply.headers.contains("Transfer-Encoding")) {
            for (std::string text = chunk(); !text.empty(); text = chunk()) {
                reply.body += text;
            }
        }
        return reply;
    }
    // No byte and no end comes within this time.
    bool silent(int milliseconds) const {
        pollfd poll{.fd = socket_.get(), .events = POLLIN, .revents = 0};
        return received_.empty() && ::poll(&poll, 1, milliseconds) == 0;
    }
    // The server closes without another byte.
    bool closed() const {
        char byte = 0;
        return received_.empty() && ::recv(socket_.get(), &byte, 1, 0) == 0;
    }
    void close() { socket_.reset(); }
    // With a reset.
    void abort() {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        socket_.reset();
    }
    void end_sending() const { ::shutdown(socket_.get(), SHUT_WR); }
    // Reads until the server ends the connection in whatever way.
    std::string drain() {
        std::string all = std::exchange(received_, {});
        char bytes[65536];
        for (ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0); got > 0;
             got = ::recv(socket_.get(), bytes, sizeof bytes, 0)) {
            all.append(bytes, static_cast<std::size_t>(got));
        }
        return all;
    }

  private:
    void more() {
        char bytes[65536];
        const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
        if (got <= 0) { throw std::runtime_error("the server sent no more"); }
        received_.append(bytes, static_cast<std::size_t>(got));
    }
    std::string line() {
        while (!received_.contains("\r\n")) {
            more();
        }
        const std::size_t end = received_.find("\r\n");
        std::string text = received_.substr(0, end);
        received_.erase(0, end + 2);
        return text;
    }
    std::string exactly(std::size_t size) {
        while (received_.size() < size) {
            more();
        }
        std::string text = received_.substr(0, size);
        received_.erase(0, size);
        return text;
    }

    base::UniqueFd socket_;
    std::uint16_t port_;
    std::string received_;
};

} // namespace vb::http
