#include "engine/engine.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <regex>
#include <thread>
#include <unistd.h>
#include <vector>

namespace vb::engine {
namespace {

using namespace std::chrono_literals;

// What a test's receivers heard, in order. Shared, because the engine owns the receivers.
class Hearing {
  public:
    struct Answer {
        std::string text;
        std::optional<Result<Outcome>> outcome;
        std::size_t pieces = 0;
    };

    void text(int which, std::string_view piece) {
        const std::scoped_lock lock(mutex_);
        EXPECT_FALSE(piece.empty());
        EXPECT_FALSE(answers_[which].outcome.has_value()) << "text after the end";
        answers_[which].text += piece;
        ++answers_[which].pieces;
        changed_.notify_all();
    }
    void finished(int which, const Result<Outcome>& outcome) {
        const std::scoped_lock lock(mutex_);
        EXPECT_FALSE(answers_[which].outcome.has_value()) << "finished twice";
        answers_[which].outcome = outcome;
        order_.push_back(which);
        changed_.notify_all();
    }

    Answer wait_for_end(int which) {
        return wait(which, [](const Answer& answer) { return answer.outcome.has_value(); });
    }
    Answer wait_for_text(int which) {
        return wait(which,
                    [](const Answer& answer) { return answer.pieces > 0 || answer.outcome.has_value(); });
    }
    std::vector<int> order() {
        const std::scoped_lock lock(mutex_);
        return order_;
    }

  private:
    template <class Condition>
    Answer wait(int which, Condition condition) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] { return condition(answers_[which]); })) << "timed out";
        return answers_[which];
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<int, Answer> answers_;
    std::vector<int> order_;
};

class Listener : public Receiver {
  public:
    Listener(Hearing& hearing, int which) : hearing_(hearing), which_(which) {}
    void text(std::string_view piece) override { hearing_.text(which_, piece); }
    void finished(const Result<Outcome>& outcome) override { hearing_.finished(which_, outcome); }

  private:
    Hearing& hearing_;
    int which_;
};

constexpr std::uint32_t endless = 100'000; // more than any context holds

Request question(std::uint32_t tokens, std::string_view text = "Hello") {
    return {.prompt = Messages{R"([{"role":"user","content":")" + std::string(text) + R"("}])"},
            .max_tokens = tokens,
            .sampling = {.temperature = 0}};
}

class EngineTest : public testing::Test {
  protected:
    std::unique_ptr<Engine> start(Options options) {
        return std::make_unique<Engine>(std::move(options), timeline_, log_, [this](State state) {
            const std::scoped_lock lock(mutex_);
            states_.push_back(state);
            changed_.notify_all();
        });
    }
    std::unique_ptr<Engine> start() { return start({.model = VB_TINY_MODEL, .context = 512, .batch = 64}); }

    State wait_for_state() {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 60s, [this] { return !states_.empty(); })) << "timed out";
        return states_.empty() ? State::loading : states_.front();
    }
    Engine::Ticket ask(Engine& engine, int which, Request request) {
        return engine.submit(std::move(request), std::make_unique<Listener>(hearing_, which));
    }
    std::string answer(Engine& engine, int which, Request request) {
        ask(engine, which, std::move(request));
        const auto heard = hearing_.wait_for_end(which);
        EXPECT_TRUE(heard.outcome && heard.outcome->has_value())
            << (heard.outcome ? heard.outcome->error().message : "");
        return heard.text;
    }

    Hearing hearing_; // outlives the engines of the tests
    trace::Timeline timeline_;
    base::Log log_{STDERR_FILENO, "test"};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<State> states_;
};

TEST_F(EngineTest, AnswersARequestThatCameBeforeTheModel) {
    const auto engine = start();
    ask(*engine, 1, question(8));
    const auto heard = hearing_.wait_for_end(1);
    ASSERT_TRUE(heard.outcome->has_value()) << heard.outcome->error().message;
    EXPECT_FALSE(heard.text.empty());
    EXPECT_EQ((*heard.outcome)->finish, Finish::length);
    EXPECT_EQ((*heard.outcome)->usage.completion_tokens, 8U);
    EXPECT_GT((*heard.outcome)->usage.prompt_tokens, 8U);
    EXPECT_EQ(wait_for_state(), State::ready);
    EXPECT_EQ(engine->state(), State::ready);
    EXPECT_EQ(engine->model_name(), "tiny");
}

