// Calls of tools, by a model whose weights are noise: what it calls is right because it has to be.
#include "unit/engine/engine_fixture.h"

#include <regex>

namespace vb::engine {
namespace {

// Two tools, one of which refers to another part of its schema.
constexpr const char* tools =
    R"([{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{)"
    R"("city":{"enum":["Bonn","Rome"]},"days":{"$ref":"#/$defs/days"}},"required":["city","days"],)"
    R"("$defs":{"days":{"type":"integer","minimum":1,"maximum":9}}}}},)"
    R"({"type":"function","function":{"name":"now"}}])";

Request with_tools(ToolChoice choice, std::string tool = {}) {
    return {.prompt = Messages{.json = R"([{"role":"user","content":"Hello"}])",
                               .tools = tools,
                               .tool_choice = choice,
                               .tool = std::move(tool)},
            .max_tokens = 1000,
            .sampling = {.temperature = 0}};
}
Messages& messages(Request& request) { return std::get<Messages>(request.prompt); }

class EngineToolsTest : public EngineTest {
  protected:
    std::unique_ptr<Engine> start_wide() {
        return start({.model = VB_TINY_MODEL, .context = 4096, .batch = 512});
    }
    std::string refusal(Engine& engine, Request request) {
        ask(engine, ++which_, std::move(request));
        const auto heard = hearing_.wait_for_end(which_);
        EXPECT_FALSE(heard.outcome->has_value());
        if (heard.outcome->has_value()) { return {}; }
        EXPECT_EQ(heard.outcome->error().fault, Fault::request);
        return heard.outcome->error().message;
    }
    Hearing::Answer heard(Engine& engine, Request request) {
        ask(engine, ++which_, std::move(request));
        auto heard = hearing_.wait_for_end(which_);
        EXPECT_TRUE(heard.outcome->has_value()) << heard.outcome->error().message;
        return heard;
    }
    int which_ = 0;
};

void expect_weather(const ToolCall& call) {
    EXPECT_EQ(call.name, "weather");
    EXPECT_TRUE(std::regex_match(call.arguments, std::regex(R"re(\{"city":"(Bonn|Rome)","days":[1-9]\})re")))
        << call.arguments;
}

TEST_F(EngineToolsTest, ARequiredCallComesAndObeysItsSchema) {
    const auto engine = start_wide();
    for (const float temperature : {0.0F, 0.7F, 1.5F}) {
        Request request = with_tools(ToolChoice::required);
        messages(request).calls_in_parallel = false;
        request.sampling.temperature = temperature;
        request.stop = {"{", "\n"}; // would cut the call
        const auto answer = heard(*engine, request);
        EXPECT_EQ(answer.text, "");
        ASSERT_EQ(answer.calls.size(), 1U);
        EXPECT_EQ((*answer.outcome)->finish, Finish::stop);
        if (answer.calls[0].name == "now") {
            EXPECT_EQ(answer.calls[0].arguments, "{}");
        } else {
            expect_weather(answer.calls[0]);
        }
    }
}

TEST_F(EngineToolsTest, ANamedToolIsCalledOnce) {
    const auto engine = start_wide();
    const auto answer = heard(*engine, with_tools(ToolChoice::automatic, "weather"));
    EXPECT_EQ(answer.text, "");
    ASSERT_EQ(answer.calls.size(), 1U);
    expect_weather(answer.calls[0]);
}

TEST_F(EngineToolsTest, CallsInParallelAreNumberedAndBounded) {
    const auto engine = start_wide();
    Request request = with_tools(ToolChoice::required);
    const auto answer = heard(*engine, request);
    EXPECT_EQ(answer.text, "");
    ASSERT_GE(answer.calls.size(), 1U);
    EXPECT_LE(answer.calls.size(), 16U);
    for (std::uint32_t index = 0; index < answer.calls.size(); ++index) {
        EXPECT_EQ(answer.calls[index].index, index);
    }
}

TEST_F(EngineToolsTest, OfItsOwnAccordItMayJustAnswer) {
    const auto engine = start_wide();
    Request request = with_tools(ToolChoice::automatic);
    request.max_tokens = 20;
    const auto answer = heard(*engine, request);
    EXPECT_NE(answer.text, "");
    EXPECT_TRUE(answer.calls.empty());
    messages(request).tool_choice = ToolChoice::none;
    EXPECT_TRUE(heard(*engine, request).calls.empty());
}

TEST_F(EngineToolsTest, ACallThatTheModelBeginsObeysItsSchema) {
    const auto engine = start_wide();
    ASSERT_EQ(wait_for_state(), State::ready);
    // Bias makes it write the mark, and then would have it write nothing else.
    Request request = with_tools(ToolChoice::automatic);
    for (const Token token : engine->tokenize("<tool_call>", false).value()) {
        request.sampling.logit_bias.push_back({.token = token, .bias = 30});
    }
    request.sampling.repeat_penalty = 3;
    const auto answer = heard(*engine, request);
    for (const ToolCall& call : answer.calls) {
        if (call.name == "weather") { expect_weather(call); }
    }
}

TEST_F(EngineToolsTest, WithASchemaTheAnswerIsACallOrObeysTheSchema) {
    const auto engine = start_wide();
    Request request = with_tools(ToolChoice::automatic);
    request.sampling.schema = R"({"enum":["yes","no"]})";
    for (const float temperature : {0.0F, 2.0F}) {
        request.sampling.temperature = temperature;
        const auto answer = heard(*engine, request);
        EXPECT_TRUE(answer.calls.empty() ? answer.text == "\"yes\"" || answer.text == "\"no\""
                                         : answer.text.empty())
            << answer.text;
    }
}

TEST_F(EngineToolsTest, ContradictionsAreRefused) {
    const auto engine = start_wide();
    Request request = with_tools(ToolChoice::required);
    request.sampling.schema = "{}";
    EXPECT_TRUE(refusal(*engine, request).starts_with("tool_choice: a call is required"));
    request = with_tools(ToolChoice::required);
    request.sampling.grammar = "root ::= \"a\"";
    EXPECT_TRUE(refusal(*engine, request).starts_with("tool_choice: a call is required"));
    request = with_tools(ToolChoice::required);
    messages(request).tools = "";
    EXPECT_TRUE(refusal(*engine, request).starts_with("tool_choice: a call is required"));
    request = with_tools(ToolChoice::automatic);
    request.sampling.schema = "{}\nanswer: /.*/";
    EXPECT_TRUE(refusal(*engine, request).starts_with("schema: "));
    EXPECT_EQ(refusal(*engine, with_tools(ToolChoice::automatic, "other")),
              R"(tool_choice: there is no tool "other")");
    request = with_tools(ToolChoice::required);
    messages(request).tools =
        R"([{"type":"function","function":{"name":"a","parameters":{"properties":{"b":{"type":"nothing"}}}}}])";
    EXPECT_TRUE(refusal(*engine, request).starts_with("tools: "));
}

} // namespace
} // namespace vb::engine
