// Templates that would hang, crash or eat memory.
#include "engine/chat_template.h"

#include <gtest/gtest.h>

namespace vb::engine {
namespace {

class HostileTemplate : public testing::TestWithParam<std::string_view> {};

TEST_P(HostileTemplate, IsRefused) {
    const auto chat_template = ChatTemplate::parse(GetParam());
    ASSERT_TRUE(chat_template.has_value()) << chat_template.error().message;
    const auto text = chat_template->render(Messages{.json = R"([{"role":"user","content":"Q"}])"}, {});
    ASSERT_FALSE(text.has_value()) << text->substr(0, 100);
    EXPECT_EQ(text.error().fault, Fault::request);
    EXPECT_LT(text.error().message.size(), 3000U);
}

INSTANTIATE_TEST_SUITE_P(
    Loops, HostileTemplate,
    testing::Values(
        "{% for a in range(1000000000000) %}{% endfor %}", "{% for a in range(-1, -2, 0) %}x{% endfor %}",
        "{% set r = range(3000) %}{% for a in r %}{% for b in r %}{% for c in r %}{% endfor %}{% endfor %}"
        "{% endfor %}{% for a in r %}{% for b in r %}{% for c in r %}{{ a }}{% endfor %}{% endfor %}{% "
        "endfor %}",
        "{{ 'a'.split('') }}", "{{ 'a'.replace('', 'b', 1000000000000) }}",
        "{% set ns = namespace(s='a') %}{% for i in range(24) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}"
        "{{ ('b' ~ ns.s) in ns.s }}"));
INSTANTIATE_TEST_SUITE_P(
    Memory, HostileTemplate,
    testing::Values(
        "{% set ns = namespace(s='a') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{{ 'a' * 1000000000000 }}", "{{ messages | tojson(indent=1000000000) }}",
        "{{ 'a\nb' | indent(1000000000000) }}", "{% for a in range(1000) %}{{ 'a' * 100000 }}{% endfor %}",
        "{% macro m() %}{% for a in range(1000) %}{{ 'a' * 100000 }}{% endfor %}{% endmacro %}{{ m() }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ "
        "ns.l }}",
        "{{ range(300000) | join('a' * 100000) }}"));
INSTANTIATE_TEST_SUITE_P(
    Crashes, HostileTemplate,
    testing::Values("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{{ 1 // 0 }}", "{{ 1 / 0 }}",
                    "{{ 1 % 0 }}", "{{ 'abc'[0:100000000:2] }}",
                    "{% set a = [] %}{% set b = a.append([[a]]) %}{{ a }}",
                    "{% set ns = namespace() %}{% set ns.a = {'b': ns} %}{{ ns.a == ns.a or ns | tojson }}",
                    "{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% "
                    "endfor %}{{ ns.l }}"));

TEST(TemplateBounds, SourcesThatTheParserCannotTakeAreRefused) {
    for (const std::string& source : {std::string(300'000, 'a'), "a" + std::string(200'000, ' ') + "{{- 1 }}",
                                      "{#" + std::string(200'000, 'a') + "#}"}) {
        EXPECT_EQ(ChatTemplate::parse(source).error().fault, Fault::model_unsupported);
    }
}

TEST(TemplateBounds, ALongConversationIsWithinThem) {
    std::string messages = R"([{"role":"user","content":")" + std::string(4'000'000, 'c') + R"("})";
    for (int turn = 0; turn < 1000; ++turn) {
        messages += R"(,{"role":"assistant","content":"A"},{"role":"user","content":"Q"})";
    }
    const auto text = ChatTemplate::parse("")->render(Messages{.json = messages + "]"}, {});
    ASSERT_TRUE(text.has_value()) << text.error().message;
    EXPECT_GT(text->size(), 4'000'000U);
}

TEST(TemplateBounds, DivisionAndSlicesStillWork) {
    const auto text =
        ChatTemplate::parse("{{ 7 // 2 }} {{ 7 % 4 }} {{ 'abcd'[1:3] }} {{ 'abcd'[0:4:2] }} {{ 'a' * 3 }}")
            ->render(Messages{.json = R"([{"role":"user","content":"Q"}])"}, {});
    EXPECT_EQ(text, "3 3 bc ac aaa");
}

} // namespace
} // namespace vb::engine