TEST_F(EngineTest, GreedyAnswersDoNotDependOnWhatWasAskedBefore) {
    const auto engine = start();
    const std::string first = answer(*engine, 1, question(24));
    EXPECT_EQ(answer(*engine, 2, question(24)), first);
    EXPECT_NE(answer(*engine, 3, question(24, "Something else")), first);
    EXPECT_EQ(answer(*engine, 4, question(24)), first);
}

TEST_F(EngineTest, TheBatchSizeDoesNotChangeTheAnswer) {
    const std::string text(200, 'q');
    const auto large = start({.model = VB_TINY_MODEL, .context = 1024, .batch = 512});
    const auto small = start({.model = VB_TINY_MODEL, .context = 1024, .batch = 7});
    EXPECT_EQ(answer(*large, 1, question(16, text)), answer(*small, 2, question(16, text)));
}

TEST_F(EngineTest, TheContextGrowsWithoutChangingTheAnswer) {
    const auto whole = start({.model = VB_TINY_MODEL, .context = 2048, .first_context = 2048, .batch = 64});
    const auto grown = start({.model = VB_TINY_MODEL, .context = 2048, .first_context = 1, .batch = 64});
    // Grows while it answers, while it reads a prompt, and is reused once it has grown.
    int which = 0;
    for (const auto& request : {question(600), question(900, std::string(700, 'q')), question(24)}) {
        const std::string expected = answer(*whole, ++which, request);
        EXPECT_EQ(answer(*grown, ++which, request), expected);
    }
}

TEST_F(EngineTest, TheSavedPrefixIsNotComputedAgainAndDoesNotChangeTheAnswer) {
    const std::string directory = testing::TempDir() + "cache-" + std::to_string(getpid());
    const std::string file = directory + "/tiny.prefix";
    const Options options{.model = VB_TINY_MODEL, .context = 512, .first_context = 16, .cache = directory};
    const auto cached_by_new_engine = [&](int which, std::string& text) {
        const auto engine = start(options);
        ask(*engine, which, question(24));
        const auto heard = hearing_.wait_for_end(which);
        text = heard.text;
        return heard.outcome->value().usage.cached_tokens;
    };
    std::string expected;
    EXPECT_EQ(cached_by_new_engine(1, expected), 0U);
    ASSERT_TRUE(std::filesystem::exists(file));
    std::string text;
    EXPECT_GT(cached_by_new_engine(2, text), 0U);
    EXPECT_EQ(text, expected);

    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    EXPECT_EQ(cached_by_new_engine(3, text), 0U);
    EXPECT_EQ(text, expected);
    EXPECT_GT(cached_by_new_engine(4, text), 0U) << "the bad file was not made again";
    std::filesystem::remove_all(directory);
}

TEST_F(EngineTest, OneThreadLoadsAsAWholeAndAnswersTheSame) {
    const auto two = start({.model = VB_TINY_MODEL, .context = 512, .batch = 64, .threads = 2});
    const auto one = start({.model = VB_TINY_MODEL, .context = 512, .batch = 64, .threads = 1});
    EXPECT_EQ(answer(*one, 1, question(16)), answer(*two, 2, question(16)));
}

TEST_F(EngineTest, TheSeedDecidesASampledAnswer) {
    const auto engine = start();
    const auto sampled = [](std::uint32_t seed) {
        Request request = question(24);
        request.sampling = {.temperature = 1.5F, .top_k = 0, .top_p = 1, .min_p = 0, .seed = seed};
        return request;
    };
    const std::string first = answer(*engine, 1, sampled(1));
    EXPECT_EQ(answer(*engine, 2, sampled(1)), first);
    EXPECT_NE(answer(*engine, 3, sampled(2)), first);
}

