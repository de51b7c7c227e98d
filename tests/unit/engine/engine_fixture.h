// Engines in tests, and what their receivers hear.
#pragma once

#include "engine/engine.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

namespace vb::engine {

// What a test's receivers heard, in order. Shared, because the engine owns the receivers.
class Hearing {
  public:
    struct Answer {
        std::string text;
        std::vector<ToolCall> calls{};
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
    void tool_call(int which, const ToolCall& call) {
        const std::scoped_lock lock(mutex_);
        answers_[which].calls.push_back(call);
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
        EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [&] {
            return condition(answers_[which]);
        })) << "timed out";
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
    void tool_call(const ToolCall& call) override { hearing_.tool_call(which_, call); }
    void finished(const Result<Outcome>& outcome) override { hearing_.finished(which_, outcome); }

  private:
    Hearing& hearing_;
    int which_;
};

inline constexpr std::uint32_t endless = 100'000; // more than any context holds

inline Request question(std::uint32_t tokens, std::string_view text = "Hello") {
    return {.prompt = Messages{R"([{"role":"user","content":")" + std::string(text) + R"("}])"},
            .max_tokens = tokens,
            .sampling = {.temperature = 0}};
}

// What `call` has its argument called with.
template <class Value, class Call>
Value awaited(Call call) {
    std::promise<Value> promise;
    call([&promise](Value value) { promise.set_value(std::move(value)); });
    return promise.get_future().get();
}

class EngineTest : public testing::Test {
  protected:
    static Result<Embeddings> embed(Engine& engine, const std::vector<std::string>& texts) {
        return awaited<Result<Embeddings>>([&](auto done) { engine.embed(texts, done); });
    }
    static Result<> save(Engine& engine, const std::string& messages, const std::string& path) {
        return awaited<Result<>>([&](auto done) { engine.save(messages, path, done); });
    }
    static Result<std::string> load(Engine& engine, const std::string& path) {
        return awaited<Result<std::string>>([&](auto done) { engine.load(path, done); });
    }
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
        EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [this] { return !states_.empty(); }))
            << "timed out";
        return states_.empty() ? State::loading : states_.front();
    }
    Engine::Ticket ask(Engine& engine, int which, Request request) {
        return engine.submit(std::move(request), std::make_unique<Listener>(hearing_, which));
    }
    std::string answer(Engine& engine, int which, Request request) {
        ask(engine, which, std::move(request));
        const auto heard = hearing_.wait_for_end(which);
        EXPECT_TRUE(heard.outcome && heard.outcome->has_value())
            << (heard.outcome ? heard.outcome->error().message : "no end");
        return heard.text;
    }

    Hearing hearing_; // outlives the engines of the tests
    trace::Timeline timeline_;
    base::Log log_{STDERR_FILENO, "test"};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<State> states_;
};

} // namespace vb::engine
