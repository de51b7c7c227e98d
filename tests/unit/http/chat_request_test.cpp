#include "chat_fields.h"

namespace vb::http {

namespace {

std::string malformed(const std::string& body) {
    const auto request = parse_chat_request(body);
    return request ? "accepted" : request.error().message;
}

TEST(ChatRequestTest, DefaultsAreTheEngines) {
    const auto request = parse_chat_request(R"({"messages":[{"role":"user","content":"Hi"}]})");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->engine.front().max_tokens, 0U);
    EXPECT_TRUE(request->engine.front().stop.empty());
    const engine::Sampling defaults;
    EXPECT_EQ(request->engine.front().sampling.temperature, defaults.temperature);
    EXPECT_EQ(request->engine.front().sampling.top_k, defaults.top_k);
    EXPECT_EQ(request->engine.front().sampling.top_p, defaults.top_p);
    EXPECT_EQ(request->engine.front().sampling.min_p, defaults.min_p);
    EXPECT_EQ(request->engine.front().sampling.seed, defaults.seed);
    EXPECT_FALSE(request->stream);
    EXPECT_FALSE(request->include_usage);
}

TEST(ChatRequestTest, EveryFieldIsRead) {
    const auto request = with(
        R"("model":"any","max_tokens":5,"temperature":0,"top_p":0.5,"top_k":7,"min_p":0.25,"seed":42,
           "stop":["a","\n\u00e9"],"stream":true,"stream_options":{"include_usage":true},"n":1)");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->engine.front().max_tokens, 5U);
    EXPECT_EQ(request->engine.front().sampling.temperature, 0.0F);
    EXPECT_EQ(request->engine.front().sampling.top_p, 0.5F);
    EXPECT_EQ(request->engine.front().sampling.top_k, 7U);
    EXPECT_EQ(request->engine.front().sampling.min_p, 0.25F);
    EXPECT_EQ(request->engine.front().sampling.seed, 42U);
    EXPECT_EQ(request->engine.front().stop, (std::vector<std::string>{"a", "\n\u00e9"}));
    EXPECT_TRUE(request->stream);
    EXPECT_TRUE(request->include_usage);
}

TEST(ChatRequestTest, MessagesArePassedOnUntouched) {
    const std::string messages =
        R"([ {"role":"user", "content":[{"type":"text","text":"\u00e9\n"}]} , {"x":-1.5e3} ])";
    const auto request = parse_chat_request("\n{\"stream\":false, \"messages\" : " + messages + " }\n");
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(std::get<engine::Messages>(request->engine.front().prompt).json, messages);
}

TEST(ChatRequestTest, NullIsAbsent) {
    const auto request = with(
        R"("model":null,"max_tokens":null,"temperature":null,"stop":null,"stream":null,"stream_options":null,"n":null,"seed":null)");
    ASSERT_TRUE(request);
    EXPECT_TRUE(request->engine.front().stop.empty());
}

TEST(ChatRequestTest, NewerNameOfTheLengthWins) {
    EXPECT_EQ(with(R"("max_completion_tokens":9,"max_tokens":5)")->engine.front().max_tokens, 9U);
    EXPECT_EQ(with(R"("max_completion_tokens":9)")->engine.front().max_tokens, 9U);
}

TEST(ChatRequestTest, StopMayBeOneString) {
    EXPECT_EQ(with(R"("stop":"\n")")->engine.front().stop, (std::vector<std::string>{"\n"}));
    EXPECT_TRUE(with(R"("stop":[])")->engine.front().stop.empty());
}

TEST(ChatRequestTest, SeedTakes32Bits) {
    EXPECT_EQ(with(R"("seed":-1)")->engine.front().sampling.seed, 0xFFFFFFFFU);
    EXPECT_EQ(with(R"("seed":4294967298)")->engine.front().sampling.seed, 2U);
}

TEST(ChatRequestTest, UnknownFieldsAreIgnored) {
    EXPECT_TRUE(
        with(R"("user":"me","store":true,"metadata":{"a":"b"},"service_tier":"auto","x":{"messages":3})"));
}

TEST(ChatRequestTest, WrongTypesAreRefusedByName) {
    EXPECT_EQ(refused(R"("model":3)"), "model");
    EXPECT_EQ(refused(R"("max_tokens":"many")"), "max_tokens");
    EXPECT_EQ(refused(R"("max_tokens":1.5)"), "max_tokens");
    EXPECT_EQ(refused(R"("max_tokens":[1])"), "max_tokens");
    EXPECT_EQ(refused(R"("max_completion_tokens":{})"), "max_completion_tokens");
    EXPECT_EQ(refused(R"("temperature":"hot")"), "temperature");
    EXPECT_EQ(refused(R"("temperature":true)"), "temperature");
    EXPECT_EQ(refused(R"("top_p":"all")"), "top_p");
    EXPECT_EQ(refused(R"("top_k":0.5)"), "top_k");
    EXPECT_EQ(refused(R"("min_p":[])"), "min_p");
    EXPECT_EQ(refused(R"("seed":"x")"), "seed");
    EXPECT_EQ(refused(R"("stop":3)"), "stop");
    EXPECT_EQ(refused(R"("stop":["a",3])"), "stop");
    EXPECT_EQ(refused(R"("stream":1)"), "stream");
    EXPECT_EQ(refused(R"("stream":"true")"), "stream");
    EXPECT_EQ(refused(R"("stream_options":true)"), "stream_options");
    EXPECT_EQ(refused(R"("stream_options":{"include_usage":"yes"})"), "stream_options.include_usage");
    EXPECT_EQ(refused(R"("n":"1")"), "n");
}

TEST(ChatRequestTest, ValuesOutOfRangeAreRefusedByName) {
    EXPECT_EQ(refused(R"("max_tokens":0)"), "max_tokens");
    EXPECT_EQ(refused(R"("max_tokens":-1)"), "max_tokens");
    EXPECT_EQ(refused(R"("max_tokens":2147483648)"), "max_tokens");
    EXPECT_EQ(refused(R"("max_tokens":99999999999999999999999)"), "max_tokens");
    EXPECT_EQ(refused(R"("temperature":-0.1)"), "temperature");
    EXPECT_EQ(refused(R"("temperature":2.1)"), "temperature");
    EXPECT_EQ(refused(R"("temperature":1e999)"), "temperature");
    EXPECT_EQ(refused(R"("top_p":1.01)"), "top_p");
    EXPECT_EQ(refused(R"("min_p":-1)"), "min_p");
    EXPECT_EQ(refused(R"("top_k":-1)"), "top_k");
    EXPECT_EQ(refused(R"("n":17)"), "n");
    EXPECT_EQ(refused(R"("n":0)"), "n");
    EXPECT_EQ(refused(R"("stop":"")"), "stop");
    EXPECT_EQ(refused(R"("stop":["a",""])"), "stop");
    EXPECT_EQ(
        refused(R"("stop":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"])"),
        "stop");
}

