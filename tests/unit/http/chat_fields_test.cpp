// Fields of chat completions beyond the plain ones: formats, tools, log probabilities, several answers.
#include "chat_fields.h"

namespace vb::http {

namespace {

engine::Sampling sampling(const std::string& fields) {
    const auto request = with(fields);
    EXPECT_TRUE(request) << request.error().message;
    return request->engine.front().sampling;
}
engine::Messages messages(const std::string& fields) {
    const auto request = with(fields);
    EXPECT_TRUE(request) << request.error().message;
    return std::get<engine::Messages>(request->engine.front().prompt);
}
const std::string tools =
    R"("tools":[{"type":"function","function":{"name":"f","parameters":{}}},{"type":"function","function":{"name":"g"}}])";

TEST(ChatFieldsTest, AnswersHaveSeedsOfTheirOwn) {
    const auto request = with(R"("n":3,"seed":4294967294)");
    ASSERT_TRUE(request);
    ASSERT_EQ(request->engine.size(), 3U);
    EXPECT_EQ(request->engine[0].sampling.seed, 0xFFFFFFFEU);
    EXPECT_EQ(request->engine[1].sampling.seed, 0U); // not the engine's "a new one each time"
    EXPECT_EQ(request->engine[2].sampling.seed, 1U);
    EXPECT_EQ(with(R"("n":2)")->engine[1].sampling.seed, 0xFFFFFFFFU);
    EXPECT_EQ(refused(R"("n":1.5)"), "n");
}

TEST(ChatFieldsTest, Penalties) {
    const engine::Sampling read =
        sampling(R"("presence_penalty":-1,"frequency_penalty":1.5,"repeat_penalty":1.25)");
    EXPECT_EQ(read.presence_penalty, -1);
    EXPECT_EQ(read.frequency_penalty, 1.5F);
    EXPECT_EQ(read.repeat_penalty, 1.25F);
    EXPECT_EQ(refused(R"("presence_penalty":2.1)"), "presence_penalty");
    EXPECT_EQ(refused(R"("frequency_penalty":"much")"), "frequency_penalty");
    EXPECT_EQ(refused(R"("repeat_penalty":0)"), "repeat_penalty");
}

TEST(ChatFieldsTest, LogitBias) {
    const auto biases = sampling(R"("logit_bias":{"7":-100,"12":2.5})").logit_bias;
    ASSERT_EQ(biases.size(), 2U);
    EXPECT_EQ(biases[0].token, 12);
    EXPECT_EQ(biases[0].bias, 2.5F);
    EXPECT_EQ(biases[1].token, 7);
    for (const char* const wrong : {R"({"7":101})", R"({"7":"1"})", R"({"x":1})", R"({"-1":1})",
                                    R"({"7x":1})", R"({"99999999999":1})", R"({"":1})", "[[7,1]]", "3"}) {
        EXPECT_EQ(refused(std::string(R"("logit_bias":)") + wrong), "logit_bias") << wrong;
    }
}

TEST(ChatFieldsTest, Logprobs) {
    EXPECT_FALSE(with(R"("logprobs":false)")->engine.front().alternatives);
    EXPECT_EQ(with(R"("logprobs":true)")->engine.front().alternatives, 0U);
    EXPECT_EQ(with(R"("logprobs":true,"top_logprobs":20)")->engine.front().alternatives, 20U);
    EXPECT_EQ(refused(R"("logprobs":true,"top_logprobs":21)"), "top_logprobs");
    EXPECT_EQ(refused(R"("top_logprobs":2)"), "top_logprobs");
    EXPECT_EQ(refused(R"("logprobs":3)"), "logprobs");
}

TEST(ChatFieldsTest, Formats) {
    EXPECT_EQ(sampling(R"("response_format":{"type":"text"})").schema, "");
    EXPECT_EQ(sampling(R"("response_format":{"type":"json_object"})").schema, R"({"type":"object"})");
    EXPECT_EQ(sampling(R"("response_format":{"type":"json_object","schema":{"a":1}})").schema, R"({"a":1})");
    EXPECT_EQ(
        sampling(
            R"("response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"b":2}}})")
            .schema,
        R"({"b":2})");
    EXPECT_EQ(sampling(R"("json_schema":{"c":3})").schema, R"({"c":3})");
    EXPECT_EQ(sampling(R"("grammar":"root ::= \"a\"")").grammar, "root ::= \"a\"");
    EXPECT_EQ(refused(R"("response_format":"json")"), "response_format");
    EXPECT_EQ(refused(R"("response_format":{"type":"xml"})"), "response_format.type");
    EXPECT_EQ(refused(R"("response_format":{"type":"json_schema"})"), "response_format.json_schema.schema");
    EXPECT_EQ(refused(R"("response_format":{"type":"json_schema","json_schema":{"schema":[]}})"),
              "response_format.json_schema.schema");
    EXPECT_EQ(refused(R"("json_schema":true)"), "json_schema");
    EXPECT_EQ(refused(R"("json_schema":{},"response_format":{"type":"json_object"})"), "json_schema");
    EXPECT_EQ(refused(R"("json_schema":{},"grammar":"root ::= \"a\"")"), "grammar");
}