TEST_F(EngineTest, AStopStringEndsTheAnswerBeforeIt) {
    const auto engine = start();
    const std::string whole = answer(*engine, 1, question(24));
    ASSERT_GT(whole.size(), 8U);
    Request request = question(24);
    request.stop = {whole.substr(4, 3)};
    ask(*engine, 2, request);
    const auto heard = hearing_.wait_for_end(2);
    EXPECT_EQ(heard.text, whole.substr(0, whole.find(whole.substr(4, 3))));
    EXPECT_EQ((*heard.outcome)->finish, Finish::stop);
}

TEST_F(EngineTest, TheContextsEndEndsTheAnswer) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 256, .batch = 64});
    ask(*engine, 1, question(endless));
    const auto heard = hearing_.wait_for_end(1);
    ASSERT_TRUE(heard.outcome->has_value());
    EXPECT_EQ((*heard.outcome)->finish, Finish::length);
    const Usage usage = (*heard.outcome)->usage;
    EXPECT_EQ(usage.prompt_tokens + usage.completion_tokens,
              257U); // the last token is not put into the context
}

TEST_F(EngineTest, RefusesMegabytesWithoutTokenizingThem) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 256, .batch = 64});
    ask(*engine, 1, question(4, std::string(4'000'000, ' ')));
    const auto heard = hearing_.wait_for_end(1);
    ASSERT_FALSE(heard.outcome->has_value());
    EXPECT_EQ(heard.outcome->error().fault, Fault::too_long);
    EXPECT_NE(heard.outcome->error().message.find("at least"), std::string::npos);
}

TEST_F(EngineTest, RefusesAPromptThatIsTooLongWithNumbers) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 256, .batch = 64});
    ask(*engine, 1, question(4, std::string(4000, '9')));
    const auto heard = hearing_.wait_for_end(1);
    ASSERT_FALSE(heard.outcome->has_value());
    EXPECT_EQ(heard.outcome->error().fault, Fault::too_long);
    EXPECT_NE(heard.outcome->error().message.find("context's 256"), std::string::npos)
        << heard.outcome->error().message;
    EXPECT_FALSE(answer(*engine, 2, question(4)).empty());
}

TEST_F(EngineTest, RefusesMessagesThatAreNone) {
    const auto engine = start();
    for (const char* messages : {"", "[]", "7", R"([{"role":"user"}])"}) {
        Request request = question(4);
        request.prompt = Messages{messages};
        static int which = 100;
        ask(*engine, ++which, request);
        const auto heard = hearing_.wait_for_end(which);
        ASSERT_FALSE(heard.outcome->has_value()) << messages;
        EXPECT_EQ(heard.outcome->error().fault, Fault::request);
    }
}

TEST_F(EngineTest, CancelEndsTheRunningRequestAndTheNextIsAnswered) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 4096, .batch = 64});
    const auto ticket = ask(*engine, 1, question(endless));
    ask(*engine, 2, question(4));
    hearing_.wait_for_text(1);
    engine->cancel(ticket);
    const auto heard = hearing_.wait_for_end(1);
    ASSERT_TRUE(heard.outcome->has_value());
    EXPECT_EQ((*heard.outcome)->finish, Finish::cancelled);
    EXPECT_LT((*heard.outcome)->usage.completion_tokens, 4000U);
    EXPECT_EQ((*hearing_.wait_for_end(2).outcome)->finish, Finish::length);
}

TEST_F(EngineTest, CancelEndsAWaitingRequestWhileAnotherRuns) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 4096, .batch = 64, .parallel = 1});
    const auto running = ask(*engine, 1, question(endless));
    const auto waiting = ask(*engine, 2, question(4));
    hearing_.wait_for_text(1);
    engine->cancel(waiting);
    EXPECT_EQ((*hearing_.wait_for_end(2).outcome)->finish, Finish::cancelled);
    EXPECT_EQ(hearing_.order(), std::vector{2});
    engine->cancel(running);
    hearing_.wait_for_end(1);
    engine->cancel(12345); // never given out
}

TEST_F(EngineTest, AnswersInTheOrderOfArrival) {
    const auto engine = start();
    for (int which = 0; which < 6; ++which) {
        ask(*engine, which, question(3));
    }
    hearing_.wait_for_end(5);
    EXPECT_EQ(hearing_.order(), (std::vector{0, 1, 2, 3, 4, 5}));
}

