#include "engine/chat_template.h"

#include <gtest/gtest.h>

namespace vb::engine {
namespace {

Messages messages(std::string_view json) { return {.json = std::string(json)}; }

ChatTemplate parsed(std::string_view source) {
    auto chat_template = ChatTemplate::parse(source);
    EXPECT_TRUE(chat_template.has_value());
    return *std::move(chat_template);
}

std::string refusal(std::string_view json) {
    const auto text = parsed("").render(messages(json), {});
    EXPECT_FALSE(text.has_value());
    if (text) { return "not refused: " + *text; }
    EXPECT_EQ(text.error().fault, Fault::request);
    return text.error().message;
}

TEST(ChatTemplate, WithoutASourceItIsChatml) {
    EXPECT_EQ(
        parsed("").render(messages(R"([{"role":"system","content":"S"},{"role":"user","content":"Q"}])"), {}),
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n");
}

TEST(ChatTemplate, SeesSpecialTokens) {
    EXPECT_EQ(
        parsed("{{ bos_token }}{{ messages[0]['content'] }}{{ eos_token }}")
            .render(messages(R"([{"role":"user","content":"Q"}])"), {.beginning = "<s>", .end = "</s>"}),
        "<s>Q</s>");
}

TEST(ChatTemplate, JoinsTextPartsAndTakesNullAsEmpty) {
    const auto chat_template = parsed("{% for message in messages %}[{{ message['content'] }}]{% endfor %}");
    EXPECT_EQ(
        chat_template.render(messages(R"([{"role":"user","content":[{"type":"text","text":"a"},)"
                                      R"({"type":"text","text":"b"}]},{"role":"assistant","content":null}])"),
                             {}),
        "[ab][]");
}

TEST(ChatTemplate, ASystemMessageGoesBeforeTheUsersWhereTheTemplateKnowsNone) {
    const auto chat_template = parsed("{% for message in messages %}{% if message['role'] == 'system' %}"
                                      "{{ raise_exception('System role not supported') }}{% endif %}"
                                      "<{{ message['role'] }}>{{ message['content'] }}{% endfor %}");
    EXPECT_EQ(chat_template.render(
                  messages(R"([{"role":"system","content":"S"},{"role":"user","content":"Q"}])"), {}),
              "<user>S\n\nQ");
}

TEST(ChatTemplate, TellsWhatTheTemplateRaises) {
    const auto chat_template = parsed("{{ raise_exception('roles must alternate') }}");
    const auto text = chat_template.render(messages(R"([{"role":"user","content":"Q"}])"), {});
    ASSERT_FALSE(text.has_value());
    EXPECT_EQ(text.error().fault, Fault::request);
    EXPECT_NE(text.error().message.find("roles must alternate"), std::string::npos) << text.error().message;
}

TEST(ChatTemplate, RefusesASourceThatIsNoTemplate) {
    for (const char* source : {"{% if %}", "{% for x in %}", "{{ (", "{% endfor %}"}) {
        const auto chat_template = ChatTemplate::parse(source);
        ASSERT_FALSE(chat_template.has_value()) << source;
        EXPECT_EQ(chat_template.error().fault, Fault::model_unsupported);
        EXPECT_NE(chat_template.error().message.find("chat template"), std::string::npos);
    }
}

TEST(ChatTemplate, RefusesATemplateThatNestsTooDeeply) {
    const auto chat_template = ChatTemplate::parse("{{ " + std::string(100'000, '(') + "1");
    ASSERT_FALSE(chat_template.has_value());
    EXPECT_NE(chat_template.error().message.find("nests"), std::string::npos)
        << chat_template.error().message;
}

TEST(ChatTemplate, MessagesThatAreNoJson) {
    EXPECT_NE(refusal("").find("messages: "), std::string::npos);
    EXPECT_NE(refusal("[{]").find("messages: "), std::string::npos);
    EXPECT_NE(refusal("[{\"role\":\"user\",\"content\":\"\xFF\"}]").find("messages: "), std::string::npos);
}

TEST(ChatTemplate, MessagesOfTheWrongShape) {
    EXPECT_EQ(refusal("[]"), "messages: expected a non-empty array of messages, found an empty one");
    EXPECT_EQ(refusal("{}"), "messages: expected a non-empty array of messages, found object");
    EXPECT_EQ(refusal("null"), "messages: expected a non-empty array of messages, found null");
    EXPECT_EQ(refusal("[1]"), "messages[0]: expected an object, found number");
    EXPECT_EQ(refusal(R"([{"content":"Q"}])"), R"(messages[0].role: expected a string such as "user")");
    EXPECT_EQ(refusal(R"([{"role":1,"content":"Q"}])"),
              R"(messages[0].role: expected a string such as "user")");
    EXPECT_EQ(refusal(R"([{"role":"user","content":"Q"},{"role":"user"}])"),
              "messages[1].content: missing, expected a string");
    EXPECT_NE(refusal(R"([{"role":"user","content":7}])").find("found number"), std::string::npos);
    EXPECT_NE(refusal(R"([{"role":"user","content":[7]}])").find("text parts"), std::string::npos);
    EXPECT_NE(refusal(R"([{"role":"user","content":[{"type":"image_url"}]}])").find("\"image_url\""),
              std::string::npos);
    EXPECT_NE(refusal(R"([{"role":"user","content":[{"type":"text"}]}])").find("text parts"),
              std::string::npos);
}

TEST(ChatTemplate, MessagesThatNestTooDeeply) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    EXPECT_NE(refusal(R"([{"role":"user","content":)" + deep + "}]").find("deeper than 32"),
              std::string::npos);
}

} // namespace
} // namespace vb::engine
