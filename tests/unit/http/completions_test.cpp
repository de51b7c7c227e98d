#include "http/completion_request.h"
#include "server_test.h"

namespace vb::http {

namespace {

using CompletionsTest = ServerTest;

constexpr char completions_path[] = "/v1/completions";

std::string refused_completion(const std::string& body) {
    const auto request = parse_completion_request(body);
    if (request) { return "accepted"; }
    EXPECT_EQ(request.error().status, 400);
    return request.error().param.value_or("no field");
}
std::size_t answers(const std::string& body) {
    const auto request = parse_completion_request(body);
    return request ? request->engine.size() : 0;
}

TEST(CompletionRequestTest, PromptsOfFourKinds) {
    const auto read = [](const std::string& prompt) {
        return parse_completion_request(R"({"prompt":)" + prompt + "}")->engine.front().prompt;
    };
    EXPECT_EQ(std::get<std::string>(read(R"("")")), "");
    EXPECT_EQ(std::get<std::string>(read(R"("a")")), "a");
    EXPECT_EQ(std::get<std::string>(read(R"(["a"])")), "a");
    EXPECT_EQ(std::get<engine::Tokens>(read("[1, 2]")), (engine::Tokens{1, 2}));
    EXPECT_EQ(std::get<engine::Tokens>(read("[ [3],[4]]")), engine::Tokens{3});
    for (const char* const wrong : {"3", "[]", "{}", "null", R"(["a",3])", R"([1,"a"])", "[1.5]",
                                    "[[1],\"a\"]", "[99999999999]", "[{}]"}) {
        EXPECT_EQ(refused_completion(std::string(R"({"prompt":)") + wrong + "}"), "prompt") << wrong;
    }
    EXPECT_EQ(refused_completion("{}"), "prompt");
}

TEST(CompletionRequestTest, AnswersArePromptsTimesN) {
    EXPECT_EQ(answers(R"({"prompt":["a","b"],"n":3})"), 6U);
    EXPECT_EQ(answers(R"({"prompt":["a","b"],"n":2,"best_of":2})"), 4U);
    EXPECT_EQ(refused_completion(R"({"prompt":["a","b","c","d","e"],"n":16})"), "n");
    EXPECT_EQ(refused_completion(R"({"prompt":"a","n":1,"best_of":2})"), "best_of");
}

TEST(CompletionRequestTest, Fields) {
    const auto request = parse_completion_request(
        R"({"prompt":"a","model":"m","max_tokens":3,"logprobs":2,"stop":"x","stream":true,"temperature":0})");
    ASSERT_TRUE(request);
    const engine::Request& engine = request->engine.front();
    EXPECT_EQ(engine.max_tokens, 3U);
    EXPECT_EQ(engine.alternatives, 2U);
    EXPECT_EQ(engine.stop, std::vector<std::string>{"x"});
    EXPECT_EQ(engine.sampling.temperature, 0);
    EXPECT_TRUE(request->stream);
    EXPECT_EQ(parse_completion_request(R"({"prompt":"a"})")->engine.front().max_tokens, 16U);
    EXPECT_EQ(refused_completion(R"({"prompt":"a","suffix":"b"})"), "suffix");
    EXPECT_EQ(refused_completion(R"({"prompt":"a","echo":true,"logprobs":0})"), "echo");
    EXPECT_EQ(refused_completion(R"({"prompt":"a","logprobs":true})"), "logprobs");
    EXPECT_EQ(refused_completion(R"({"prompt":"a","max_tokens":0})"), "max_tokens");
}

TEST_F(CompletionsTest, WholeAnswersToTwoPrompts) {
    Client client = connected();
    client.post(R"({"prompt":["one","two"],"echo":true})", completions_path);
    for (const char* const expected : {"one", "two"}) {
        const auto call = backend_.next();
        ASSERT_TRUE(call.receiver);
        EXPECT_EQ(std::get<std::string>(call.request.prompt), expected);
        call.text(" and on");
        call.finish(engine::Finish::length);
    }
    EXPECT_EQ(
        masked(client.reply().body),
        R"({"id":"ID","object":"text_completion","created":TIME,"model":"tiny/model","choices":[)"
        R"({"text":"one and on","index":0,"logprobs":null,"finish_reason":"length"},)"
        R"({"text":"two and on","index":1,"logprobs":null,"finish_reason":"length"}],)"
        R"("usage":{"prompt_tokens":14,"completion_tokens":6,"total_tokens":20,"prompt_tokens_details":{"cached_tokens":4}},)"
        R"("system_fingerprint":"vector_boot-0.1.0"})");
}

TEST_F(CompletionsTest, Stream) {
    Client client = connected();
    client.post(R"({"prompt":[72,105],"echo":true,"stream":true,"stream_options":{"include_usage":true}})",
                completions_path);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.text("!");
    call.finish();
    const std::string head =
        R"(data: {"id":"ID","object":"text_completion","created":TIME,"model":"tiny/model","choices":)";
    const std::string tail = R"(,"system_fingerprint":"vector_boot-0.1.0"})"
                             "\n\n";
    EXPECT_EQ(
        masked(client.reply().body),
        head + R"([{"text":"Hi!","index":0,"logprobs":null,"finish_reason":null}],"usage":null)" + tail +
            head + R"([{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":null)" + tail +
            head +
            R"([],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":2}})" +
            tail + "data: [DONE]\n\n");
}

TEST_F(CompletionsTest, LogprobsInTheOlderShape) {
    Client client = connected();
    client.post(R"({"prompt":"x","logprobs":1})", completions_path);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    const auto token = [&call](const std::string& text) {
        call.receiver->token({.chosen = {.token = 1, .logprob = -0.5F, .bytes = text},
                              .alternatives = {{.token = 2, .logprob = -0.25F, .bytes = "b"}}});
        call.text(text);
    };
    token("\u00e9t");
    token("!");
    call.finish();
    const std::string reply = client.reply().body;
    EXPECT_TRUE(reply.contains(R"("logprobs":{"tokens":["ét","!"],"token_logprobs":[-0.5,-0.5],)"
                               R"("top_logprobs":[{"b":-0.25},{"b":-0.25}],"text_offset":[0,2]})"))
        << reply;
}

TEST_F(CompletionsTest, ThePromptIsTheFieldAtFault) {
    Client client = connected();
    client.post(R"({"prompt":[1]})", completions_path);
    backend_.next().fail(engine::Fault::request, "token 1 at 0");
    EXPECT_TRUE(client.reply().body.contains(R"("param":"prompt")"));
}

} // namespace

} // namespace vb::http