TEST_F(EngineTest, DestructionLetsEveryReceiverKnow) {
    {
        const auto engine = start({.model = VB_TINY_MODEL, .context = 4096, .batch = 64});
        for (int which = 0; which < 3; ++which) {
            ask(*engine, which, question(endless));
        }
        hearing_.wait_for_text(0);
    }
    for (int which = 0; which < 3; ++which) {
        EXPECT_EQ((*hearing_.wait_for_end(which).outcome)->finish, Finish::cancelled);
    }
}

TEST_F(EngineTest, DestructionWhileLoadingIsSafeAtAnyMoment) {
    for (int round = 0; round < 20; ++round) {
        const auto engine = start();
        ask(*engine, round, question(2));
        // A little later each time; the point is the moment, not a wait for something.
        std::this_thread::sleep_for(round * 300us);
    }
    for (int round = 0; round < 20; ++round) {
        EXPECT_TRUE(hearing_.wait_for_end(round).outcome->has_value());
    }
}

TEST_F(EngineTest, AMissingFileFailsEveryRequestEarlyAndLate) {
    const auto engine = start({.model = "/no/such/model.gguf"});
    ask(*engine, 1, question(1));
    EXPECT_EQ(hearing_.wait_for_end(1).outcome->error().fault, Fault::model_missing);
    EXPECT_EQ(wait_for_state(), State::failed);
    EXPECT_EQ(engine->state(), State::failed);
    EXPECT_EQ(engine->failure().message, "/no/such/model.gguf: No such file or directory");
    ask(*engine, 2, question(1));
    EXPECT_EQ(hearing_.wait_for_end(2).outcome->error().message, engine->failure().message);
}

TEST_F(EngineTest, AMalformedFileFailsWithOffsetAndField) {
    const std::string path = testing::TempDir() + "vb-bad-" + std::to_string(getpid()) + ".gguf";
    std::ofstream(path) << "GGUF and then nothing of the kind";
    const auto engine = start({.model = path});
    EXPECT_EQ(wait_for_state(), State::failed);
    unlink(path.c_str());
    EXPECT_EQ(engine->failure().fault, Fault::model_malformed);
    EXPECT_TRUE(engine->failure().message.starts_with(path + ": offset 4: version is "))
        << engine->failure().message;
}

TEST_F(EngineTest, WhatLibllamaRefusesComesWithItsReason) {
    std::ifstream tiny(VB_TINY_MODEL, std::ios::binary);
    std::string file{std::istreambuf_iterator<char>(tiny), {}};
    file.replace(file.find("blk.1.ffn_down.weight"), 21, "blk.1.ffn_lost.weight");
    const std::string path = testing::TempDir() + "vb-lost-" + std::to_string(getpid()) + ".gguf";
    std::ofstream(path, std::ios::binary) << file;
    const auto engine = start({.model = path});
    EXPECT_EQ(wait_for_state(), State::failed);
    unlink(path.c_str());
    EXPECT_EQ(engine->failure().fault, Fault::model_unsupported);
    EXPECT_NE(engine->failure().message.find("blk.1.ffn_down.weight"), std::string::npos)
        << engine->failure().message;
}

TEST_F(EngineTest, TheTimelineShowsEachStepOnce) {
    auto timeline = trace::Timeline::create(base::monotonic_now());
    ASSERT_TRUE(timeline.has_value());
    {
        Engine engine({.model = VB_TINY_MODEL, .context = 512, .batch = 64, .threads = 2}, *timeline, log_,
                      [](State) {});
        answer(engine, 1, question(2));
        answer(engine, 2, question(2));
    }
    std::map<std::string, int> spans;
    const trace::Layout& layout = *timeline->layout();
    for (std::uint32_t index = 0; index < layout.header.used; ++index) {
        ++spans[layout.records[index].name];
    }
    for (const char* name : {"engine: check", "engine: backend", "engine: weights", "engine: vocabulary",
                             "engine: context", "engine: chat template", "engine: prefill"}) {
        EXPECT_EQ(spans[name], 1) << name;
    }
}

