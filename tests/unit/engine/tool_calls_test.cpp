// The calls in an answer, however it is cut into pieces.
#include "engine/tool_calls.h"

#include <gtest/gtest.h>

namespace vb::engine {
namespace {

// What a receiver heard, as one text: calls as [index name arguments].
class Recorder final : public Receiver {
  public:
    void text(std::string_view piece) override {
        EXPECT_FALSE(piece.empty());
        heard += piece;
    }
    void tool_call(const ToolCall& call) override {
        heard += "[" + std::to_string(call.index) + " " + call.name + " " + call.arguments + "]";
    }
    void finished(const Result<Outcome>& /*outcome*/) override {}

    std::string heard;
};

constexpr ToolFormat tagged{.form = CallForm::tagged};
constexpr ToolFormat bare{.form = CallForm::bare};
constexpr ToolFormat bracketed{.form = CallForm::bracketed};

std::string heard_in_pieces(ToolFormat format, std::string_view answer, std::size_t size,
                            std::uint32_t most) {
    ToolCalls calls(format, {"add", "now"}, most);
    Recorder recorder;
    for (; !answer.empty(); answer.remove_prefix(std::min(size, answer.size()))) {
        calls.add(answer.substr(0, size), recorder);
    }
    calls.finish(recorder);
    return recorder.heard;
}

std::string heard(ToolFormat format, std::string_view answer, std::uint32_t most = 16) {
    const std::string whole = heard_in_pieces(format, answer, answer.size() + 1, most);
    for (const std::size_t size : {1U, 2U, 3U, 7U}) {
        EXPECT_EQ(heard_in_pieces(format, answer, size, most), whole) << size;
    }
    return whole;
}

TEST(ToolCalls, TextIsText) {
    for (const ToolFormat format : {tagged, bare, bracketed}) {
        for (const char* const text :
             {"Hello", " Hello\n", "a < b", "<tool", "[TOOL", "x [1]", "{", "{\"name\"", "{}", "\n"}) {
            EXPECT_EQ(heard(format, text), text);
        }
    }
}

TEST(ToolCalls, ACallBetweenTags) {
    EXPECT_EQ(heard(tagged, "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>"),
              R"([0 add {"a":1}])");
    EXPECT_EQ(heard(tagged, "\nI add. <tool_call>{\"name\": \"now\", \"arguments\": {}}</tool_call>\n\n"),
              "\nI add. [0 now {}]");
    EXPECT_EQ(heard(tagged,
                    "<tool_call>{\"name\": \"now\", \"arguments\": {}}</tool_call>\n<tool_call>\n"
                    "{\"name\": \"add\", \"arguments\": {\"t\": \"}</tool_call>\\\"{\"}}</tool_call> Done"),
              R"([0 now {}][1 add {"t":"}</tool_call>\"{"}] Done)");
}

TEST(ToolCalls, AForgottenTagIsForgiven) {
    EXPECT_EQ(heard(tagged, R"(<tool_call>{"name": "now", "arguments": {}})"), "[0 now {}]");
    EXPECT_EQ(heard(tagged, R"(<tool_call>{"name": "now", "arguments": {}}</tool)"), "[0 now {}]");
    EXPECT_EQ(heard(tagged, R"(<tool_call>{"name": "now", "arguments": {}} and)"), "[0 now {}] and");
}

TEST(ToolCalls, WhatIsNoCallIsText) {
    for (const char* const text :
         {R"(<tool_call>{"name": "other", "arguments": {}}</tool_call>)", "<tool_call>now()</tool_call>",
          R"(<tool_call>{"name": "now"}</tool_call>)",
          R"(<tool_call>{"name": "now", "arguments": "{}"}</tool_call>)",
          R"(<tool_call>{name: "now"}</tool_call>)", R"(<tool_call>{"name": "now", "argum)", "<tool_call>",
          R"(<tool_call>[{"name": "now", "arguments": {}}]</tool_call>)"}) {
        EXPECT_EQ(heard(tagged, text), text);
    }
    EXPECT_EQ(heard(tagged, R"(<tool_call>{"a"}</tool_call><tool_call>{"name":"now","arguments":{}})"),
              R"(<tool_call>{"a"}</tool_call>[0 now {}])");
    EXPECT_EQ(heard(bracketed, "[TOOL_CALLS][]"), "[TOOL_CALLS][]");
}

TEST(ToolCalls, ABareCall) {
    EXPECT_EQ(heard(bare, R"({"name": "add", "parameters": {"a": [1]}})"), R"([0 add {"a":[1]}])");
    EXPECT_EQ(heard(bare, "<|python_tag|>{\"name\": \"add\", \"parameters\": {}}\n"), "[0 add {}]");
    EXPECT_EQ(heard(bare, R"({"name": "now", "arguments": {}}; {"name": "now", "parameters": {}})"),
              "[0 now {}][1 now {}]");
    EXPECT_EQ(heard(bare, R"({"name": "Ann", "age": 3} is she)"), R"({"name": "Ann", "age": 3} is she)");
    EXPECT_EQ(heard(bare, R"(So: {"name": "now", "parameters": {}})"),
              R"(So: {"name": "now", "parameters": {}})");
}

TEST(ToolCalls, CallsInBrackets) {
    EXPECT_EQ(heard(bracketed, R"([TOOL_CALLS][{"name": "add", "arguments": {"a": "]"}, "id": "123456789"}, )"
                               R"({"name": "now", "arguments": {}}])"),
              R"([0 add {"a":"]"}][1 now {}])");
    EXPECT_EQ(heard(bracketed, R"(Yes.[TOOL_CALLS] [{"name": "now", "arguments": {}}])"), "Yes.[0 now {}]");
}

TEST(ToolCalls, AfterTheMostThereMayBeAllIsText) {
    EXPECT_EQ(
        heard(tagged, R"(<tool_call>{"name":"now","arguments":{}}</tool_call><tool_call>{"name":"now")", 1),
        R"([0 now {}]<tool_call>{"name":"now")");
    EXPECT_EQ(
        heard(bracketed, R"([TOOL_CALLS][{"name":"now","arguments":{}},{"name":"now","arguments":{}}])", 1),
        R"([TOOL_CALLS][{"name":"now","arguments":{}},{"name":"now","arguments":{}}])");
}

TEST(ToolCalls, TextIsNotHeldBack) {
    ToolCalls calls(tagged, {"now"}, 1);
    Recorder recorder;
    calls.add("One < ", recorder);
    EXPECT_EQ(recorder.heard, "One < ");
    calls.add("two <tool", recorder);
    EXPECT_EQ(recorder.heard, "One < two ");
    EXPECT_FALSE(calls.begun());
    calls.add("_call>\n", recorder);
    EXPECT_EQ(calls.begun(), "\n");
    calls.add(R"({"name": "now", "arguments": {}})", recorder);
    EXPECT_FALSE(calls.begun());
    EXPECT_TRUE(calls.is_complete());
    EXPECT_EQ(recorder.heard, "One < two [0 now {}]");
    ToolCalls json(bare, {"now"}, 1);
    Recorder other;
    json.add(R"({"age)", other); // this is no call any more
    EXPECT_EQ(other.heard, R"({"age)");
}

} // namespace
} // namespace vb::engine
