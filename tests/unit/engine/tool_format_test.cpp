// What templates of the known families make of tools and calls.
#include "engine/chat_template.h"

#include <gtest/gtest.h>

namespace vb::engine {
namespace {

// Shortened, but with what matters here as their makers wrote it.
constexpr std::string_view qwen =
    R"({%- if tools %}{{- '<|im_start|>system\n' }}{%- for tool in tools %}{{- tool | tojson }}{%- endfor %})"
    R"({{- '<|im_end|>\n' }}{%- endif %})"
    R"({%- for message in messages %}{{- '<|im_start|>' + message.role + '\n' + message.content }})"
    R"({%- for tool_call in message.tool_calls %}{%- set tool_call = tool_call.function %})"
    R"({{- '\n<tool_call>\n{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }})"
    R"({{- tool_call.arguments | tojson }}{{- '}\n</tool_call>' }}{%- endfor %}{{- '<|im_end|>\n' }}{%- endfor %})";
constexpr std::string_view llama =
    R"({%- for t in tools %}{{- t | tojson(indent=4) }}{%- endfor %}{%- for message in messages %})"
    R"({%- if 'tool_calls' in message %}{%- set tool_call = message.tool_calls[0].function %})"
    R"({{- '{"name": "' + tool_call.name + '", ' }}{{- '"parameters": ' }}{{- tool_call.arguments | tojson }})"
    R"({{- "}" }}{{- "<|eot_id|>" }}{%- else %}{{- message.content }}{%- endif %}{%- endfor %})";
constexpr std::string_view mistral =
    R"({%- if tools %}{{- "[AVAILABLE_TOOLS] " + (tools|tojson) + "[/AVAILABLE_TOOLS]" }}{%- endif %})"
    R"({%- for message in messages %}{%- if message.tool_calls is defined %}{{- "[TOOL_CALLS] [" }})"
    R"({%- for tool_call in message.tool_calls %}{{- tool_call.function|tojson }})"
    R"({%- if tool_call.id|length != 9 %}{{- raise_exception("ids have length 9!") }}{%- endif %}{%- endfor %})"
    R"({{- "]" }}{%- elif message.role == "tool" %}{{- message.tool_call_id }}{%- else %}{{- message.content }}{%- endif %}{%- endfor %})";

constexpr const char* whole_conversation =
    R"([{"role":"user","content":"Q"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",)"
    R"("function":{"name":"add","arguments":"{\"a\": 1}"}}]},{"role":"tool","tool_call_id":"call_1","content":"2"}])";
constexpr const char* one_tool =
    R"([{"type":"function","function":{"name":"add","description":"Adds","parameters":{"type":"object"}}}])";

std::string rendered(std::string_view source, Messages messages) {
    const auto chat_template = ChatTemplate::parse(source);
    EXPECT_TRUE(chat_template.has_value());
    auto text = chat_template->render(messages, {});
    return text ? *text : text.error().message;
}

TEST(ToolFormat, IsFoundFromTheTemplate) {
    EXPECT_EQ(find_tool_format(qwen).form, CallForm::tagged);
    EXPECT_EQ(find_tool_format(llama).form, CallForm::bare);
    EXPECT_EQ(find_tool_format(mistral).form, CallForm::bracketed);
    for (const std::string_view source : {qwen, llama, mistral}) {
        EXPECT_FALSE(find_tool_format(source).is_told);
    }
    for (const std::string_view source : {ChatTemplate::chatml, std::string_view("{{ my_tools }}<tool_call>"),
                                          std::string_view("{% for tool in tools %}<tool_call><function=")}) {
        EXPECT_TRUE(find_tool_format(source).is_told);
    }
}

TEST(ToolFormat, TemplatesGetToolsAndCallsAsTheyNeedThem) {
    const Messages messages{.json = whole_conversation, .tools = one_tool};
    EXPECT_NE(rendered(qwen, messages)
                  .find("<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>"),
              std::string::npos);
    EXPECT_NE(rendered(qwen, messages).find(R"("description": "Adds")"), std::string::npos);
    EXPECT_NE(rendered(llama, messages).find(R"({"name": "add", "parameters": {"a": 1}}<|eot_id|>)"),
              std::string::npos);
    EXPECT_NE(
        rendered(mistral, messages).find(R"([TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}}]000000000)"),
        std::string::npos)
        << rendered(mistral, messages);
}

TEST(ToolFormat, TemplatesThatTakeTextGetTheArgumentsAsText) {
    EXPECT_EQ(
        rendered(
            "{% for m in messages %}{% for c in m.tool_calls %}{{ tools[0].type + c.function.arguments }}"
            "<tool_call>{% endfor %}{% endfor %}",
            {.json = whole_conversation, .tools = one_tool}),
        R"(function{"a":1}<tool_call>)");
}