// To the last bit: what one request computes does not depend on who else asks.
TEST_F(EngineTest, AnswersAreTheSameSideBySide) {
    const auto alone = start({.model = VB_TINY_MODEL, .context = 1024, .batch = 64, .parallel = 1});
    const auto shared = start({.model = VB_TINY_MODEL, .context = 1024, .first_context = 1, .batch = 64});
    constexpr int count = 12; // more than are computed at once
    const auto asked = [](int which) {
        return question(60, std::string(30, static_cast<char>('a' + which)));
    };
    for (int which = 0; which < count; ++which) {
        ask(*shared, which, asked(which));
        if (which < 3) { hearing_.wait_for_text(which); } // so that the memory grows under those that run
    }
    for (int which = 0; which < count; ++which) {
        EXPECT_EQ(hearing_.wait_for_end(which).text, answer(*alone, 100 + which, asked(which))) << which;
    }
}

TEST_F(EngineTest, RequestsThatBeginAlikeShareWhatIsComputed) {
    const auto engine = start();
    const std::string beginning(150, 'b');
    answer(*engine, 1, question(4, beginning + "one"));
    ask(*engine, 2, question(4, beginning + "two"));
    ask(*engine, 3, question(4, beginning + "three"));
    for (const int which : {2, 3}) {
        const Usage usage = hearing_.wait_for_end(which).outcome->value().usage;
        EXPECT_GT(usage.cached_tokens, 100U);
        EXPECT_LT(usage.cached_tokens, usage.prompt_tokens);
    }
}

TEST_F(EngineTest, WhatIsKeptOfThePastIsBounded) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 512, .batch = 64, .kept = 100});
    const std::string beginning(150, 'b');
    answer(*engine, 1, question(4, beginning));
    ask(*engine, 2, question(4, beginning));
    EXPECT_LT(hearing_.wait_for_end(2).outcome->value().usage.cached_tokens, 100U);
}

TEST_F(EngineTest, ADeadlineEndsARequestUnderWayAndOneThatWaits) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 4096, .batch = 64, .parallel = 1});
    const auto until = [](auto time) {
        Request request = question(endless);
        request.deadline = base::monotonic_now() + time;
        return request;
    };
    ASSERT_EQ(wait_for_state(), State::ready);
    ask(*engine, 1, until(100ms));
    ask(*engine, 2, until(50ms));
    for (const int which : {2, 1}) {
        EXPECT_EQ(hearing_.wait_for_end(which).outcome->value().finish, Finish::deadline) << which;
    }
}

TEST_F(EngineTest, ASlidingContextGoesOn) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 128, .batch = 64});
    Request request = question(300);
    request.slides = true;
    ask(*engine, 1, request);
    const auto heard = hearing_.wait_for_end(1);
    EXPECT_EQ(heard.outcome->value().finish, Finish::length);
    EXPECT_EQ(heard.outcome->value().usage.completion_tokens, 300U);
    request = question(4, std::string(1000, 'q')); // nor need the prompt fit
    request.slides = true;
    ask(*engine, 2, request);
    EXPECT_LT(hearing_.wait_for_end(2).outcome->value().usage.prompt_tokens, 128U);
}

class TokenListener final : public Listener {
  public:
    TokenListener(Hearing& hearing, int which, std::vector<ChosenToken>& tokens)
        : Listener(hearing, which), tokens_(tokens) {}
    void token(const ChosenToken& token) override { tokens_.push_back(token); }

  private:
    std::vector<ChosenToken>& tokens_;
};

TEST_F(EngineTest, TellsTheProbabilitiesOfTokens) {
    const auto engine = start();
    Request request = question(8);
    request.alternatives = 3;
    std::vector<ChosenToken> tokens;
    engine->submit(request, std::make_unique<TokenListener>(hearing_, 1, tokens));
    const std::string text = hearing_.wait_for_end(1).text;
    ASSERT_EQ(tokens.size(), 8U);
    std::string bytes;
    for (const ChosenToken& token : tokens) {
        bytes += token.chosen.bytes;
        ASSERT_EQ(token.alternatives.size(), 3U);
        EXPECT_EQ(token.alternatives[0].token, token.chosen.token); // it is greedy
        EXPECT_LE(token.chosen.logprob, 0);
        EXPECT_GE(token.alternatives[0].logprob, token.alternatives[1].logprob);
    }
    EXPECT_TRUE(bytes.starts_with(text.substr(0, 3))) << bytes << " / " << text;
}

