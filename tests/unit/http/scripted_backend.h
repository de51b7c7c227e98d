// An engine whose answers the test dictates: the test's thread plays the engine's.
#pragma once

#include "http/backend.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace vb::http {

class ScriptedBackend final : public Backend {
  public:
    struct Call {
        Ticket ticket;
        engine::Request request;
        std::unique_ptr<engine::Receiver> receiver;

        void text(std::string_view piece) const { receiver->text(piece); }
        void finish(engine::Finish finish = engine::Finish::stop,
                    engine::Usage usage = {
                        .prompt_tokens = 7, .cached_tokens = 2, .completion_tokens = 3}) const {
            receiver->finished(engine::Outcome{.finish = finish, .usage = usage});
        }
        void fail(engine::Fault fault, const std::string& message) const {
            receiver->finished(std::unexpected(engine::Error{fault, message}));
        }
    };

    Ticket submit(engine::Request request, std::unique_ptr<engine::Receiver> receiver) override {
        const std::scoped_lock lock(mutex_);
        calls_.push_back({++last_, std::move(request), std::move(receiver)});
        changed_.notify_all();
        return last_;
    }
    void cancel(Ticket ticket) override {
        const std::scoped_lock lock(mutex_);
        cancelled_.insert(ticket);
        changed_.notify_all();
    }
    void embed(std::vector<std::string> texts,
               std::function<void(engine::Result<engine::Embeddings>)> done) override {
        const std::scoped_lock lock(mutex_);
        embeddings_.push_back({std::move(texts), std::move(done)});
        changed_.notify_all();
    }
    engine::State state() const noexcept override { return state_; }
    float progress() const noexcept override { return state_ == engine::State::loading ? 0.5F : 1.0F; }
    std::string_view model_name() const noexcept override { return "tiny/model"; }
    std::size_t parallel() const noexcept override { return parallel_; }
    engine::Counters counters() const override {
        const std::scoped_lock lock(mutex_);
        return counters_;
    }
    engine::ModelInformation information() const override { return {.context = 2048, .vocabulary = 256}; }
    // A token for each byte.
    engine::Result<engine::Tokens> tokenize(std::string_view text, bool) const override {
        return engine::Tokens(text.begin(), text.end());
    }
    engine::Result<std::string> detokenize(std::span<const engine::Token> tokens, bool) const override {
        return std::string(tokens.begin(), tokens.end());
    }

    void set_state(engine::State state) { state_ = state; }
    void set_parallel(std::size_t parallel) { parallel_ = parallel; }
    void set_counters(const engine::Counters& counters) {
        const std::scoped_lock lock(mutex_);
        counters_ = counters;
    }
    struct Embedding {
        std::vector<std::string> texts;
        std::function<void(engine::Result<engine::Embeddings>)> done; // empty: none came
    };
    Embedding next_embedding() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [this] { return !embeddings_.empty(); })) { return {}; }
        Embedding embedding = std::move(embeddings_.front());
        embeddings_.pop_front();
        return embedding;
    }

    // The next request that the server has handed over; null receiver if none comes.
    Call next() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [this] { return !calls_.empty(); })) { return {}; }
        Call call = std::move(calls_.front());
        calls_.pop_front();
        return call;
    }
    // How many requests there were.
    std::size_t submitted() const {
        const std::scoped_lock lock(mutex_);
        return last_;
    }
    bool wait_cancelled(Ticket ticket) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return cancelled_.contains(ticket); });
    }

  private:
    static constexpr std::chrono::seconds patience{10};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Call> calls_;
    std::deque<Embedding> embeddings_;
    engine::Counters counters_;
    std::atomic<std::size_t> parallel_ = 8;
    std::set<Ticket> cancelled_;
    Ticket last_ = 0;
    std::atomic<engine::State> state_ = engine::State::ready;
};

} // namespace vb::http
