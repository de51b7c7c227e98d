#include "engine/answer_text.h"

#include <gtest/gtest.h>

namespace vb::engine {
namespace {

// Everything that comes out when `text` goes in one byte at a time, which must be whole characters each time.
std::string byte_by_byte(AnswerText& answer, std::string_view text) {
    std::string out;
    for (const char byte : text) {
        out += answer.add(std::string_view(&byte, 1));
    }
    return out + answer.finish();
}

TEST(AnswerText, PassesPlainTextAtOnce) {
    AnswerText answer({});
    EXPECT_EQ(answer.add("Hello"), "Hello");
    EXPECT_EQ(answer.finish(), "");
    EXPECT_FALSE(answer.stopped());
}

TEST(AnswerText, HoldsACharacterUntilItIsWhole) {
    AnswerText answer({});
    EXPECT_EQ(answer.add("a\xE2\x82"), "a");
    EXPECT_EQ(answer.add("\xAC"), "\u20AC");
    EXPECT_EQ(answer.add("\xF0\x9F\x98"), "");
    EXPECT_EQ(answer.add("\x80!"), "\U0001F600!");
}

TEST(AnswerText, ReplacesWhatIsNoCharacter) {
    for (const char* invalid : {"\x80", "\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                                "\xE0\x80\x80", "\xF4\x90\x80\x80", "\xF0\x80\x80\x80"}) {
        AnswerText answer({});
        const std::string out = answer.add(std::string(invalid) + "x");
        EXPECT_TRUE(out.starts_with("\uFFFD")) << out;
        EXPECT_TRUE(out.ends_with("x")) << out;
        EXPECT_EQ(out.find(invalid), std::string::npos);
    }
    AnswerText interrupted({});
    EXPECT_EQ(interrupted.add("\xE2\x82z"), "\uFFFDz");
    AnswerText unfinished({});
    EXPECT_EQ(unfinished.add("a\xE2\x82"), "a");
    EXPECT_EQ(unfinished.finish(), "\uFFFD");
}

TEST(AnswerText, TheExtremesOfEachLengthAreCharacters) {
    const std::string text = "\u0080\u07FF\u0800\uD7FF\uE000\uFFFF\U00010000\U0010FFFF";
    AnswerText answer({});
    EXPECT_EQ(byte_by_byte(answer, text), text);
}

TEST(AnswerText, StopsBeforeAStopStringAndSaysNothingAfter) {
    AnswerText answer({"STOP"});
    EXPECT_EQ(answer.add("one ST"), "one ");
    EXPECT_EQ(answer.add("OP two"), "");
    EXPECT_TRUE(answer.stopped());
    EXPECT_EQ(answer.add("three"), "");
    EXPECT_EQ(answer.finish(), "");
}

TEST(AnswerText, ReleasesWhatOnlyLookedLikeAStopString) {
    AnswerText answer({"STOP"});
    EXPECT_EQ(answer.add("ST"), "");
    EXPECT_EQ(answer.add("ART"), "START");
    EXPECT_EQ(answer.add("STO"), "");
    EXPECT_EQ(answer.finish(), "STO");
}

TEST(AnswerText, TakesTheEarliestOfSeveralStopStrings) {
    AnswerText answer({"", "zz", "b", "cd"});
    EXPECT_EQ(answer.add("aacdb"), "aa");
    EXPECT_TRUE(answer.stopped());
}

TEST(AnswerText, HoldsTheLongestOfSeveralBeginnings) {
    AnswerText answer({"ab1", "abab2"});
    EXPECT_EQ(byte_by_byte(answer, "xabab2y"), "x");
    AnswerText other({"ab1", "abab2"});
    EXPECT_EQ(byte_by_byte(other, "xababab1y"), "xabab");
}

TEST(AnswerText, FindsAStopStringOfSeveralByteCharacters) {
    AnswerText answer({"\u20AC\u20AC"});
    EXPECT_EQ(byte_by_byte(answer, "1\u20AC2\u20AC\u20AC3"), "1\u20AC2");
    EXPECT_TRUE(answer.stopped());
}

} // namespace
} // namespace vb::engine
