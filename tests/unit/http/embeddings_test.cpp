#include "http/embeddings.h"
#include "server_test.h"

namespace vb::http {

namespace {

using EmbeddingsTest = ServerTest;

constexpr char embeddings_path[] = "/v1/embeddings";

engine::Embeddings vectors(std::vector<float> values) { return {.size = 2, .values = std::move(values)}; }

std::string refused_embedding(const std::string& body) {
    const auto request = parse_embedding_request(body);
    return request ? "accepted" : request.error().param.value_or("no field");
}

TEST(EmbeddingRequestTest, FaultsByName) {
    EXPECT_EQ(refused_embedding("{}"), "input");
    EXPECT_EQ(refused_embedding(R"({"input":[]})"), "input");
    EXPECT_EQ(refused_embedding(R"({"input":{}})"), "input");
    EXPECT_EQ(refused_embedding(R"({"input":"a","encoding_format":"hex"})"), "encoding_format");
    EXPECT_EQ(refused_embedding(R"({"input":"a","dimensions":0})"), "dimensions");
    EXPECT_EQ(refused_embedding(R"({"input":"a","model":1})"), "model");
    std::string many = R"({"input":["a")";
    for (int count = 0; count < 2048; ++count) {
        many += R"(,"a")";
    }
    EXPECT_EQ(refused_embedding(many + "]}"), "input");
    EXPECT_EQ(refused_embedding(R"({"input":["a",""],"user":"me"})"), "accepted");
}

TEST_F(EmbeddingsTest, Numbers) {
    Client client = connected();
    client.post(R"({"input":["one","three"],"dimensions":2})", embeddings_path);
    const auto call = backend_.next_embedding();
    ASSERT_TRUE(call.done);
    EXPECT_EQ(call.texts, (std::vector<std::string>{"one", "three"}));
    call.done(vectors({0.5F, -1, 0, 1}));
    EXPECT_EQ(client.reply().body,
              R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]},)"
              R"({"object":"embedding","index":1,"embedding":[0,1]}],"model":"tiny/model",)"
              R"("usage":{"prompt_tokens":8,"total_tokens":8}})");
}

TEST_F(EmbeddingsTest, Base64OfTokens) {
    Client client = connected();
    client.post(R"({"input":[72,105],"encoding_format":"base64"})", embeddings_path);
    const auto call = backend_.next_embedding();
    ASSERT_TRUE(call.done);
    EXPECT_EQ(call.texts, std::vector<std::string>{"Hi"});
    call.done(vectors({1, -2}));
    const std::string reply = client.reply().body;
    EXPECT_TRUE(reply.contains(R"("embedding":"AACAPwAAAMA=")")) << reply; // 0000803F 000000C0
    EXPECT_TRUE(reply.contains(R"("prompt_tokens":2)")) << reply;
}

TEST_F(EmbeddingsTest, OtherDimensionsAreRefused) {
    Client client = connected();
    client.post(R"({"input":"a","dimensions":3})", embeddings_path);
    backend_.next_embedding().done(vectors({1, 0}));
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 400);
    EXPECT_TRUE(reply.body.contains("'dimensions' must be 2")) << reply.body;
}

TEST_F(EmbeddingsTest, TheEnginesRefusal) {
    Client client = connected();
    client.post(R"({"input":""})", embeddings_path);
    backend_.next_embedding().done(std::unexpected(engine::Error{engine::Fault::request, "text 0 is empty"}));
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 400);
    EXPECT_TRUE(reply.body.contains(R"("param":"input")")) << reply.body;
}

TEST_F(EmbeddingsTest, WhoGoesAwayIsForgotten) {
    backend_.set_parallel(1);
    Client first = connected();
    first.post(R"({"input":"a"})", embeddings_path);
    const auto call = backend_.next_embedding();
    Client second = connected();
    second.post(R"({"input":"b"})", embeddings_path);
    ASSERT_TRUE(eventually([this] { return api_->queue().waiting() == 1; }));
    second.close();
    ASSERT_TRUE(eventually([this] { return api_->queue().waiting() == 0; }));
    first.close();
    ASSERT_TRUE(eventually([this] { return server_->open_exchanges() == 0; }));
    EXPECT_EQ(on_loop([this] { return api_->queue().running(); }), 1U); // the engine goes on with it
    call.done(vectors({1, 0}));
    ASSERT_TRUE(eventually([this] { return api_->queue().running() == 0; }));
}

TEST_F(EmbeddingsTest, RefuseWaitingAnswersAll) {
    backend_.set_parallel(1);
    Client first = connected();
    first.post(R"({"input":"a"})", embeddings_path);
    const auto call = backend_.next_embedding();
    Client second = connected();
    second.post(R"({"input":"b"})", embeddings_path);
    ASSERT_TRUE(eventually([this] { return api_->queue().waiting() == 1; }));
    on_loop([this] { api_->refuse_waiting(unavailable("the end")); });
    EXPECT_EQ(first.reply().status, 503);
    EXPECT_EQ(second.reply().status, 503);
    call.done(vectors({1, 0}));
    EXPECT_EQ(get("/live").status, 200);
}

TEST_F(EmbeddingsTest, TokensNeedAModelToBeSpelled) {
    backend_.set_state(engine::State::loading);
    Client client = connected();
    client.post(R"({"input":[1]})", embeddings_path);
    EXPECT_EQ(client.reply().status, 503);
    client.post(R"({"input":"a"})", embeddings_path); // text waits
    EXPECT_TRUE(backend_.next_embedding().done);
}

} // namespace

} // namespace vb::http
