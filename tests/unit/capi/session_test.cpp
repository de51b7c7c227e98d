// Conversations that keep their messages, and their files.
#include "tiny_model.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace vector_boot::testing {
namespace {

class Sessions : public TinyModel {
  protected:
    void SetUp() override {
        std::string pattern = "/tmp/vector_boot_session_XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    std::string file() const { return directory / "conversation"; }

    std::filesystem::path directory;
    Session session = *model.session();
};

constexpr char again[] = R"([{"role":"user","content":"And then?"}])";

TEST_F(Sessions, KeepWhatWasSaid) {
    EXPECT_EQ(session.messages(), "[]");
    const std::string first = read(session.chat(question, {.max_tokens = 6}));
    EXPECT_EQ(first, ask(model, 6));
    const auto messages = session.messages();
    ASSERT_TRUE(messages.has_value());
    EXPECT_EQ(model.render(*messages), "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n" + first +
                                           "<|im_end|>\n<|im_start|>assistant\n");
    const std::string second = read(session.chat(again, {.max_tokens = 6}));
    // The same as one request with the whole conversation.
    std::string whole = *messages;
    whole.pop_back();
    EXPECT_EQ(second, read(model.chat(whole + "," + std::string(again).substr(1), {.max_tokens = 6})));
}

TEST_F(Sessions, StayAsTheyWereWhenAnAnswerIsCancelled) {
    ASSERT_EQ(read(session.chat(question, {.max_tokens = 4})), ask(model, 4));
    const auto before = session.messages();
    auto request = session.chat(again);
    ASSERT_TRUE(request.has_value());
    request->cancel();
    EXPECT_EQ(request->text().error().status, VB_ERROR_CANCELLED);
    EXPECT_EQ(session.messages(), before);
    { const auto unread = session.chat(again, {.max_tokens = 1}); } // freed before its end was read
    EXPECT_EQ(session.messages(), before);
    EXPECT_EQ(read(session.chat(again, {.max_tokens = 4, .grammar = "root ::= ("})), "VB_ERROR_REQUEST");
    EXPECT_EQ(session.messages(), before);
    EXPECT_EQ(read(session.chat("{}", {.max_tokens = 4})), "VB_ERROR_REQUEST");
    EXPECT_EQ(session.messages(), before);
    EXPECT_FALSE(read(session.chat(again, {.max_tokens = 4})).starts_with("VB_ERROR"));
    EXPECT_NE(session.messages(), before);
}

TEST_F(Sessions, TakeOneRequestAtATime) {
    auto first = session.chat(question, {.max_tokens = 4});
    ASSERT_TRUE(first.has_value());
    const auto second = session.chat(again);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().status, VB_ERROR_REQUEST);
    EXPECT_TRUE(first->text().has_value());
    EXPECT_FALSE(read(session.chat(again, {.max_tokens = 4})).starts_with("VB_ERROR"));
}

TEST_F(Sessions, EndTheirRequestWhenTheyAreFreed) {
    std::optional<Session> mine = *model.session();
    auto request = mine->chat(question);
    ASSERT_TRUE(request.has_value());
    mine.reset();
    EXPECT_EQ(request->text().error().status, VB_ERROR_CANCELLED);
}

TEST_F(Sessions, OutliveTheirModelAndSaySo) {
    model = open_tiny(); // the other one is freed
    EXPECT_EQ(session.messages(), "[]");
    EXPECT_EQ(session.chat(question).error().status, VB_ERROR_CANCELLED);
    EXPECT_EQ(session.save(file()).error().status, VB_ERROR_CANCELLED);
    EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(Sessions, AreSavedAndGoOnInANewModel) {
    ASSERT_FALSE(read(session.chat(question, {.max_tokens = 6})).starts_with("VB_ERROR"));
    const auto saved = session.save(file());
    ASSERT_TRUE(saved.has_value()) << saved.error().message;
    const auto messages = session.messages();
    const std::string answer = read(session.chat(again, {.max_tokens = 6}));

    Model other = open_tiny();
    auto loaded = other.load_session(file());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    EXPECT_EQ(loaded->messages(), messages);
    auto request = loaded->chat(again, {.max_tokens = 6});
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->text(), answer);
    // What was saved need not be computed again.
    EXPECT_GT(request->result()->cached_tokens, 10U);
}

TEST_F(Sessions, AreSavedEmptyToo) {
    ASSERT_TRUE(session.save(file()).has_value());
    auto loaded = model.load_session(file());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    EXPECT_EQ(loaded->messages(), "[]");
}

TEST_F(Sessions, RefuseFilesThatAreNotTheirs) {
    EXPECT_EQ(model.load_session(file()).error().status, VB_ERROR_FILE);
    EXPECT_EQ(model.load_session("/dev/null").error().status, VB_ERROR_FILE);
    EXPECT_EQ(model.load_session(directory).error().status, VB_ERROR_FILE);
    EXPECT_EQ(session.save("/nonexistent/file").error().status, VB_ERROR_FILE);
    std::ofstream(file()) << "not a conversation at all";
    const auto loaded = model.load_session(file());
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().status, VB_ERROR_FILE);
    EXPECT_NE(loaded.error().message.find(file()), std::string::npos) << loaded.error().message;
}

TEST_F(Sessions, RefuseADamagedFileAtEveryPlace) {
    ASSERT_FALSE(read(session.chat(question, {.max_tokens = 6})).starts_with("VB_ERROR"));
    ASSERT_TRUE(session.save(file()).has_value());
    std::ifstream input(file(), std::ios::binary);
    const std::string good(std::istreambuf_iterator<char>(input), {});
    ASSERT_GT(good.size(), 100U);
    const auto refused = [&](const std::string& content) {
        std::ofstream(file(), std::ios::binary | std::ios::trunc) << content;
        const auto loaded = model.load_session(file());
        return !loaded && loaded.error().status == VB_ERROR_FILE;
    };
    for (std::size_t place = 0; place < good.size(); place += 1 + good.size() / 64) {
        std::string bad = good;
        bad[place] = static_cast<char>(bad[place] ^ 0x10);
        EXPECT_TRUE(refused(bad)) << "a flipped bit at " << place;
        EXPECT_TRUE(refused(good.substr(0, place))) << "cut at " << place;
    }
    EXPECT_TRUE(refused(good + "x"));
    EXPECT_FALSE(refused(good));
}

TEST_F(Sessions, RefuseAFileThatOthersCouldHaveWritten) {
    ASSERT_TRUE(session.save(file()).has_value());
    ASSERT_EQ(::chmod(file().c_str(), 0666), 0);
    EXPECT_EQ(model.load_session(file()).error().status, VB_ERROR_FILE);
}

TEST_F(Sessions, FitContextsOfOtherSizes) {
    ASSERT_FALSE(read(session.chat(question, {.max_tokens = 6})).starts_with("VB_ERROR"));
    ASSERT_TRUE(session.save(file()).has_value());
    Model other = open_tiny({.context = 512});
    auto loaded = other.load_session(file());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    EXPECT_EQ(read(loaded->chat(again, {.max_tokens = 6})), read(session.chat(again, {.max_tokens = 6})));
}

} // namespace
} // namespace vector_boot::testing