TEST_F(EngineTest, ABiasForbidsAToken) {
    const auto engine = start();
    Request request = question(1);
    request.alternatives = 0;
    std::vector<ChosenToken> tokens;
    engine->submit(request, std::make_unique<TokenListener>(hearing_, 1, tokens));
    hearing_.wait_for_end(1);
    request.sampling.logit_bias = {{.token = tokens.at(0).chosen.token, .bias = -INFINITY}};
    engine->submit(request, std::make_unique<TokenListener>(hearing_, 2, tokens));
    hearing_.wait_for_end(2);
    EXPECT_NE(tokens.at(1).chosen.token, tokens.at(0).chosen.token);
    request.sampling.logit_bias = {{.token = 1 << 30, .bias = 1}};
    ask(*engine, 3, request);
    EXPECT_EQ(hearing_.wait_for_end(3).outcome->error().fault, Fault::request);
}

TEST_F(EngineTest, AGrammarIsObeyed) {
    const auto engine = start();
    for (const float temperature : {0.0F, 2.0F}) {
        static int which = 0;
        Request request = question(40);
        request.sampling.temperature = temperature;
        request.sampling.grammar = R"(root ::= ("yes" | "no") " or " [0-9] [0-9])";
        const std::string text = answer(*engine, ++which, request);
        EXPECT_TRUE(text.starts_with("yes or ") || text.starts_with("no or ")) << text;
        EXPECT_TRUE(isdigit(text.back())) << text;
    }
    for (const std::string& wrong :
         {std::string("root ::= ("), std::string("other ::= \"a\""), std::string(500, '(')}) {
        static int which = 100;
        Request request = question(4);
        request.sampling.grammar = wrong;
        ask(*engine, ++which, request);
        const auto heard = hearing_.wait_for_end(which);
        ASSERT_FALSE(heard.outcome->has_value()) << wrong;
        EXPECT_EQ(heard.outcome->error().fault, Fault::request);
        EXPECT_TRUE(heard.outcome->error().message.starts_with("grammar: "))
            << heard.outcome->error().message;
    }
}

