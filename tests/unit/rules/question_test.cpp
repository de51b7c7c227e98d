// What the model is asked, and what its answer is worth.
#include "rules/question.h"
#include "rules/rate_limit.h"

#include <gtest/gtest.h>

namespace {

using namespace vb;
using namespace vb::rules;
using config::RegisterType;

TEST(NumberTest, HasTheSignOfItsRegister) {
    EXPECT_EQ(Number::of_register(0xfffb, RegisterType::i16).text(), "-5");
    EXPECT_EQ(Number::of_register(0xfffb, RegisterType::u16).text(), "65531");
    EXPECT_EQ(Number::of_register(0x1fffb, RegisterType::u16).text(), "65531");
    EXPECT_EQ(Number::of_register(~0ULL, RegisterType::u64).text(), "18446744073709551615");
    EXPECT_EQ(Number::of_register(~0ULL, RegisterType::i64).text(), "-1");
    EXPECT_TRUE(Number::of_register(~0ULL, RegisterType::u64) > 0);
    EXPECT_TRUE(Number::of_register(0, RegisterType::u8) > -1);
    EXPECT_TRUE(Number::of_register(0xff, RegisterType::i8) == -1);
}

TEST(ConditionTest, HoldsWhereAllOfItDoes) {
    config::Rule rule;
    EXPECT_TRUE(holds(rule, Number(3)));
    rule.above = 2;
    rule.below = 5;
    EXPECT_TRUE(holds(rule, Number(3)));
    EXPECT_FALSE(holds(rule, Number(2)));
    EXPECT_FALSE(holds(rule, Number(5)));
    rule.equal = 4;
    EXPECT_FALSE(holds(rule, Number(3)));
    EXPECT_TRUE(holds(rule, Number(4)));
}

TEST(QuestionTest, HasTheValuesFilledIn) {
    config::Rule rule;
    rule.name = "heat";
    rule.device = "boiler";
    rule.system = "Of {device}.";
    rule.prompt = "{{{value}}} was {before}, {count} times, {code}: \"{rule}\"";
    const auto values = values_of(rule, {.value = Number(81), .before = Number(-1), .count = 2, .code = 30});
    const engine::Request asked = question(rule, values);
    EXPECT_EQ(std::get<engine::Messages>(asked.prompt).json,
              R"([{"role":"system","content":"Of boiler."},)"
              R"({"role":"user","content":"{81} was -1, 2 times, 30: \"heat\""}])");
    EXPECT_EQ(asked.sampling.temperature, 0);
    EXPECT_EQ(asked.max_tokens, rule.max_tokens);
}

TEST(QuestionTest, ItsGrammarIsThatOfTheAnswersOrOfNumbers) {
    config::Rule rule;
    EXPECT_EQ(grammar_of(rule), "");
    rule.write.emplace();
    EXPECT_TRUE(grammar_of(rule).contains("[0-9]"));
    rule.write->values = {{"close", 0}, {"say \"open\"\n", 1}};
    EXPECT_EQ(grammar_of(rule), R"(root ::= "close" | "say \"open\"\n")");
    rule.answers = {"close"};
    EXPECT_EQ(grammar_of(rule), R"(root ::= "close")");
    rule.answers.clear();
    rule.grammar = "root ::= [a]";
    EXPECT_EQ(grammar_of(rule), "root ::= [a]");
}

TEST(AnswerTest, IsWrittenByItsValueOrAsANumber) {
    config::RuleWrite write;
    EXPECT_EQ(written_value(write, "42"), 42U);
    EXPECT_EQ(written_value(write, "0x2A"), 42U);
    EXPECT_EQ(written_value(write, "-1"), ~0ULL);
    for (const char* const wrong : {"", "-", "0x", "4 2", "forty", "99999999999999999999"}) {
        EXPECT_FALSE(written_value(write, wrong)) << wrong;
    }
    write.values = {{"open", -2}};
    EXPECT_EQ(written_value(write, "open"), ~0ULL - 1);
    EXPECT_FALSE(written_value(write, "opened"));
}

TEST(RateLimitTest, AllowsSoManyAMinuteAndFillsEvenly) {
    base::Nanoseconds now{};
    RateLimit limit(6, now);
    for (int index = 0; index < 6; ++index) {
        EXPECT_TRUE(limit.take(now));
    }
    EXPECT_FALSE(limit.take(now));
    now += std::chrono::milliseconds(9'900);
    EXPECT_FALSE(limit.take(now));
    now += std::chrono::milliseconds(200);
    EXPECT_TRUE(limit.take(now));
    now += std::chrono::hours(24);
    for (int index = 0; index < 6; ++index) {
        EXPECT_TRUE(limit.take(now));
    }
    EXPECT_FALSE(limit.take(now));
}

} // namespace
