#include "engine/saved_state.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace vb::engine {
namespace {

const SavedState saved{.tokens = {1, 2, 70'000, -1}, .state = {9, 8, 7}, .text = "[]"};
constexpr Fingerprint print{1, 2, 3};

std::string reason(std::span<const std::byte> file, const Fingerprint& expected = print) {
    const auto decoded = decode_state(file, expected);
    return decoded ? "" : std::string(decoded.error().view());
}

TEST(SavedStateTest, ComesBackAsItWas) {
    const auto decoded = decode_state(encode_state(saved, print), print);
    ASSERT_TRUE(decoded) << decoded.error().view();
    EXPECT_EQ(decoded->tokens, saved.tokens);
    EXPECT_EQ(decoded->state, saved.state);
    EXPECT_EQ(decoded->text, saved.text);
}

TEST(SavedStateTest, EveryChangedBitIsFound) {
    auto file = encode_state(saved, print);
    for (std::byte& byte : file) {
        for (int bit = 0; bit < 8; ++bit) {
            byte ^= std::byte(1U << bit);
            EXPECT_NE(reason(file), "");
            byte ^= std::byte(1U << bit);
        }
    }
    EXPECT_EQ(reason(file), "");
}

TEST(SavedStateTest, EveryOtherLengthIsFound) {
    auto file = encode_state(saved, print);
    for (std::size_t size = 0; size < file.size(); ++size) {
        EXPECT_NE(reason(std::span(file).first(size)), "") << size;
    }
    file.push_back(std::byte{0});
    EXPECT_NE(reason(file), "");
}

TEST(SavedStateTest, SaysWhyItIsNotUsed) {
    const auto file = encode_state(saved, print);
    EXPECT_EQ(reason(std::span(file).first(5)), "its size is 5, expected 56");
    EXPECT_EQ(reason(file, Fingerprint{}), "made for another model file, library or CPU");
    auto other = file;
    other[0] = std::byte{'v'};
    EXPECT_EQ(reason(other), "not a saved state");
    other = file;
    other[8] = std::byte{9};
    EXPECT_EQ(reason(other), "its version is 9, expected 2");
    other = file;
    other.back() = std::byte{0};
    EXPECT_EQ(reason(other), "its checksum is wrong");
}

class StateFileTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "state-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string refusal() const {
        const auto loaded = file().load();
        return loaded ? "" : std::string(base::describe(loaded.error()).view());
    }
    StateFile file(const char* folder = "") const { return {directory_ + folder + "/m.state", print}; }

    std::string directory_;
};

TEST_F(StateFileTest, SavesAndLoads) {
    const StateFile one = file();
    const auto nothing = one.load();
    ASSERT_TRUE(nothing) << base::describe(nothing.error()).view();
    EXPECT_FALSE(nothing->has_value());
    for (int times = 0; times < 2; ++times) {
        ASSERT_TRUE(one.save(saved));
        const auto loaded = one.load();
        ASSERT_TRUE(loaded && *loaded);
        EXPECT_EQ((*loaded)->tokens, saved.tokens);
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(StateFileTest, AConversationIsItsOwnersOnly) {
    ASSERT_TRUE(file().save(saved));
    EXPECT_EQ(std::filesystem::status(file().path()).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(StateFileTest, RefusesWhatOthersMayWrite) {
    ASSERT_TRUE(file().save(saved));
    ASSERT_EQ(::chmod(file().path().c_str(), 0664), 0);
    EXPECT_EQ(refusal(),
              "read " + file().path() + ": expected a file of this user or root that no other may write");
    ASSERT_EQ(::unlink(file().path().c_str()), 0);
    ASSERT_EQ(::symlink("/dev/zero", file().path().c_str()), 0);
    EXPECT_NE(refusal().find("ELOOP"), std::string::npos) << refusal();
    ASSERT_EQ(::unlink(file().path().c_str()), 0);
    ASSERT_EQ(::mkfifo(file().path().c_str(), 0600), 0);
    EXPECT_NE(refusal().find("expected a file"), std::string::npos) << refusal();
}

TEST_F(StateFileTest, AFailureNamesTheFileAndLeavesTheOldOne) {
    ASSERT_TRUE(file().save(saved));
    ASSERT_EQ(::mkdir((file().path() + ".new").c_str(), 0700), 0); // as root every file can be written
    const auto failed = file().save({.tokens = {5}, .state = {}});
    ASSERT_FALSE(failed);
    EXPECT_NE(base::describe(failed.error()).view().find(file().path() + ".new"), std::string_view::npos);
    const auto loaded = file().load();
    ASSERT_TRUE(loaded && *loaded);
    EXPECT_EQ((*loaded)->tokens, saved.tokens);
    EXPECT_FALSE(file("/no/such").save(saved));
}

TEST(FingerprintTest, ChangesWithTheFileAndTheSettings) {
    const std::string path = testing::TempDir() + "fingerprint-" + std::to_string(::getpid());
    const auto write = [&path](std::size_t size, std::size_t changed) {
        std::string text(size, 'x');
        text[changed] = 'y';
        std::ofstream(path) << text;
        const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
        ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    };
    constexpr std::size_t size = 1'000'000;
    write(size, 0);
    const auto first = fingerprint(path, 10'000, "a");
    ASSERT_TRUE(first);
    EXPECT_EQ(*fingerprint(path, 10'000, "a"), *first);
    EXPECT_NE(*fingerprint(path, 10'000, "b"), *first);
    write(size, 9'999); // in the header
    EXPECT_NE(*fingerprint(path, 10'000, "a"), *first);
    write(size, 10'001); // in the first page of the weights
    EXPECT_NE(*fingerprint(path, 10'000, "a"), *first);
    write(size + 1, 0);
    EXPECT_NE(*fingerprint(path, 10'000, "a"), *first);
    write(size, 0);
    EXPECT_EQ(*fingerprint(path, 10'000, "a"), *first);
    const timespec later[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 5}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), later, 0), 0);
    EXPECT_NE(*fingerprint(path, 10'000, "a"), *first);
    ::unlink(path.c_str());
    EXPECT_FALSE(fingerprint(path, 10'000, "a"));
}

} // namespace
} // namespace vb::engine