TEST_F(EngineTest, ASchemaIsObeyed) {
    const auto engine = start();
    Request request = question(200);
    request.sampling.schema =
        R"({"type":"object","properties":{"name":{"enum":["Ann","Bob"]},"age":{"type":"integer","minimum":10,"maximum":19}},)"
        R"("required":["name","age"],"additionalProperties":false})";
    for (const float temperature : {0.0F, 1.5F}) {
        static int which = 0;
        request.sampling.temperature = temperature;
        const std::string text = answer(*engine, ++which, request);
        EXPECT_TRUE(std::regex_match(
            text, std::regex(R"re(\s*\{\s*"name"\s*:\s*"(Ann|Bob)"\s*,\s*"age"\s*:\s*1[0-9]\s*\}\s*)re")))
            << text;
    }
    for (const char* const wrong : {"{", R"({"type":"nothing"})", R"({"type":"string","pattern":"("})"}) {
        static int which = 100;
        request.sampling.schema = wrong;
        ask(*engine, ++which, request);
        const auto heard = hearing_.wait_for_end(which);
        ASSERT_FALSE(heard.outcome->has_value()) << wrong;
        EXPECT_EQ(heard.outcome->error().fault, Fault::request);
        EXPECT_TRUE(heard.outcome->error().message.starts_with("schema: ")) << heard.outcome->error().message;
    }
    request.sampling.schema = "{}";
    request.sampling.grammar = "root ::= \"a\"";
    ask(*engine, 1000, request);
    EXPECT_EQ(hearing_.wait_for_end(1000).outcome->error().fault, Fault::request);
}

TEST_F(EngineTest, PenaltiesKeepItFromRepeating) {
    const auto engine = start();
    Request request = question(60);
    const std::string plain = answer(*engine, 1, request);
    request.sampling.repeat_penalty = 1.5F;
    EXPECT_NE(answer(*engine, 2, request), plain);
}

TEST_F(EngineTest, TokensAndTextBecomeOneAnother) {
    const auto engine = start();
    ASSERT_EQ(wait_for_state(), State::ready);
    const auto tokens = engine->tokenize("Hello, world", false);
    ASSERT_TRUE(tokens);
    EXPECT_EQ(engine->detokenize(*tokens, false), "Hello, world");
    const std::vector<Token> impossible{-1};
    EXPECT_EQ(engine->detokenize(impossible, false).error().fault, Fault::request);
    EXPECT_NE(engine->render(R"([{"role":"user","content":"Hi"}])")->find("Hi"), std::string::npos);
    EXPECT_EQ(engine->information().context, 512U);
    // A text and its tokens are the same prompt.
    Request text = question(8);
    text.prompt = "Once upon";
    Request same = question(8);
    same.prompt = *engine->tokenize("Once upon", true);
    EXPECT_EQ(answer(*engine, 1, text), answer(*engine, 2, same));
    same.prompt = Tokens{1 << 30};
    ask(*engine, 3, same);
    EXPECT_EQ(hearing_.wait_for_end(3).outcome->error().fault, Fault::request);
}

template <class Value>
class Promised {
  public:
    auto function() {
        return [this](Value value) { promise_.set_value(std::move(value)); };
    }
    Value get() { return promise_.get_future().get(); }

  private:
    std::promise<Value> promise_;
};

TEST_F(EngineTest, EmbeddingsHaveLengthOneAndAreTheSameForTheSameText) {
    const auto engine = start();
    Promised<Result<Embeddings>> promised;
    engine->embed({"one text", "another", "one text"}, promised.function());
    const auto embeddings = promised.get();
    ASSERT_TRUE(embeddings) << embeddings.error().message;
    const std::uint32_t size = embeddings->size;
    ASSERT_EQ(embeddings->values.size(), 3 * size);
    const std::span all(embeddings->values);
    double squares = 0;
    for (const float value : all.first(size)) {
        squares += value * value;
    }
    EXPECT_NEAR(squares, 1, 1e-5);
    EXPECT_TRUE(std::ranges::equal(all.first(size), all.subspan(2 * std::size_t{size})));
    EXPECT_FALSE(std::ranges::equal(all.first(size), all.subspan(size, size)));
    Promised<Result<Embeddings>> too_long;
    engine->embed({std::string(3000, 'q')}, too_long.function());
    EXPECT_EQ(too_long.get().error().fault, Fault::too_long);
}

TEST_F(EngineTest, AConversationIsSavedAndComesBackComputed) {
    const std::string path = testing::TempDir() + "conversation-" + std::to_string(getpid());
    const std::string messages = R"([{"role":"user","content":")" + std::string(200, 'c') + R"("}])";
    Request request = question(8);
    request.prompt = Messages{messages};
    std::string expected;
    {
        const auto engine = start();
        expected = answer(*engine, 1, request);
        Promised<Result<>> saved;
        engine->save(messages, path, saved.function());
        const auto done = saved.get();
        ASSERT_TRUE(done) << done.error().message;
    }
    const auto engine = start();
    Promised<Result<std::string>> loaded;
    engine->load(path, loaded.function());
    const auto read = loaded.get();
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, messages);
    ask(*engine, 2, request);
    const auto heard = hearing_.wait_for_end(2);
    EXPECT_GT(heard.outcome->value().usage.cached_tokens, 150U);
    EXPECT_EQ(heard.text, expected);

    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
    for (const std::string& wrong : {path, path + "-not-there"}) {
        Promised<Result<std::string>> refused;
        engine->load(wrong, refused.function());
        const auto refusal = refused.get();
        ASSERT_FALSE(refusal);
        EXPECT_EQ(refusal.error().fault, Fault::state_file);
        EXPECT_NE(refusal.error().message.find(wrong), std::string::npos) << refusal.error().message;
    }
    unlink(path.c_str());
}

} // namespace
} // namespace vb::engine