TEST(ChatRequestTest, MessagesMustBeAnArrayWithContent) {
    for (const char* const body :
         {R"({})", R"({"messages":[]})", R"({"messages":[ ]})", R"({"messages":null})",
          R"({"messages":"Hi"})", R"({"messages":{"role":"user"}})", R"({"messages":3})"}) {
        const auto request = parse_chat_request(body);
        ASSERT_FALSE(request) << body;
        EXPECT_EQ(request.error().param, "messages") << body;
    }
}

TEST(ChatRequestTest, BodyMustBeAnObject) {
    for (const char* const body : {"", "   ", "[]", "3", "null", "\"{}\"", "hello"}) {
        EXPECT_EQ(malformed(body), "the body must be a JSON object") << body;
    }
}

TEST(ChatRequestTest, MalformedJsonIsToldWithItsPlace) {
    EXPECT_TRUE(malformed("{\"messages\":[{}],\n  \"stream\" true}").contains("at line 2, column 1"))
        << malformed("{\"messages\":[{}],\n  \"stream\" true}");
    for (const char* const body :
         {R"({"messages":[{}])", R"({"messages":[{}]}})", R"({"messages":[{}]} x)", R"({"messages":[{},]})",
          R"({"messages":[{"a":}]})", R"({"messages":[{}],})", R"({'messages':[{}]})",
          R"({"messages":[tru]})", R"({"messages":[{"a":"\x"}]})", R"({"messages":[01]})",
          R"({"messages":["unterminated]})", "{", R"({"messages":[{}],"x":[1,}]})",
          "{\"messages\":[\"\xff\xfe\"]}", "{\"messages\":[\"\x01\"]}"}) {
        EXPECT_TRUE(malformed(body).contains("not valid JSON")) << body << ": " << malformed(body);
    }
}

TEST(ChatRequestTest, DepthIsLimited) {
    const auto nested = [](std::size_t depth) {
        return R"({"messages":[{"content":"","x":)" + std::string(depth, '[') + std::string(depth, ']') +
               "}]}";
    };
    EXPECT_TRUE(parse_chat_request(nested(100)));
    EXPECT_TRUE(malformed(nested(100'000)).contains("not valid JSON"));
    EXPECT_TRUE(
        malformed(R"({"messages":[{}],"x":)" + std::string(1'000'000, '[')).contains("not valid JSON"));
}

} // namespace

} // namespace vb::http
