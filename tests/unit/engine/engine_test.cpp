#include "engine/engine.h"

#include "unit/engine/engine_fixture.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

namespace vb::engine {
namespace {

using namespace std::chrono_literals;

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

// Among many, each has room for less than one alone had; what one holds stays, and what needs more gets it.
TEST_F(EngineTest, ALongAnswerStaysWhileManyShortOnesBegin) {
    const auto alone = start({.model = VB_TINY_MODEL, .context = 2048, .batch = 64, .parallel = 1});
    const auto shared = start({.model = VB_TINY_MODEL, .context = 2048, .batch = 64, .kept = 8192});
    const auto long_one = question(700, std::string(900, 'q'));
    ask(*shared, 0, long_one);
    hearing_.wait_for_text(0);
    for (int which = 1; which < 8; ++which) {
        ask(*shared, which, question(100 * static_cast<std::uint32_t>(which)));
    }
    for (int which = 1; which < 8; ++which) {
        EXPECT_EQ(hearing_.wait_for_end(which).text,
                  answer(*alone, 10 + which, question(100 * static_cast<std::uint32_t>(which))));
    }
    EXPECT_EQ(hearing_.wait_for_end(0).text, answer(*alone, 20, long_one));
    EXPECT_EQ(answer(*shared, 30, long_one), hearing_.wait_for_end(0).text);
    const Usage usage = hearing_.wait_for_end(30).outcome->value().usage;
    EXPECT_EQ(usage.cached_tokens + 1, usage.prompt_tokens);
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

} // namespace
} // namespace vb::engine
