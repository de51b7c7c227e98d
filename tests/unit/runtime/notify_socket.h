// The supervisor's end of sd_notify(3).
#pragma once

#include "base/unique_fd.h"

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace vb::runtime {

class NotifySocket {
  public:
    explicit NotifySocket(std::string address)
        : address_(std::move(address)), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::memcpy(name.sun_path, address_.data(), address_.size());
        std::size_t size = offsetof(sockaddr_un, sun_path) + address_.size();
        if (address_.front() == '@') {
            name.sun_path[0] = '\0';
        } else {
            ::unlink(address_.c_str());
            ++size;
        }
        const timeval patience{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&name), static_cast<socklen_t>(size)) !=
            0) {
            throw std::runtime_error("bind " + address_);
        }
    }
    ~NotifySocket() {
        if (address_.front() == '/') { ::unlink(address_.c_str()); }
    }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    const std::string& address() const noexcept { return address_; }
    // The next datagram; empty if none comes.
    std::string receive() const {
        char text[1024];
        const ssize_t size = ::recv(socket_.get(), text, sizeof text, 0);
        return {text, static_cast<std::size_t>(size > 0 ? size : 0)};
    }

  private:
    std::string address_;
    base::UniqueFd socket_;
};

} // namespace vb::runtime
