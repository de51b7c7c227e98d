#include "engine/gbnf_check.h"

#include "unit/engine/engine_fixture.h"
#include "unit/engine/gbnf_grammars.h"

#include <gtest/gtest.h>
#include <llama.h>
#include <sys/mman.h>

#include <array>

namespace vb::engine {
namespace {

const IsToken no_token = [](std::string_view) { return false; };

std::string grammar_refusal(std::string_view grammar) {
    const auto checked = check_gbnf(grammar, no_token);
    if (checked) { return "accepted"; }
    EXPECT_EQ(checked.error().fault, Fault::request);
    return checked.error().message;
}

// What is written to fd 2 meanwhile.
template <class Action>
std::string said(Action action) {
    const int before = dup(STDERR_FILENO);
    const int memory = memfd_create("stderr", MFD_CLOEXEC);
    dup2(memory, STDERR_FILENO);
    action();
    dup2(before, STDERR_FILENO);
    close(before);
    std::string text(static_cast<std::size_t>(lseek(memory, 0, SEEK_END)), '\0');
    EXPECT_EQ(pread(memory, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    close(memory);
    return text;
}

bool libllama_takes(const std::string& grammar) {
    llama_sampler* const sampler = llama_sampler_init_grammar(nullptr, grammar.c_str(), "root");
    if (sampler == nullptr) { return false; }
    llama_sampler_free(sampler);
    return true;
}

TEST(GbnfCheck, TheCaptureOfStderrSeesWhatLibllamaPrints) {
    EXPECT_NE(said([] { libllama_takes("root ::= ("); }).find("error parsing grammar"), std::string::npos);
}

TEST(GbnfCheck, WhatItTakesLibllamaTakesInSilence) {
    for (const auto& [name, grammar] : test::good_grammars) {
        EXPECT_EQ(grammar_refusal(grammar), "accepted") << name;
        EXPECT_EQ(said([&] { EXPECT_TRUE(libllama_takes(std::string(grammar))) << name; }), "") << name;
    }
}

// Each grammar cut anywhere, and each with one character dropped or doubled.
TEST(GbnfCheck, WhatItTakesOfDamagedGrammarsLibllamaTakesInSilence) {
    std::size_t taken = 0;
    std::size_t refused = 0;
    for (const auto& [name, whole] : test::good_grammars) {
        for (std::size_t at = 0; at < whole.size(); ++at) {
            const std::string head(whole.substr(0, at));
            const std::string tail(whole.substr(at));
            for (const std::string& damaged : {head, head + tail.substr(1), head + tail[0] + tail}) {
                if (!check_gbnf(damaged, no_token)) {
                    ++refused;
                    continue;
                }
                ++taken;
                ASSERT_EQ(said([&] { ASSERT_TRUE(libllama_takes(damaged)); }), "") << name << ":\n"
                                                                                   << damaged;
            }
        }
    }
    EXPECT_GT(taken, 100U);
    EXPECT_GT(refused, 100U);
}

TEST(GbnfCheck, SaysLineColumnFoundAndExpected) {
    const std::array<std::pair<const char*, const char*>, 26> cases{{
        {"", "grammar: line 1, column 1: no rule \"root\", expected one, with which what is written begins"},
        {"a ::= \"x\"\n", "line 2, column 1: no rule \"root\""},
        {"root ::= \"é\" %",
         "line 1, column 14: found \"%\", expected an element, \"|\", or the end of the line"},
        {"root := \"x\"", "line 1, column 6: found \":= \"x\"\", expected \"::=\" after the rule's name"},
        {"= x", "line 1, column 1: found \"= x\", expected a rule's name"},
        {"# only\n\nroot ::= a\n", "line 3, column 10: no rule \"a\", expected it to be defined"},
        {"root ::= \"x", "line 1, column 10: a text without end"},
        {"root ::= [a-", "line 1, column 10: characters without end"},
        {"root ::= []", "line 1, column 11: found \"]\", expected a character"},
        {"root ::= [z-a]", "expected the lower character of the range first"},
        {"root ::= \"\\q\"", "line 1, column 11: found \"\\q\"\", expected one of"},
        {"root ::= \"\\x1\"", "expected 2 hexadecimal digits after \"\\x\""},
        {"root ::= \"\\uD8\"", "expected 4 hexadecimal digits"},
        {"root ::= \"\\U00110000\"", "expected a character of Unicode"},
        {"root ::= (\"x\" | \"y\"\n",
         "line 2, column 1: found the end, expected an element, \"|\", or the \")\""},
        {"root ::= \"x\")", "line 1, column 13: found \")\""},
        {"root ::= *", "line 1, column 10: found \"*\", expected an element before it, to repeat"},
        {"root ::= \"x\" | *", "expected an element before it"},
        {"root ::= \"x\"{0}*", "expected an element before it"},
        {"root ::= \"x\"{a}", "line 1, column 14: found \"a}\", expected a number"},
        {"root ::= \"x\"{1;}", "expected \"}\""},
        {"root ::= \"x\"{3,2}", "line 1, column 13: found \"{3,2}\", expected the lower number first"},
        {"root ::= \"x\"{2000}", "expected less than 2000 repetitions"},
        {"root ::= \"x\"{99999999999999999999999}", "expected less than 2000 repetitions"},
        {"root ::= <think>", "expected the name of one token of the model"},
        {"root ::= <[1x]>", "expected a token's number"},
    }};
    for (const auto& [grammar, message] : cases) {
        EXPECT_NE(grammar_refusal(grammar).find(message), std::string::npos) << grammar << "\n"
                                                                             << grammar_refusal(grammar);
    }
}

TEST(GbnfCheck, RulesThatBeginWithThemselves) {
    for (const char* grammar :
         {"root ::= root \"x\" | \"y\"", "root ::= a\na ::= b \"x\"\nb ::= \"y\" | root",
          "root ::= \"\" root", "root ::= (root)*", "root ::= \"x\"? root", "root ::= (\"x\"*)*",
          "root ::= (\"\")+",
          // Nothing says in the rule itself that it may be empty.
          "root ::= a root \"x\"\na ::= b\nb ::= c c\nc ::= "}) {
        EXPECT_NE(grammar_refusal(grammar).find("begins with itself"), std::string::npos)
            << grammar << "\n"
            << grammar_refusal(grammar);
    }
    EXPECT_EQ(grammar_refusal("root ::= a\na ::= \"x\" root | \"y\""), "accepted");
}

TEST(GbnfCheck, WhatWouldTakeTooLongOrTooMuch) {
    EXPECT_NE(grammar_refusal("root ::= " + std::string(65536, ' ') + "\"x\"").find("65548 bytes"),
              std::string::npos);
    EXPECT_NE(grammar_refusal("root ::= ((\"x\"{0,40}){0,40}){0,40}").find("in all, expected less than"),
              std::string::npos);
    EXPECT_NE(grammar_refusal("root ::= \"x\"{50}{50}").find("2500 in all"), std::string::npos);
    EXPECT_NE(grammar_refusal("root ::= \"" + std::string(1000, 'x') + "\"{1000}").find("less"),
              std::string::npos);
    EXPECT_NE(grammar_refusal("root ::= \"" + std::string(1000, 'x') + "\"{0,1000}").find("too large"),
              std::string::npos);
    const std::string open(65, '(');
    const std::string close(65, ')');
    EXPECT_NE(grammar_refusal("root ::= " + open + "\"x\"" + close).find("64 groups"), std::string::npos);
    EXPECT_EQ(grammar_refusal("root ::= " + open.substr(1) + "\"x\"" + close.substr(1)), "accepted");
    // Brackets in texts are no groups.
    EXPECT_EQ(grammar_refusal("root ::= \"" + std::string(100, '(') + "\""), "accepted");

    std::string doubling = "root ::= a0\n";
    std::string chain = doubling;
    for (int rule = 0; rule < 5000; ++rule) {
        const std::string next = "a" + std::to_string(rule + 1);
        if (rule < 40) { doubling += "a" + std::to_string(rule) + " ::= " + next + "|" + next + "\n"; }
        if (rule < 4200) { chain += next.substr(0, 1) + std::to_string(rule) + "::=" + next + "\n"; }
    }
    EXPECT_NE(grammar_refusal(doubling + "a40 ::= \"x\"").find("in too many ways"), std::string::npos);
    EXPECT_NE(grammar_refusal(chain + "a4200::=\"x\"").find("too many rules in one another"),
              std::string::npos);
}

TEST(GbnfCheck, BytesThatAreNoText) {
    EXPECT_NE(grammar_refusal("root ::= \"\xff\"").find("line 1, column 11: a byte that is no character"),
              std::string::npos);
    EXPECT_NE(grammar_refusal("root ::= \"\xc3").find("no character"), std::string::npos);
    EXPECT_NE(grammar_refusal(std::string_view("root ::= \"a\0b\"", 14)).find("UTF-8 without NUL"),
              std::string::npos);
}

TEST(GbnfCheck, TokensAreAskedFor) {
    std::string asked;
    const auto checked = check_gbnf("root ::= <think> !<[7]> <[2147483647]>", [&](std::string_view token) {
        asked += token;
        return true;
    });
    EXPECT_TRUE(checked.has_value()) << checked.error().message;
    EXPECT_EQ(asked, "<think>");
}

TEST_F(EngineTest, ABadGrammarIsRefusedWithItsPlaceAndStderrStaysSilent) {
    const auto engine = start();
    ASSERT_EQ(wait_for_state(), State::ready);
    int which = 0;
    EXPECT_EQ(said([&] {
                  for (const char* grammar :
                       {"root ::= \"a\" |\n  (", "root ::= x", "nonsense", "root ::= root"}) {
                      Request request = question(8);
                      request.sampling.grammar = grammar;
                      ask(*engine, ++which, request);
                      const auto heard = hearing_.wait_for_end(which);
                      EXPECT_EQ(heard.outcome->error().fault, Fault::request);
                      EXPECT_TRUE(heard.outcome->error().message.starts_with("grammar: line "));
                  }
              }),
              "");
}

TEST_F(EngineTest, AGrammarCanNameTokens) {
    const auto engine = start();
    Request request = question(8);
    request.sampling.grammar = "root ::= \"a\" <|im_start|>";
    ask(*engine, 1, request);
    const auto heard = hearing_.wait_for_end(1);
    ASSERT_TRUE(heard.outcome->has_value()) << heard.outcome->error().message;
    EXPECT_EQ(heard.text, "a");
}

} // namespace
} // namespace vb::engine
