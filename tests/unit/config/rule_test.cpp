// [[on]]: its keys, the words in which a fault is told, and its way to the runtime.
#include "config/config.h"
#include "config/rule_json.h"
#include "config/toml.h"

#include <gtest/gtest.h>

namespace {

using namespace vb::config;
namespace base = vb::base;

constexpr char devices[] = R"([sandbox]
enabled = false
[[device]]
name = "boiler"
uio = "boiler"
[[device]]
name = "valve"
uio = "valve"
)";

constexpr char whole[] = R"([[on]]
name = "overheat"
device = "boiler"
event = "interrupt"
region = 1
offset = 0x20
type = "i16"
mask = 0xff
values = { pressure = 0x24 }
acknowledge = 0x28
period = 250
above = -80
below = 1000
equal = 7
system = "You are a valve."
prompt = """
{value} and {pressure}
in two lines"""
answers = ["open"]
max_tokens = 3
write = { device = "valve", region = 2, offset = 0x10, type = "u8", values = { open = 1, close = 0 } }
run = ["/bin/echo", "{answer}"]
publish = false
limit = 6
deadline = 500
)";

Config read(std::string_view rules) {
    Config config;
    const auto done = read_toml(std::string(devices).append(rules), "c.toml", config);
    EXPECT_TRUE(done) << (done ? std::string_view() : base::describe(done.error().error).view());
    return config;
}

std::string fault(std::string_view rules) {
    Config config;
    const auto done = read_toml(std::string(devices).append(rules), "c.toml", config);
    return done ? "" : std::string(base::describe(done.error().error).view());
}

TEST(RulesTest, AreReadWithAllTheirKeys) {
    const Config config = read(whole);
    ASSERT_EQ(config.on.size(), 1U);
    const Rule& rule = config.on[0];
    EXPECT_EQ(rule.event, RuleEvent::interrupt);
    EXPECT_EQ(rule.offset, 0x20U);
    EXPECT_EQ(rule.type, RegisterType::i16);
    EXPECT_EQ(rule.mask, 0xffU);
    EXPECT_EQ(rule.values.at("pressure"), 0x24U);
    EXPECT_EQ(rule.above, -80);
    EXPECT_EQ(rule.prompt, "{value} and {pressure}\nin two lines");
    ASSERT_TRUE(rule.write);
    EXPECT_EQ(rule.write->device, "valve");
    EXPECT_EQ(rule.write->type, RegisterType::u8);
    EXPECT_EQ(rule.write->values.at("open"), 1);
    EXPECT_FALSE(rule.publish);
    EXPECT_EQ(rule.deadline, 500U);
}

TEST(RulesTest, AreTheSameOnTheOtherSide) {
    const Rule rule = read(whole).on.at(0);
    const auto there = read_rule(json_of(rule));
    ASSERT_TRUE(there) << base::describe(there.error()).view();
    EXPECT_EQ(*there, rule);
    const auto usual = read_rule(R"({"name":"x","event":"timer","prompt":"p"})");
    ASSERT_TRUE(usual) << base::describe(usual.error()).view();
    EXPECT_EQ(read_rule(json_of(*usual)), *usual);
}

TEST(RulesTest, HaveTextsOfAnyCharacters) {
    const Config config =
        read("[[on]]\nname = \"a\"\nevent = \"timer\"\nprompt = \"\\u0001 \\t \\n \\\" \\\\ \\U0001F600\"\n");
    EXPECT_EQ(config.on.at(0).prompt, "\x01 \t \n \" \\ \xF0\x9F\x98\x80");
    EXPECT_EQ(read_rule(json_of(config.on[0])), config.on[0]);
    EXPECT_TRUE(fault("[[on]]\nname = \"a\"\nevent = \"timer\"\nprompt = \"\xDE\"\n")
                    .contains("line 12: `prompt = \"\xDE\"`: expected UTF-8"));
}

TEST(RulesTest, TellWhatIsWrongOnTheirWay) {
    const auto broken = read_rule(R"({"name":"x", "colour":1})");
    ASSERT_FALSE(broken);
    EXPECT_TRUE(base::describe(broken.error()).view().contains("expected JSON with the keys of [[on]]"));
    const auto faulty = read_rule(R"({"name":"x","event":"timer","prompt":"{nothing}"})");
    ASSERT_FALSE(faulty);
    EXPECT_TRUE(
        base::describe(faulty.error()).view().contains("read a rule x: expected prompt to be a text"));
}

TEST(RulesTest, TellTheLineOfAFault) {
    EXPECT_TRUE(fault("[[on]]\nname = \"a\"\ndevice = \"boiler\"\noffset = 0x21\nprompt = \"p\"\n")
                    .contains("line 12: `offset = 0x21`: expected offset in [on] to be a multiple"));
    EXPECT_TRUE(fault("[[on]]\nname = \"a\"\nevent = \"timer\"\n").contains("it needs prompt in [on]"));
    EXPECT_TRUE(fault("[[on]]\nname = \"a\"\nevent = \"timer\"\nprompt = \"p\"\nperiod = 0\n")
                    .contains("expected period in [on] to be a whole number of milliseconds"));
    EXPECT_TRUE(fault("[[on]]\nname = \"a\"\nevent = \"timer\"\nprompt = \"p\"\nlimit = 0\n")
                    .contains("expected limit in [on]"));
    EXPECT_TRUE(fault("[[on]]\nname = \"a\"\nevent = \"timer\"\nprompt = \"p\"\nanswers = [\"a\"]\ngrammar = "
                      "\"root ::= [0-9]\"\n")
                    .contains("the only one of answers (or write.values), grammar and schema"));
}

TEST(RulesTest, OneThatIsFaultyIsLeftOutAsAWholeAndTheOthersStay) {
    const std::string text =
        std::string(devices) + "[[on]]\nname = \"first\"\nevent = \"timer\"\nprompt = \"p\"\n" +
        "[[on]]\nname = \"second\"\ndevice = \"boiler\"\nprompt = \"{what}\"\noffset = 0\n" +
        "[[on]]\ndevice = \"boiler\"\nprompt = \"p\"\noffset = 0\n" +
        "[[on]]\nname = \"third\"\nevent = \"timer\"\nprompt = \"p\"\n[engine]\ncontext = 512\n";
    Config config;
    int faults = 0;
    read_toml_leniently(text, "c.toml", config, [&](const base::Error&) { ++faults; });
    EXPECT_EQ(faults, 2);
    ASSERT_EQ(config.on.size(), 2U);
    EXPECT_EQ(config.on[0].name, "first");
    EXPECT_EQ(config.on[1].name, "third");
    EXPECT_EQ(config.engine.context, 512U);
}

TEST(RulesTest, TemplatesHaveNamesAndBraces) {
    std::string pieces;
    const auto collect = [&](std::string_view text) {
        pieces.clear();
        return read_template(
            text, [&](std::string_view literal) { pieces += literal; },
            [&](std::string_view name) { pieces.append("<").append(name).append(">"); });
    };
    EXPECT_TRUE(collect("a {b} {{c}} {d}{e}"));
    EXPECT_EQ(pieces, "a <b> {c} <d><e>");
    EXPECT_TRUE(collect(""));
    EXPECT_FALSE(collect("a {b"));
    EXPECT_FALSE(collect("a } b"));
}

} // namespace
