// Stream connections on unix sockets, on the real kernel.
#include "sys/native_kernel.h"

#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

namespace {

using namespace vb;

int connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        return client;
    }
    ::close(client);
    return -1;
}

class UnixSocketTest : public ::testing::Test {
  protected:
    UnixSocketTest() {
        char pattern[] = "/tmp/vb-unix-XXXXXX";
        folder = ::mkdtemp(pattern);
        path = folder + "/control.sock";
    }
    ~UnixSocketTest() override {
        ::unlink(path.c_str());
        ::rmdir(folder.c_str());
    }
    struct stat status() const {
        struct stat found{};
        EXPECT_EQ(::lstat(path.c_str(), &found), 0);
        return found;
    }

    sys::NativeKernel kernel;
    std::string folder;
    std::string path;
};

TEST_F(UnixSocketTest, HasTheModeWhateverTheUmask) {
    const mode_t before = ::umask(0077);
    const auto listener = kernel.listen_unix(path.c_str(), 0660, ::getegid());
    ::umask(before);
    ASSERT_TRUE(listener) << base::describe(listener.error()).c_str();
    EXPECT_EQ(status().st_mode, S_IFSOCK | 0660U);
    EXPECT_EQ(status().st_gid, ::getegid());
}

TEST_F(UnixSocketTest, TakesThePlaceOfAnAbandonedSocketOnly) {
    auto first = kernel.listen_unix(path.c_str(), 0600, {});
    ASSERT_TRUE(first);
    const auto second = kernel.listen_unix(path.c_str(), 0600, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().number, EADDRINUSE);
    first->reset();
    EXPECT_TRUE(kernel.listen_unix(path.c_str(), 0600, {}));
}

TEST_F(UnixSocketTest, DoesNotRemoveWhatIsNoSocket) {
    std::ofstream(path) << "precious";
    const auto listener = kernel.listen_unix(path.c_str(), 0600, {});
    ASSERT_FALSE(listener);
    EXPECT_EQ(listener.error().number, EADDRINUSE);
    EXPECT_TRUE(S_ISREG(status().st_mode));
}

TEST_F(UnixSocketTest, SaysWhyItCannotBind) {
    const auto listener = kernel.listen_unix((folder + "/missing/control.sock").c_str(), 0600, {});
    ASSERT_FALSE(listener);
    EXPECT_EQ(listener.error().number, ENOENT);
    const auto long_path = kernel.listen_unix(std::string(200, 'x').c_str(), 0600, {});
    ASSERT_FALSE(long_path);
    EXPECT_EQ(long_path.error().number, ENAMETOOLONG);
}

TEST_F(UnixSocketTest, KnowsWhoConnects) {
    const auto listener = kernel.listen_unix(path.c_str(), 0666, {});
    ASSERT_TRUE(listener);
    const auto nobody = kernel.accept(listener->get());
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().number, EAGAIN);
    const base::UniqueFd client(connect_to(path));
    const auto accepted = kernel.accept(listener->get());
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->peer.process, ::getpid());
    EXPECT_EQ(accepted->peer.user, kernel.user_id());
    EXPECT_EQ(accepted->peer.group, ::getegid());
    EXPECT_TRUE(kernel.is_peer_in_group(accepted->socket.get(), ::getegid()));
    EXPECT_NE(::fcntl(accepted->socket.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(UnixSocketTest, KnowsTheSupplementaryGroupsOfThePeer) {
    if (::geteuid() != 0) { GTEST_SKIP() << "only root can change its groups"; }
    const auto listener = kernel.listen_unix(path.c_str(), 0666, {});
    ASSERT_TRUE(listener);
    ::chmod(folder.c_str(), 0755);
    const pid_t child = ::fork();
    if (child == 0) {
        const gid_t groups[] = {7, 8};
        const bool changed = ::setgroups(2, groups) == 0 && ::setgid(5) == 0 && ::setuid(6) == 0;
        ::_exit(changed && connect_to(path) >= 0 ? 0 : 1);
    }
    int ended = -1;
    ::waitpid(child, &ended, 0);
    ASSERT_EQ(ended, 0);
    const auto accepted = kernel.accept(listener->get());
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->peer.user, 6U);
    const int socket = accepted->socket.get();
    EXPECT_TRUE(kernel.is_peer_in_group(socket, 5));
    EXPECT_TRUE(kernel.is_peer_in_group(socket, 8));
    EXPECT_FALSE(kernel.is_peer_in_group(socket, 0));
    EXPECT_FALSE(kernel.is_peer_in_group(socket, 9));
}

TEST_F(UnixSocketTest, ReceivesAndSendsWithoutBlocking) {
    const auto listener = kernel.listen_unix(path.c_str(), 0600, {});
    base::UniqueFd client(connect_to(path));
    const auto accepted = kernel.accept(listener->get());
    ASSERT_TRUE(accepted);
    const int socket = accepted->socket.get();
    char buffer[16];
    EXPECT_EQ(kernel.receive_part(socket, buffer).error().number, EAGAIN);
    ASSERT_EQ(::write(client.get(), "hello", 5), 5);
    EXPECT_EQ(kernel.receive_part(socket, buffer), 5U);
    EXPECT_EQ(std::string_view(buffer, 5), "hello");

    const std::string much(std::size_t{16} << 20, 'x');
    const auto part = kernel.send_part(socket, much);
    ASSERT_TRUE(part);
    EXPECT_LT(*part, much.size());
    EXPECT_EQ(kernel.send_part(socket, much).error().number, EAGAIN);
    client.reset();
    EXPECT_EQ(kernel.send_part(socket, much).error().number, EPIPE); // and no SIGPIPE
}

TEST_F(UnixSocketTest, WatchesForWhatIsAsked) {
    const auto listener = kernel.listen_unix(path.c_str(), 0600, {});
    const auto poll = kernel.open_poll();
    const auto timer = kernel.open_timer();
    ASSERT_TRUE(listener && poll && timer);
    const base::UniqueFd client(connect_to(path));
    const auto accepted = kernel.accept(listener->get());
    const int socket = accepted->socket.get();
    ASSERT_TRUE(kernel.watch(poll->get(), socket));
    ASSERT_TRUE(kernel.watch(poll->get(), timer->get()));
    ASSERT_TRUE(kernel.watch_for(poll->get(), socket, sys::Readiness::writable));
    EXPECT_EQ(kernel.wait(poll->get()), socket);
    ASSERT_TRUE(kernel.watch_for(poll->get(), socket, sys::Readiness::readable));
    kernel.set_timer(timer->get(), kernel.now()); // the only thing that is ready
    EXPECT_EQ(kernel.wait(poll->get()), timer->get());
    ASSERT_EQ(::write(client.get(), "x", 1), 1);
    kernel.unwatch(poll->get(), socket);
    EXPECT_EQ(kernel.wait(poll->get()), timer->get());
    EXPECT_FALSE(kernel.watch_for(poll->get(), socket, sys::Readiness::readable));
}

} // namespace
