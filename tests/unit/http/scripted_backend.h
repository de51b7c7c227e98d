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
    engine::State state() const noexcept override { return state_; }
    std::string_view model_name() const noexcept override { return "tiny/model"; }

    void set_state(engine::State state) { state_ = state; }

    // The next request that the server has handed over; null receiver if none comes.
    Call next() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [this] { return !calls_.empty(); })) { return {}; }
        Call call = std::move(calls_.front());
        calls_.pop_front();
        return call;
    }
    bool wait_cancelled(Ticket ticket) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return cancelled_.contains(ticket); });
    }

  private:
    static constexpr std::chrono::seconds patience{10};

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Call> calls_;
    std::set<Ticket> cancelled_;
    Ticket last_ = 0;
    std::atomic<engine::State> state_ = engine::State::ready;
};

} // namespace vb::http
