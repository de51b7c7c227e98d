// A model of every kind that libllama takes, as tests/models/make_model_kinds.py writes them.
#include "engine/gguf_check.h"

#include "unit/engine/child_process.h"
#include "unit/engine/engine_fixture.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace vb::engine {
namespace {

std::string path_of(const std::string& name) { return VB_MODEL_KINDS "/" + name + ".gguf"; }

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(VB_MODEL_KINDS)) {
        all.push_back(entry.path().stem());
    }
    std::ranges::sort(all);
    return all;
}

// Those that the test model's maker cannot leave out, so that an empty directory fails.
TEST(ModelKinds, AllAreThere) {
    const auto all = names();
    const auto of = [&all](std::string_view kind) {
        return std::ranges::count_if(all, [kind](const std::string& name) { return name.starts_with(kind); });
    };
    EXPECT_GE(of("weights-"), 28);
    EXPECT_GE(of("tokenizer-"), 50);
    EXPECT_GE(of("architecture-"), 4);
    EXPECT_GE(of("odd-"), 8);
    EXPECT_GE(of("bad-"), 8);
}

class ModelKind : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, ModelKind,
                         testing::Values("weights-", "tokenizer-", "architecture-", "odd-", "bad-"),
                         [](const auto& kind) { return kind.param.substr(0, kind.param.size() - 1); });

TEST_P(ModelKind, WhatLibllamaLoadsIsNotRefusedAndAnswersOrEmbeds) {
    for (const std::string& name : names()) {
        if (!name.starts_with(GetParam())) { continue; }
        const test::Ended plain = test::run_on_file(VB_LIBLLAMA_PROBE, path_of(name));
        const auto summary = check_gguf_file(path_of(name));
        if (GetParam() == "bad-") { // what it would abort on at the first token, if not before
            EXPECT_FALSE(summary.has_value()) << name;
            continue;
        }
        EXPECT_TRUE(plain.succeeded()) << name << ": " << plain;
        ASSERT_TRUE(summary.has_value()) << summary.error().message;
        const test::Ended ours = test::run_on_file(VB_LOAD_PROBE, path_of(name));
        EXPECT_TRUE(summary->has_vocabulary() ? ours.succeeded() : ours.refused()) << name << ": " << ours;
    }
}

class ModelKindsEngine : public EngineTest {
  protected:
    static Request text(std::string text, std::uint32_t tokens) {
        return {.prompt = std::move(text), .max_tokens = tokens, .sampling = {.temperature = 0}};
    }
    std::unique_ptr<Engine> start_kind(const std::string& name) {
        return start(
            {.model = path_of(name), .context = 256, .first_context = 32, .batch = 32, .parallel = 4});
    }
    std::string text_alone(const std::string& name, const Request& request) {
        const auto engine = start_kind(name);
        return answer(*engine, --alone_, request);
    }

  private:
    int alone_ = 0;
};

TEST_F(ModelKindsEngine, AModelWithoutAVocabularyIsRefusedWithTheReason) {
    const auto engine = start_kind("tokenizer-none");
    ASSERT_EQ(wait_for_state(), State::failed);
    EXPECT_EQ(engine->failure().fault, Fault::model_unsupported);
    EXPECT_NE(engine->failure().message.find("its tokenizer is \"none\""), std::string::npos)
        << engine->failure().message;
}

TEST_F(ModelKindsEngine, BertEmbedsAndRefusesToGenerate) {
    const auto engine = start_kind("architecture-bert");
    ask(*engine, 1, text("some words", 4));
    const auto heard = hearing_.wait_for_end(1);
    ASSERT_FALSE(heard.outcome->has_value());
    EXPECT_EQ(heard.outcome->error().fault, Fault::request);
    EXPECT_NE(heard.outcome->error().message.find("embeddings"), std::string::npos);

    EXPECT_EQ(engine->counters().last_step, base::Nanoseconds{});
    ask(*engine, 2, {.prompt = Tokens{0}, .max_tokens = 1, .is_probe = true});
    const auto probed = hearing_.wait_for_end(2);
    ASSERT_TRUE(probed.outcome->has_value()) << probed.outcome->error().message;
    const base::Nanoseconds proof = engine->counters().last_step;
    EXPECT_GT(proof, base::Nanoseconds{});

    const auto all = embed(*engine, {"some words", "others", "some words"});
    ASSERT_TRUE(all.has_value()) << all.error().message;
    ASSERT_EQ(all->values.size(), 3 * all->size);
    const auto vector = [&](std::size_t which) {
        return std::span(all->values).subspan(which * all->size, all->size);
    };
    EXPECT_GT(engine->counters().last_step, proof);
    EXPECT_TRUE(std::ranges::equal(vector(0), vector(2)));
    EXPECT_FALSE(std::ranges::equal(vector(0), vector(1)));
    float squares = 0;
    for (const float value : vector(0)) {
        squares += value * value;
    }
    EXPECT_NEAR(squares, 1, 1e-5);
    // Longer than its context of 128 tokens.
    const auto too_long = embed(*engine, {std::string(1000, '.')});
    ASSERT_FALSE(too_long.has_value());
    EXPECT_EQ(too_long.error().fault, Fault::too_long);
}

