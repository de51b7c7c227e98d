#include "server_test.h"

namespace vb::http {

namespace {

using TokensTest = ServerTest;

TEST_F(TokensTest, ThereAndBack) {
    Client client = connected();
    client.post(R"({"content":"Hi"})", "/tokenize");
    EXPECT_EQ(client.reply().body, R"({"tokens":[72,105]})");
    client.post(R"({"tokens":[72,105]})", "/detokenize");
    EXPECT_EQ(client.reply().body, R"({"content":"Hi"})");
}

TEST_F(TokensTest, PiecesThatAreNoCharactersAreBytes) {
    Client client = connected();
    client.post(R"({"content":"H","with_pieces":true,"add_special":true})", "/tokenize");
    EXPECT_EQ(client.reply().body, R"({"tokens":[{"id":72,"piece":"H"}]})");
    client.post(R"({"tokens":[-61]})", "/detokenize");
    EXPECT_EQ(client.reply().body, "{\"content\":\"\uFFFD\"}");
}

TEST_F(TokensTest, Faults) {
    const auto param = [this](const std::string& path, const std::string& body) {
        Client client = connected();
        client.post(body, path);
        const Reply reply = client.reply();
        EXPECT_EQ(reply.status, 400) << body.substr(0, 100);
        return reply.body.substr(reply.body.find("\"param\":"));
    };
    EXPECT_TRUE(param("/tokenize", "{}").starts_with(R"("param":"content")"));
    EXPECT_TRUE(param("/tokenize", R"({"content":3})").starts_with(R"("param":"content")"));
    EXPECT_TRUE(
        param("/tokenize", R"({"content":"a","add_special":1})").starts_with(R"("param":"add_special")"));
    EXPECT_TRUE(param("/tokenize", R"({"content":")" + std::string((1 << 20) + 1, 'a') + "\"}")
                    .starts_with(R"("param":"content")"));
    EXPECT_TRUE(param("/detokenize", R"({"tokens":["a"]})").starts_with(R"("param":"tokens")"));
    EXPECT_TRUE(param("/detokenize", "{}").starts_with(R"("param":"tokens")"));
}

TEST_F(TokensTest, WithoutAModelTheyAreUnavailable) {
    backend_.set_state(engine::State::loading);
    Client client = connected();
    client.post(R"({"content":"a"})", "/tokenize");
    EXPECT_EQ(client.reply().status, 503);
    client.post(R"({"tokens":[1]})", "/detokenize");
    EXPECT_EQ(client.reply().status, 503);
}

} // namespace

} // namespace vb::http
