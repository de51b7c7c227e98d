#include "runtime/listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace vb::runtime {

namespace {

int listening_socket() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || ::listen(fd, 1) != 0) { ADD_FAILURE() << "no listening socket"; }
    return fd;
}

// The protocol fixes the numbers of the descriptors, so each case runs in a process of its own, in which 3
// and what follows can be what the case wants. Returns the exit status of the body.
template <class Body>
int in_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) { ::_exit(body()); }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Listening sockets at 3, 4, ...
void place_sockets(int count) {
    for (int fd = 3; fd < 3 + count; ++fd) {
        const int made = listening_socket();
        if (made >= 0 && made != fd) {
            ::dup2(made, fd);
            ::close(made);
        }
    }
}

TEST(InheritedSocketsTest, NothingIsPassed) {
    const auto sockets = inherited_sockets({});
    ASSERT_TRUE(sockets);
    EXPECT_TRUE(sockets->empty());
}

TEST(InheritedSocketsTest, VariablesForAnotherProcessAreIgnored) {
    const auto sockets = inherited_sockets({.pid = "1", .fds = "1", .names = nullptr});
    ASSERT_TRUE(sockets);
    EXPECT_TRUE(sockets->empty());
}

TEST(InheritedSocketsTest, BadNumbersAreRefused) {
    const std::string self = std::to_string(::getpid());
    for (const char* const pid : {"", "x", "12x", "99999999999999999999"}) {
        const auto sockets = inherited_sockets({.pid = pid, .fds = "1", .names = nullptr});
        ASSERT_FALSE(sockets) << pid;
        EXPECT_EQ(base::Text<63>(sockets.error().operation), "read LISTEN_PID");
    }
    for (const char* const fds : {"", "x", "-1", "65", "1 "}) {
        const auto sockets = inherited_sockets({.pid = self.c_str(), .fds = fds, .names = nullptr});
        ASSERT_FALSE(sockets) << fds;
        EXPECT_EQ(base::Text<63>(sockets.error().operation), "read LISTEN_FDS");
    }
    const auto names = inherited_sockets({.pid = self.c_str(), .fds = "2", .names = "http"});
    ASSERT_FALSE(names);
    EXPECT_EQ(base::Text<63>(names.error().operation), "read LISTEN_FDNAMES");
}

TEST(InheritedSocketsTest, AllUnnamedSocketsAreTaken) {
    EXPECT_EQ(in_child([] {
                  place_sockets(2);
                  const std::string self = std::to_string(::getpid());
                  const auto sockets = inherited_sockets({.pid = self.c_str(), .fds = "2", .names = nullptr});
                  if (!sockets || sockets->size() != 2) { return 1; }
                  if ((*sockets)[0].get() != 3 || (*sockets)[1].get() != 4) { return 2; }
                  return (::fcntl(3, F_GETFD) & ::fcntl(4, F_GETFD) & FD_CLOEXEC) != 0 ? 0 : 3;
              }),
              0);
}

TEST(InheritedSocketsTest, OnlyTheSocketsForHttpAreTaken) {
    EXPECT_EQ(in_child([] {
                  place_sockets(3);
                  const std::string self = std::to_string(::getpid());
                  const auto sockets =
                      inherited_sockets({.pid = self.c_str(), .fds = "3", .names = "control:http:metrics"});
                  if (!sockets || sockets->size() != 1 || (*sockets)[0].get() != 4) { return 1; }
                  return ::fcntl(3, F_GETFD) < 0 && ::fcntl(5, F_GETFD) < 0 ? 0 : 2;
              }),
              0);
}

TEST(InheritedSocketsTest, WhatDoesNotListenIsRefused) {
    EXPECT_EQ(in_child([] {
                  const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
                  if (silent < 0 || ::dup2(silent, 3) < 0) { return 3; }
                  const std::string self = std::to_string(::getpid());
                  const auto sockets = inherited_sockets({.pid = self.c_str(), .fds = "1", .names = nullptr});
                  if (sockets) { return 1; }
                  return sockets.error().object == "file descriptor 3" ? 0 : 2;
              }),
              0);
    EXPECT_EQ(in_child([] {
                  ::close(3);
                  const std::string self = std::to_string(::getpid());
                  const auto sockets = inherited_sockets({.pid = self.c_str(), .fds = "1", .names = nullptr});
                  return !sockets && sockets.error().number == EBADF ? 0 : 1;
              }),
              0);
}

TEST(BindSocketTest, ListensOnTheAddress) {
    const auto socket = bind_socket("127.0.0.1:0");
    ASSERT_TRUE(socket);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(socket->get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
    EXPECT_NE(::fcntl(socket->get(), F_GETFD) & FD_CLOEXEC, 0);
    const auto again = bind_socket("127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().number, EADDRINUSE);
    EXPECT_TRUE(bind_socket(":0"));
}

TEST(BindSocketTest, BadAddressesAreRefused) {
    for (const char* const address : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                                      "::1:80", "[::1]", "no such host:1"}) {
        EXPECT_FALSE(bind_socket(address)) << address;
    }
}

} // namespace

} // namespace vb::runtime