TEST(ToolFormat, WhereTheTemplateKnowsNoToolsTheyAreTold) {
    const std::string text = rendered("", {.json = whole_conversation, .tools = one_tool});
    EXPECT_TRUE(text.starts_with("<|im_start|>system\nYou may call one or more functions")) << text;
    EXPECT_NE(text.find(R"({"type":"function","function":{"name":"add","description":"Adds",)"),
              std::string::npos);
    EXPECT_TRUE(
        text.ends_with("<|im_start|>assistant\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":1}}\n"
                       "</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\n2\n</tool_response>"
                       "<|im_end|>\n<|im_start|>assistant\n"))
        << text;
    const std::string system =
        rendered("", {.json = R"([{"role":"system","content":"S"},{"role":"user","content":"Q"}])",
                      .tools = one_tool});
    EXPECT_TRUE(system.starts_with("<|im_start|>system\nS\n\nYou may call")) << system;
}

TEST(ToolFormat, WithoutAChoiceTheTemplateHearsOfNoTools) {
    const Messages messages{
        .json = R"([{"role":"user","content":"Q"}])", .tools = one_tool, .tool_choice = ToolChoice::none};
    EXPECT_EQ(rendered("", messages), "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(rendered("{{ tools is defined }}", messages), "False");
}

TEST(ToolFormat, TemplatesGetMoreVariables) {
    EXPECT_EQ(rendered("{{ enable_thinking }}{{ messages[0].content }}",
                       {.json = R"([{"role":"user","content":"Q"}])",
                        .template_values = R"({"enable_thinking":false})"}),
              "FalseQ");
}

std::string refusal(Messages messages) {
    const auto text = ChatTemplate::parse("")->render(messages, {});
    EXPECT_FALSE(text.has_value());
    return text ? "" : text.error().message;
}

TEST(ToolFormat, WhatIsWrongIsNamed) {
    const auto tools = [](std::string text) {
        return refusal({.json = R"([{"role":"user","content":"Q"}])", .tools = std::move(text)});
    };
    EXPECT_EQ(tools("{}"), "tools: expected an array, found object");
    EXPECT_EQ(tools("[1]"), "tools[0]: expected an object, found number");
    EXPECT_EQ(tools(R"([{"type":"retrieval"}])"), R"(tools[0].type: expected "function")");
    EXPECT_EQ(tools(R"([{"type":"function"}])"), "tools[0].function: expected an object");
    EXPECT_EQ(tools(R"([{"type":"function","function":{"name":"a b"}}])"),
              "tools[0].function.name: expected 1 to 64 of letters, digits, _, - and .");
    EXPECT_EQ(tools(R"([{"type":"function","function":{"name":"a","description":1}}])"),
              "tools[0].function.description: expected a string");
    EXPECT_EQ(tools(R"([{"type":"function","function":{"name":"a","parameters":[]}}])"),
              "tools[0].function.parameters: expected a JSON object, found array");
    EXPECT_EQ(tools(R"([{"type":"function","function":{"name":"a","parameters":{"type":"string"}}}])"),
              R"(tools[0].function.parameters.type: expected "object")");
    EXPECT_EQ(tools(R"([{"function":{"name":"a"}},{"function":{"name":"a"}}])"),
              R"(tools[1].function.name: "a" is there twice)");
    EXPECT_NE(tools("[").find("tools: "), std::string::npos);
    EXPECT_NE(tools(std::string(2'000'000, ' ')).find("1 MiB"), std::string::npos);
    const auto values = [](std::string text) {
        return refusal({.json = R"([{"role":"user","content":"Q"}])", .template_values = std::move(text)});
    };
    EXPECT_EQ(values("[]"), "template_values: expected an object, found array");
    EXPECT_EQ(values(R"({"tools":[]})"), "template_values.tools: the request has these itself");
    const auto calls = [](const std::string& text) {
        return refusal({.json = R"([{"role":"assistant","tool_calls":)" + text + "}]"});
    };
    EXPECT_EQ(calls("1"), "messages[0].tool_calls: expected an array, found number");
    EXPECT_EQ(calls("[{}]"), "messages[0].tool_calls[0].function: expected an object");
    EXPECT_EQ(calls(R"([{"function":{"name":"a","arguments":"[]"}}])"),
              "messages[0].tool_calls[0].function.arguments: expected a JSON object, found array");
    EXPECT_EQ(calls(R"([{"id":1,"function":{"name":"a","arguments":{}}}])"),
              "messages[0].tool_calls[0].id: expected a string");
    EXPECT_EQ(refusal({.json = R"([{"role":"tool","content":"1","tool_call_id":1}])"}),
              "messages[0].tool_call_id: expected a string");
}

} // namespace
} // namespace vb::engine
