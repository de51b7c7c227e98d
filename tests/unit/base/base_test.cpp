#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace {

using namespace vb::base;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(Text, CutsAtItsCapacityAndSaysSo) {
    Text<4> text("abc");
    EXPECT_FALSE(text.truncated());
    text << "defg";
    EXPECT_EQ(text.view(), "abcd");
    EXPECT_TRUE(text.truncated());
    EXPECT_STREQ(text.c_str(), "abcd");
    text.clear();
    EXPECT_TRUE(text.empty());
    EXPECT_FALSE(text.truncated());
}

TEST(Text, WritesNumbers) {
    Text<80> text;
    text << 42 << " " << -7L;
    text.append(255U, 16);
    EXPECT_EQ(text.view(), "42 -7ff");
}

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
    std::uint16_t number = 5;
    EXPECT_TRUE(parse_number("65535", number));
    EXPECT_EQ(number, 65535);
    for (const char* const wrong : {"", "65536", "-1", "12x", " 1", "1 ", "0x10"}) {
        EXPECT_FALSE(parse_number(wrong, number)) << wrong;
        EXPECT_EQ(number, 65535);
    }
}

TEST(Error, SaysOperationObjectAndErrno) {
    errno = EADDRINUSE;
    const Result<> result = system_error("bind", "127.0.0.1:8080");
    errno = 0;
    ASSERT_FALSE(result);
    EXPECT_EQ(describe(result.error()).view(), "bind 127.0.0.1:8080: Address already in use (EADDRINUSE)");
}

TEST(Error, SaysWhatWasExpected) {
    const Result<> result = failure("read", "file", "expected more");
    EXPECT_EQ(describe(result.error()).view(), "read file: expected more");
    EXPECT_EQ(describe({.operation = "x", .object = {}, .number = 99999, .detail = {}}).view(),
              "x: unknown error (99999)");
}

TEST(UniqueFd, ClosesWhatItOwns) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    {
        UniqueFd read_end(ends[0]);
        UniqueFd moved = std::move(read_end);
        EXPECT_FALSE(read_end); // NOLINT(bugprone-use-after-move): this is what is tested
        EXPECT_EQ(moved.get(), ends[0]);
        moved = UniqueFd(ends[1]);
        EXPECT_FALSE(is_open(ends[0]));
        EXPECT_TRUE(is_open(ends[1]));
    }
    EXPECT_FALSE(is_open(ends[1]));
}

TEST(Log, WritesOneLineWithTimeUnitAndLevel) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const UniqueFd read_end(ends[0]), write_end(ends[1]);
    const Log log(write_end.get(), "unit", Level::info);
    log.debug("not this");
    log.error("code ", 7);
    char buffer[256];
    const ssize_t size = ::read(read_end.get(), buffer, sizeof buffer);
    ASSERT_GT(size, 0);
    const std::string_view line(buffer, static_cast<std::size_t>(size));
    EXPECT_TRUE(line.starts_with("["));
    EXPECT_NE(line.find("] unit: error: code 7\n"), std::string_view::npos);
    EXPECT_EQ(line.find("not this"), std::string_view::npos);
}

} // namespace