// Nothing is computed for the next start where no prompt is gone on with: libllama would abort.
TEST_F(ModelKindsEngine, BertHasNoBeginningOfPrompts) {
    const std::string directory = testing::TempDir() + "cache-of-bert-" + std::to_string(getpid());
    {
        const auto engine = start({.model = path_of("architecture-bert"), .cache = directory});
        ASSERT_EQ(wait_for_state(), State::ready);
        const std::string conversation = R"([{"role":"user","content":"some words"}])";
        const std::string path = directory + "-conversation";
        const auto done = save(*engine, conversation, path);
        ASSERT_TRUE(done) << done.error().message;
        EXPECT_EQ(load(*engine, path).value(), conversation);
        std::filesystem::remove(path);
    }
    EXPECT_FALSE(std::filesystem::exists(directory));
}

// A window that slides, a recurrent state, and both sorts of layers.
class Remembering : public ModelKindsEngine, public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, Remembering, testing::Values("gemma2", "mamba", "jamba"),
                         [](const auto& kind) { return kind.param; });

TEST_P(Remembering, AnswersSideBySideAreThoseGivenAlone) {
    const std::string name = "architecture-" + GetParam();
    const std::vector<Request> requests = {
        text("the first of them is not short, but longer than the window", 40), text("b", 40),
        text("third", 7), text("and a fourth", 30)};
    std::vector<std::string> alone;
    for (const Request& request : requests) {
        alone.push_back(text_alone(name, request));
    }
    EXPECT_NE(alone[0], alone[1]);
    const auto engine = start_kind(name);
    for (std::size_t which = 0; which < requests.size(); ++which) {
        ask(*engine, static_cast<int>(which), requests[which]);
    }
    for (std::size_t which = 0; which < requests.size(); ++which) {
        const auto heard = hearing_.wait_for_end(static_cast<int>(which));
        ASSERT_TRUE(heard.outcome->has_value()) << heard.outcome->error().message;
        EXPECT_EQ(heard.text, alone[which]) << which;
    }
}

TEST_P(Remembering, ARequestThatBeginsAlikeGetsTheAnswerGivenAlone) {
    const std::string name = "architecture-" + GetParam();
    const std::string beginning = "a beginning that is longer than the window of one layer, ";
    const Request other = text(beginning + "and then another end", 24);
    const std::string expected = text_alone(name, other);
    const auto engine = start_kind(name);
    const std::string first = answer(*engine, 1, text(beginning + "and one end", 24));
    EXPECT_EQ(answer(*engine, 2, other), expected);
    // It goes on with what was said before, as a conversation does; and once more from the beginning.
    const Request longer = text(beginning + "and one end" + first + " more", 24);
    EXPECT_EQ(answer(*engine, 3, longer), text_alone(name, longer));
    EXPECT_EQ(answer(*engine, 4, text(beginning + "and one end", 24)), first);
}

TEST_P(Remembering, CancelInTheMiddleLeavesTheOthersAsTheyAre) {
    const std::string name = "architecture-" + GetParam();
    const Request request = text("what stays", 60);
    const std::string expected = text_alone(name, request);
    const auto engine = start_kind(name);
    const auto ticket = ask(*engine, 1, text("what is cancelled", endless));
    ask(*engine, 2, request);
    hearing_.wait_for_text(1);
    engine->cancel(ticket);
    ASSERT_TRUE(hearing_.wait_for_end(1).outcome->has_value());
    EXPECT_EQ(hearing_.wait_for_end(2).text, expected);
    EXPECT_EQ(answer(*engine, 3, request), expected); // where the cancelled one was
}

TEST_P(Remembering, ItIsSavedAndComesBack) {
    const std::string name = "architecture-" + GetParam();
    const std::string file = testing::TempDir() + "kind-" + GetParam() + std::to_string(getpid());
    const std::string conversation = R"([{"role":"user","content":"hello"}])";
    const auto engine = start_kind(name);
    const std::string expected = answer(
        *engine, 1, {.prompt = Messages{conversation}, .max_tokens = 20, .sampling = {.temperature = 0}});
    const auto done = save(*engine, conversation, file);
    ASSERT_TRUE(done.has_value()) << done.error().message;
    const auto other = start_kind(name);
    EXPECT_EQ(load(*other, file).value_or("nothing"), conversation);
    EXPECT_EQ(answer(*other, 2,
                     {.prompt = Messages{conversation}, .max_tokens = 20, .sampling = {.temperature = 0}}),
              expected);
    std::filesystem::remove(file);
}

} // namespace
} // namespace vb::engine