TEST(ChatFieldsTest, ToolsArePassedOnAsTheyCame) {
    const engine::Messages read = messages(tools);
    EXPECT_TRUE(read.tools.starts_with(R"([{"type":"function","function":{"name":"f")")) << read.tools;
    EXPECT_EQ(read.tool_choice, engine::ToolChoice::automatic);
    EXPECT_EQ(read.tool, "");
    EXPECT_TRUE(read.calls_in_parallel);
    EXPECT_EQ(messages(R"("tools":[])").tools, "");
    EXPECT_EQ(refused(R"("tools":{})"), "tools");
    EXPECT_EQ(refused(R"("tools":[3])"), "tools[0]");
    EXPECT_EQ(refused(R"("tools":[{"type":"custom"}])"), "tools[0].type");
    EXPECT_EQ(refused(R"("tools":[{"type":"function"}])"), "tools[0].function.name");
    EXPECT_EQ(refused(R"("tools":[{"type":"function","function":{"name":3}}])"), "tools[0].function.name");
}

TEST(ChatFieldsTest, ToolChoice) {
    EXPECT_EQ(messages(tools + R"(,"tool_choice":"none")").tool_choice, engine::ToolChoice::none);
    EXPECT_EQ(messages(tools + R"(,"tool_choice":"auto")").tool_choice, engine::ToolChoice::automatic);
    EXPECT_EQ(messages(tools + R"(,"tool_choice":"required")").tool_choice, engine::ToolChoice::required);
    const engine::Messages named = messages(
        tools + R"(,"tool_choice":{"type":"function","function":{"name":"g"}},"parallel_tool_calls":false)");
    EXPECT_EQ(named.tool_choice, engine::ToolChoice::required);
    EXPECT_EQ(named.tool, "g");
    EXPECT_FALSE(named.calls_in_parallel);
    EXPECT_EQ(refused(tools + R"(,"tool_choice":"maybe")"), "tool_choice");
    EXPECT_EQ(refused(tools + R"(,"tool_choice":3)"), "tool_choice");
    EXPECT_EQ(refused(tools + R"(,"tool_choice":{"type":"function","function":{"name":"h"}})"),
              "tool_choice");
    EXPECT_EQ(refused(tools + R"(,"tool_choice":{"type":"allowed_tools"})"), "tool_choice");
    EXPECT_EQ(refused(R"("tool_choice":"required")"), "tool_choice");
    EXPECT_EQ(refused(tools + R"(,"parallel_tool_calls":"no")"), "parallel_tool_calls");
}

TEST(ChatFieldsTest, ValuesForTheTemplate) {
    EXPECT_EQ(messages(R"("chat_template_kwargs":{"enable_thinking":false})").template_values,
              R"({"enable_thinking":false})");
    EXPECT_EQ(refused(R"("chat_template_kwargs":[])"), "chat_template_kwargs");
}

TEST(ChatFieldsTest, WhatChangesTheMeaningIsRefused) {
    EXPECT_EQ(refused(R"("functions":[])"), "functions");
    EXPECT_EQ(refused(R"("function_call":"auto")"), "function_call");
    EXPECT_EQ(refused(R"("audio":{"voice":"x"})"), "audio");
    EXPECT_EQ(refused(R"("modalities":["text","audio"])"), "modalities");
    EXPECT_EQ(refused(R"("web_search_options":{})"), "web_search_options");
    EXPECT_TRUE(with(R"("modalities":["text"],"functions":null)"));
}

TEST(ChatFieldsTest, PartsThatAreNotTextAreRefusedByTheirPlace) {
    const auto refused_part = [](const std::string& part) {
        const auto request = parse_chat_request(
            R"({"messages":[{"role":"system","content":"x"},{"role":"user","content":[ )" + part + "]}]}");
        return request ? "accepted" : request.error().param.value_or("no field");
    };
    EXPECT_EQ(refused_part(R"({"type":"text","text":"a"})"), "accepted");
    EXPECT_EQ(refused_part(R"({"type":"text","text":"a"},{"type":"image_url","image_url":{}})"),
              "messages[1].content[1].type");
    EXPECT_EQ(refused_part(R"({"type":"input_audio"})"), "messages[1].content[0].type");
    EXPECT_EQ(refused_part(R"({"type":"file"})"), "messages[1].content[0].type");
    EXPECT_EQ(refused_part("3"), "messages[1].content[0]");
}

} // namespace

} // namespace vb::http
