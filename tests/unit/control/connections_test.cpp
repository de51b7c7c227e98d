// Clients that are slow, silent, many or hostile: each loses at most its own connection.
#include "unit/control/server_fixture.h"

#include "control/valid_text.h"

namespace {

using namespace vb;

class ConnectionsTest : public ServerTest {
  protected:
    // Whether what this client sends costs it the connection.
    bool is_dropped_for(const std::string& bytes) {
        auto& client = connect();
        client.sends.push_back(bytes);
        run();
        EXPECT_TRUE(client.received.empty()) << client.received;
        const bool dropped = client.was_dropped;
        client.has_gone = true;
        run();
        return dropped;
    }
    bool still_answers() { return ask(call("io.vectorboot.Control.Halt")) == done; }
    simulation::SimulatedClient& connect_watcher() {
        auto& watcher = connect();
        watcher.sends.push_back(call("io.vectorboot.Control.Watch", R"(,"more":true)"));
        run();
        EXPECT_EQ(watcher.take_messages().size(), machine.units.size());
        return watcher;
    }
};

TEST_F(ConnectionsTest, AMessageMayComeByteByByte) {
    auto& client = connect();
    for (const char byte : call("io.vectorboot.Control.Halt")) {
        EXPECT_TRUE(client.received.empty());
        client.sends.emplace_back(1, byte);
        run();
    }
    EXPECT_EQ(client.take_messages(), std::vector<std::string>{std::string(done)});
}

TEST_F(ConnectionsTest, ManyMessagesInOnePieceAreAnsweredInOrder) {
    auto& client = connect();
    std::string bytes;
    for (int count = 0; count < 500; ++count) {
        bytes += call("io.vectorboot.Control.Halt") + call("io.vectorboot.Control.Nothing");
    }
    client.sends.push_back(bytes + "{\"method\":\"io.vector");
    client.sends.push_back(message("boot.Control.Reload\"}"));
    run();
    const auto replies = client.take_messages();
    ASSERT_EQ(replies.size(), 1001U);
    EXPECT_EQ(replies[998], done);
    EXPECT_TRUE(replies[999].contains("MethodNotFound"));
    EXPECT_TRUE(replies[1000].contains("changed"));
}

TEST_F(ConnectionsTest, ATurnIsOneCall) {
    auto& client = connect();
    client.sends.push_back(call("io.vectorboot.Control.Halt") + call("io.vectorboot.Control.Halt"));
    ASSERT_TRUE(server.handle(client.fd));
    EXPECT_EQ(machine.asked.size(), 1U);
    run();
    EXPECT_EQ(machine.asked.size(), 2U);
}

TEST_F(ConnectionsTest, WhatIsNoCallCostsTheConnection) {
    for (const char* const bytes :
         {"", "{}", "x", "null", "5", "[]", "{\"method\":5}", "{\"method\":null}", "{\"method\":\"\"}",
          "{\"method\":\"Status\"}", "{\"method\":\"a.b\",\"more\":1}",
          "{\"method\":\"a.b\",\"oneway\":\"yes\"}", "{\"method\":\"a.b\",\"upgrade\":null}",
          "{\"method\":\"a.b\"} x", "{\"method\":\"a.b\"", "{\"method\":\"a.b\",\"parameters\":{\"x\":}}",
          "{\"method\":\"a.\xff\"}", "{\"method\":\"a b.c\"}", "{\"method\":\"a.b\",\"z\":{1}}"}) {
        EXPECT_TRUE(is_dropped_for(message(bytes))) << bytes;
    }
    EXPECT_TRUE(still_answers());
}

TEST_F(ConnectionsTest, DeepNestingIsRefused) {
    for (const std::string key : {"parameters", "unknown"}) {
        const std::string deep = std::string(20000, '[') + std::string(20000, ']');
        EXPECT_TRUE(is_dropped_for(call("io.vectorboot.Control.Halt", ",\"" + key + "\":" + deep))) << key;
        const std::string objects = call(
            "io.vectorboot.Control.Halt", ",\"" + key + "\":" + [] {
                std::string text;
                for (int depth = 0; depth < 8000; ++depth) {
                    text += "{\"a\":";
                }
                return text + "1" + std::string(8000, '}');
            }());
        EXPECT_TRUE(is_dropped_for(objects)) << key;
    }
    EXPECT_TRUE(machine.asked.empty());
}

TEST_F(ConnectionsTest, AMessageOfTheLongestLengthIsAnsweredAndALongerOneIsNot) {
    std::string bytes = call("io.vectorboot.Control.Halt", R"(,"x":"")");
    bytes.insert(bytes.size() - 3, control::Server::most_message - bytes.size(), 'x');
    ASSERT_EQ(bytes.size(), control::Server::most_message);
    EXPECT_EQ(ask(bytes), done);
    bytes.insert(bytes.size() - 3, 1, 'x');
    EXPECT_TRUE(is_dropped_for(bytes));
    EXPECT_TRUE(is_dropped_for(std::string(std::size_t{1} << 20, 'x')));
    EXPECT_TRUE(still_answers());
}

TEST_F(ConnectionsTest, OneThatHasShutDownStillGetsItsReplies) {
    auto& client = connect();
    client.sends.push_back(call("io.vectorboot.Control.Halt") + call("io.vectorboot.Control.Halt"));
    client.has_shut_down = true;
    client.room = 5;
    run();
    EXPECT_FALSE(client.was_dropped);
    client.room = 1000;
    run();
    EXPECT_EQ(client.take_messages().size(), 2U);
    EXPECT_TRUE(client.was_dropped);
}

TEST_F(ConnectionsTest, HalfAMessageAndTheEnd) {
    auto& client = connect();
    client.sends.push_back("{\"method\":");
    client.has_shut_down = true;
    run();
    EXPECT_TRUE(client.was_dropped);
}

TEST_F(ConnectionsTest, OneThatGoesBeforeItsReply) {
    auto& client = connect();
    client.sends.push_back(call("io.vectorboot.Control.Halt"));
    client.has_gone = true;
    run();
    EXPECT_TRUE(client.was_dropped);
    EXPECT_EQ(machine.asked.size(), 1U);
}

TEST_F(ConnectionsTest, NothingIsDoneForOneThatDoesNotRead) {
    auto& client = connect();
    client.room = 10;
    for (int count = 0; count < 100; ++count) {
        client.sends.push_back(call("io.vectorboot.Control.Reload"));
    }
    run();
    EXPECT_EQ(machine.asked.size(), 1U); // the rest waits in the client's own buffers
    EXPECT_TRUE(still_answers());
    client.room = 1 << 20;
    run();
    EXPECT_EQ(client.take_messages().size(), 100U);
}

TEST_F(ConnectionsTest, AReplyMayGoInPieces) {
    auto& client = connect();
    client.sends.push_back(call("io.vectorboot.Control.Status"));
    client.room = 0;
    run();
    for (int count = 0; count < 2000 && !client.received.ends_with('\0'); ++count) {
        client.room = 1;
        run();
    }
    client.room = 1000;
    EXPECT_EQ(client.take_messages().front(), ask_method("Status"));
}

TEST_F(ConnectionsTest, AWatcherThatDoesNotReadIsDroppedWhenItsOutputIsFull) {
    auto& watcher = connect_watcher();
    watcher.room = 0;
    int changes = 0;
    while (!watcher.was_dropped && changes < 10000) {
        machine.change("sshd", control::UnitState::ready);
        ++changes;
    }
    EXPECT_TRUE(watcher.was_dropped);
    EXPECT_GT(changes, 1000);
    EXPECT_TRUE(still_answers());
}

TEST_F(ConnectionsTest, ASlowWatcherMissesNothing) {
    auto& watcher = connect_watcher();
    watcher.room = 0;
    for (int count = 0; count < 50; ++count) {
        machine.change("sshd", control::UnitState::ready);
    }
    EXPECT_TRUE(watcher.received.empty());
    watcher.room = 1 << 20;
    run();
    EXPECT_EQ(watcher.take_messages().size(), 50U);
}

TEST_F(ConnectionsTest, AWatcherLeaves) {
    auto& gone = connect_watcher();
    gone.has_gone = true;
    machine.change("sshd", control::UnitState::ready); // found by sending
    EXPECT_TRUE(gone.was_dropped);
    auto& shut = connect_watcher();
    shut.has_shut_down = true;
    run();
    EXPECT_TRUE(shut.was_dropped);
}

TEST_F(ConnectionsTest, AWatcherHasNothingMoreToSay) {
    auto& watcher = connect_watcher();
    watcher.sends.push_back(call("io.vectorboot.Control.Halt"));
    run();
    EXPECT_TRUE(watcher.was_dropped);
    EXPECT_TRUE(machine.asked.empty());
}

TEST_F(ConnectionsTest, TheSeventeenthTakesThePlaceOfTheLongestSilent) {
    std::vector<simulation::SimulatedClient*> clients;
    const auto wait = [this] {
        kernel.after(std::chrono::seconds(1), [] {});
        kernel.set_timer(0, kernel.now() + std::chrono::seconds(1));
        (void)kernel.wait(0);
        kernel.set_timer(0, {});
    };
    for (std::size_t count = 0; count < control::Server::most_connections; ++count) {
        clients.push_back(&connect());
        wait();
    }
    clients[0]->sends.push_back(call("io.vectorboot.Control.Halt"));
    run();
    clients.push_back(&connect());
    for (std::size_t index = 0; index < clients.size(); ++index) {
        EXPECT_EQ(clients[index]->was_dropped, index == 1) << index;
    }
    EXPECT_TRUE(still_answers());
}

TEST_F(ConnectionsTest, WithoutDescriptorsTheLongestSilentGivesItsOwn) {
    auto& silent = connect();
    sockets.accept_error = EMFILE;
    auto& client = sockets.connect(0);
    ASSERT_TRUE(server.handle(sockets.listener()));
    EXPECT_TRUE(silent.was_dropped);
    sockets.accept_error = 0;
    run();
    client.sends.push_back(call("io.vectorboot.Control.Halt"));
    run();
    EXPECT_EQ(client.take_messages().size(), 1U);
}

TEST_F(ConnectionsTest, WithoutDescriptorsItLooksAwayForASecond) {
    for (const int number : {EMFILE, ENFILE, ENOMEM, ENOBUFS}) {
        sockets.accept_error = number;
        auto& client = sockets.connect(0);
        run(); // would spin
        EXPECT_FALSE(sockets.is_watched(sockets.listener()));
        ASSERT_TRUE(server.deadline());
        EXPECT_EQ(*server.deadline(), kernel.now() + std::chrono::seconds(1));
        server.handle_deadline(); // too early
        EXPECT_FALSE(sockets.is_watched(sockets.listener()));

        sockets.accept_error = 0;
        kernel.set_timer(0, *server.deadline());
        (void)kernel.wait(0);
        kernel.set_timer(0, {});
        server.handle_deadline();
        EXPECT_FALSE(server.deadline());
        client.sends.push_back(call("io.vectorboot.Control.Halt"));
        run();
        EXPECT_EQ(client.take_messages().size(), 1U);
        client.has_gone = true;
        run();
    }
}

TEST_F(ConnectionsTest, AConnectionThatCannotBeWatchedIsGivenUp) {
    sockets.watch_error = ENOSPC;
    auto& client = connect();
    client.sends.push_back(call("io.vectorboot.Control.Halt"));
    run();
    EXPECT_TRUE(client.received.empty());
    sockets.watch_error = 0;
    EXPECT_TRUE(still_answers());
}

TEST_F(ConnectionsTest, OthersDescriptorsAreNotItsOwn) {
    EXPECT_FALSE(server.handle(-1));
    EXPECT_FALSE(server.handle(0));
}

TEST_F(ConnectionsTest, ClosesEverything) {
    auto& client = connect();
    server.close();
    EXPECT_TRUE(client.was_dropped);
    EXPECT_FALSE(sockets.is_watched(sockets.listener()));
    EXPECT_FALSE(server.handle(sockets.listener()));
}

TEST(ByteBuffer, GrowsToItsLimitAndIsNothingWhenEmpty) {
    control::ByteBuffer buffer(5000);
    EXPECT_TRUE(buffer.room().empty());
    std::size_t most = 0;
    while (buffer.grow()) {
        most = buffer.room().size();
    }
    EXPECT_EQ(most, 5000U);
    std::ranges::fill(buffer.room(), 'x');
    buffer.room().back() = 'y';
    buffer.commit(5000);
    EXPECT_FALSE(buffer.grow());
    buffer.consume(4998);
    EXPECT_EQ(buffer.view(), "xy");
    buffer.consume(2);
    EXPECT_TRUE(buffer.room().empty());
}

TEST(ValidText, NeverCutsACharacter) {
    EXPECT_EQ(control::valid_text<4>("ab\xe2\x82\xac"), "ab");
    EXPECT_EQ(control::valid_text<5>("ab\xe2\x82\xac"), "ab\xe2\x82\xac");
    EXPECT_EQ(control::valid_text<9>("\xe2\x82"), "??");
    EXPECT_EQ(control::valid_text<9>("\xf4\x90\x80\x80\xc0\xaf"), "??????");
}

TEST(ValidText, HasNothingThatATerminalObeys) {
    EXPECT_EQ(control::valid_text<9>("a\x1b[m\xc2\x9b|\xc2\xa0"), "a [m |\xc2\xa0");
    EXPECT_EQ(control::valid_text<9>("\xc2"), "?");
}

TEST(UnitNames, LeavesOutWhatDoesNotFit) {
    control::UnitNames names;
    for (int count = 0; count < 1000; ++count) {
        names.add("123456789");
    }
    int listed = 0;
    names.for_each([&listed](std::string_view name) {
        EXPECT_EQ(name, "123456789");
        ++listed;
    });
    EXPECT_EQ(listed, 409);
}

} // namespace
