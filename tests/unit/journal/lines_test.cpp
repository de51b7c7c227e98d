#include "journal/lines.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace {

using namespace vb;
using base::Level;
using journal::Lines;

struct Got {
    Level level;
    std::string text;
    bool cut;
    bool operator==(const Got&) const = default;
};

// What `stream` becomes when it arrives in pieces of `piece` bytes.
std::vector<Got> split(std::string_view stream, std::size_t piece = 4096) {
    Lines lines;
    std::vector<Got> got;
    while (!stream.empty()) {
        std::string_view input = stream.substr(0, piece);
        stream.remove_prefix(input.size());
        while (const auto line = lines.next(input)) {
            got.push_back({line->level, std::string(line->text), line->cut});
        }
        EXPECT_TRUE(input.empty());
    }
    while (const auto line = lines.flush()) {
        got.push_back({line->level, std::string(line->text), line->cut});
    }
    return got;
}

TEST(LinesTest, SplitsAtNewlinesAndFlushesTheRest) {
    const std::vector<Got> wanted = {
        {Level::info, "one", false}, {Level::info, "two", false}, {Level::info, "rest", false}};
    EXPECT_EQ(split("one\n\n\r\ntwo\r\nrest"), wanted);
}

TEST(LinesTest, TakesTheLevelFromThePrefix) {
    const std::vector<Got> wanted = {
        {Level::error, "emergency", false}, {Level::error, "error", false},   {Level::warning, "w", false},
        {Level::notice, "n", false},        {Level::info, "i", false},        {Level::debug, "d", false},
        {Level::info, "<8>eight", false},   {Level::info, "<4 none", false},  {Level::info, "<", false},
        {Level::info, " <3>later", false},  {Level::error, "<4>twice", false}};
    EXPECT_EQ(split("<0>emergency\n<3>error\n<4>w\n<5>n\n<6>i\n<7>d\n<8>eight\n<4 none\n<\n "
                    "<3>later\n<3><4>twice\n<3>\n"),
              wanted);
}

TEST(LinesTest, MakesLongLinesIntoSeveralOfTheSameLevel) {
    const std::string long_text(2500, 'x');
    const std::vector<Got> wanted = {{Level::warning, std::string(1023, 'x'), true},
                                     {Level::warning, std::string(1023, 'x'), true},
                                     {Level::warning, std::string(454, 'x'), false},
                                     {Level::info, "next", false}};
    EXPECT_EQ(split("<4>" + long_text + "\nnext\n"), wanted);
}

TEST(LinesTest, DoesNotCutWhatFits) {
    const std::string fits(1023, 'x');
    for (const char* const end : {"\n", "\r\n", ""}) {
        for (const char* const prefix : {"", "<6>"}) {
            EXPECT_EQ(split(prefix + fits + end), (std::vector<Got>{{Level::info, fits, false}}));
        }
    }
}

TEST(LinesTest, CutsBetweenCharacters) {
    std::string text;
    for (int count = 0; count < 1000; ++count) {
        text += "\u20ac";
    }
    std::string joined;
    for (const Got& line : split(text + "\n")) {
        EXPECT_EQ(line.text.size() % 3, 0U);
        EXPECT_EQ(line.text.find('?'), std::string::npos);
        joined += line.text;
    }
    EXPECT_EQ(joined, text);
}

TEST(LinesTest, MakesBytesHarmless) {
    using namespace std::string_view_literals;
    const std::vector<Got> wanted = {{Level::info, "?[2Jhidden?? a\tb", false}};
    EXPECT_EQ(split("\x1b[2Jhidden\0\x80 a\tb\n"sv), wanted);
}

TEST(LinesTest, DoesNotDependOnHowTheStreamArrives) {
    const std::string stream = "<3>" + std::string(1024, 'y') + "\n<5>" + std::string(1021, 'z') +
                               "\u20ac\u20ac\r\n\n<\n<7>\n" + std::string(1023, 'r') + "\r\n" +
                               std::string(1023, 'r') + "\rx\n\xe2\x82";
    const std::vector<Got> wanted = split(stream);
    EXPECT_EQ(wanted.size(), 9U);
    for (std::size_t piece = 1; piece < 1100; ++piece) {
        EXPECT_EQ(split(stream, piece), wanted) << piece;
    }
}

} // namespace
