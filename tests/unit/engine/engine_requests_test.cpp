// What a request can ask for besides an answer.
#include "engine/engine.h"

#include "unit/engine/engine_fixture.h"

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <thread>

namespace vb::engine {
namespace {

class TokenListener final : public Listener {
  public:
    TokenListener(Hearing& hearing, int which, std::vector<ChosenToken>& tokens)
        : Listener(hearing, which), tokens_(tokens) {}
    void token(const ChosenToken& token) override { tokens_.push_back(token); }

  private:
    std::vector<ChosenToken>& tokens_;
};

// Counts, for other threads.
class TokenCounter final : public Listener {
  public:
    TokenCounter(Hearing& hearing, int which, std::atomic<unsigned>& count)
        : Listener(hearing, which), count_(count) {}
    void token(const ChosenToken& /*token*/) override {
        ++count_;
        count_.notify_all();
    }

  private:
    std::atomic<unsigned>& count_;
};

TEST_F(EngineTest, AfterACancelAtMostTheTokenThatIsBeingComputedComes) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 4096, .batch = 64});
    ask(*engine, 100, question(endless)); // beside others too
    for (unsigned which = 1; which <= 20; ++which) {
        std::atomic<unsigned> count = 0;
        Request request = question(endless, "Number " + std::to_string(which));
        request.alternatives = 0;
        const auto ticket =
            engine->submit(request, std::make_unique<TokenCounter>(hearing_, static_cast<int>(which), count));
        for (unsigned seen = 0; seen < which; seen = count.load()) {
            count.wait(seen);
        }
        engine->cancel(ticket);
        const unsigned at_return = count.load();
        const auto heard = hearing_.wait_for_end(static_cast<int>(which));
        ASSERT_TRUE(heard.outcome->has_value());
        EXPECT_EQ((*heard.outcome)->finish, Finish::cancelled);
        EXPECT_LE(count.load(), at_return + 1);
    }
}

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
    Request request = question(500);
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

// A model that likes white space too much still comes to the end of its answer.
TEST_F(EngineTest, ASchemaBoundsTheWhiteSpace) {
    const auto engine = start();
    ASSERT_EQ(wait_for_state(), State::ready);
    Request request = question(300);
    for (const char* const space : {" ", "\n", "\t"}) {
        for (const Token token : engine->tokenize(space, false).value()) {
            request.sampling.logit_bias.push_back({.token = token, .bias = 100});
        }
    }
    int which = 0;
    for (const char* const schema :
         {R"({"type":"object","properties":{"a":{"const":1}},"required":["a"],"additionalProperties":false})",
          R"({"enum":[1]})", R"( {"const":1} )"}) {
        request.sampling.schema = schema;
        const std::string text = answer(*engine, ++which, request);
        EXPECT_EQ(text.find_first_not_of(" \n\t1a{}:\""), std::string::npos) << text;
        EXPECT_NE(text.find('1'), std::string::npos) << text;
        EXPECT_LT(text.size(), 200U) << text;
    }
    request.sampling.logit_bias.clear();
    request.sampling.schema = "{}"; // anything, if it is JSON
    EXPECT_FALSE(answer(*engine, ++which, request).empty());
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

TEST_F(EngineTest, EmbeddingsHaveLengthOneAndAreTheSameForTheSameText) {
    const auto engine = start();
    const auto embeddings = embed(*engine, {"one text", "another", "one text"});
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
    EXPECT_EQ(embed(*engine, {std::string(3000, 'q')}).error().fault, Fault::too_long);
}

// Until the engine's thread has counted.
template <class Condition>
Counters counters_once(const Engine& engine, Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition(engine.counters()) && std::chrono::steady_clock::now() < end) {
        std::this_thread::yield();
    }
    return engine.counters();
}

TEST_F(EngineTest, CountsWhatItDoes) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 512, .batch = 64, .parallel = 1});
    ask(*engine, 1, question(endless));
    ask(*engine, 2, question(4));
    hearing_.wait_for_text(1);
    const Counters busy = counters_once(*engine, [](const Counters& now) { return now.waiting == 1; });
    EXPECT_EQ(busy.running, 1U);
    EXPECT_EQ(busy.waiting, 1U);
    EXPECT_EQ(busy.token_room, 1024U);
    EXPECT_GT(busy.last_step.count(), 0);
    const Usage first = (*hearing_.wait_for_end(1).outcome)->usage;
    const Usage second = (*hearing_.wait_for_end(2).outcome)->usage;
    const Counters idle = counters_once(*engine, [](const Counters& now) { return now.running == 0; });
    EXPECT_EQ(idle.running + idle.waiting, 0U);
    EXPECT_EQ(idle.prompt_tokens, first.prompt_tokens + second.prompt_tokens);
    EXPECT_EQ(idle.cached_tokens, first.cached_tokens + second.cached_tokens);
    EXPECT_EQ(idle.completion_tokens, first.completion_tokens + second.completion_tokens);
    EXPECT_GT(idle.held_tokens, 0U);
    EXPECT_LE(idle.held_tokens, idle.token_room);
    EXPECT_GE(idle.last_step, busy.last_step);
}

TEST_F(EngineTest, AProbeComputesATokenAndLeavesWhatIsKeptAlone) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 512, .batch = 64, .parallel = 2});
    const Request conversation = question(8, std::string(100, 'c'));
    const std::string text = answer(*engine, 1, conversation);
    answer(*engine, 2, question(8, "Another"));
    const Counters before = counters_once(*engine, [](const Counters& now) { return now.running == 0; });
    const Request probe{.prompt = Tokens{1}, .max_tokens = 1, .is_probe = true};
    for (int which = 10; which < 13; ++which) {
        ask(*engine, which, probe);
        const auto heard = hearing_.wait_for_end(which);
        ASSERT_TRUE(heard.outcome->has_value());
        EXPECT_EQ((*heard.outcome)->usage.completion_tokens, 1U);
    }
    const Counters after = counters_once(*engine, [](const Counters& now) { return now.running == 0; });
    EXPECT_GT(after.last_step, before.last_step);
    EXPECT_EQ(after.prompt_tokens, before.prompt_tokens);
    EXPECT_EQ(after.completion_tokens, before.completion_tokens);
    EXPECT_EQ(after.held_tokens, before.held_tokens);
    ask(*engine, 3, conversation);
    const auto again = hearing_.wait_for_end(3);
    EXPECT_EQ(again.text, text);
    EXPECT_EQ((*again.outcome)->usage.cached_tokens, (*again.outcome)->usage.prompt_tokens - 1);
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
        const auto done = save(*engine, messages, path);
        ASSERT_TRUE(done) << done.error().message;
    }
    const auto engine = start();
    const auto read = load(*engine, path);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, messages);
    ask(*engine, 2, request);
    const auto heard = hearing_.wait_for_end(2);
    EXPECT_GT(heard.outcome->value().usage.cached_tokens, 150U);
    EXPECT_EQ(heard.text, expected);

    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
    for (const std::string& wrong : {path, path + "-not-there"}) {
        const auto refusal = load(*engine, wrong);
        ASSERT_FALSE(refusal);
        EXPECT_EQ(refusal.error().fault, Fault::state_file);
        EXPECT_NE(refusal.error().message.find(wrong), std::string::npos) << refusal.error().message;
    }
    unlink(path.c_str());
}

} // namespace
} // namespace vb::engine
