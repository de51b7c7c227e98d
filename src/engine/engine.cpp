#include "engine/engine.h"

#include "engine/generation.h"
#include "engine/model.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace vb::engine {
class Engine::Implementation {
  public:
    Implementation(Options options, trace::Timeline& timeline, const base::Log& log,
                   std::function<void(State)> changed)
        : options_(std::move(options)), name_(name_of_model(options_.model)), timeline_(timeline), log_(log),
          changed_(std::move(changed)), thread_([this] { run(); }) {}

    ~Implementation() {
        {
            const std::scoped_lock lock(mutex_);
            stopping_.store(true, std::memory_order_relaxed);
            interrupted_.store(true, std::memory_order_relaxed);
        }
        wake_.notify_one();
    }
    Implementation(const Implementation&) = delete;
    Implementation& operator=(const Implementation&) = delete;

    Ticket submit(Request request, std::unique_ptr<Receiver> receiver);
    void cancel(Ticket ticket);
    State state() const noexcept { return state_.load(std::memory_order_acquire); }
    const Error& failure() const noexcept { return failure_; }
    std::string_view name() const noexcept { return name_; }

  private:
    struct Pending {
        Ticket ticket;
        Request request;
        std::unique_ptr<Receiver> receiver;
        bool cancelled = false;
    };

    void run();
    void fail(Error error);
    void serve(Generator& generator);
    std::optional<Pending> next();
    // Once, when there is nothing else to do.
    void prepare(Generator& generator);
    // Tells the waiting requests that were cancelled, or all of them.
    void finish_cancelled(bool all);

    const Options options_;
    const std::string name_;
    trace::Timeline& timeline_;
    const base::Log& log_;
    const std::function<void(State)> changed_;

    std::atomic<State> state_ = State::loading;
    Error failure_; // written before state_ becomes failed, then never again
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> interrupted_ = false;       // of the request that runs
    std::atomic<bool> waiting_cancelled_ = false; // one of those that wait was cancelled

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Pending> queue_;
    Ticket last_ticket_ = 0;
    Ticket running_ = 0;
    bool prepared_ = false;

    std::jthread thread_; // the last member: everything else is there before it starts and after it ends
};

Engine::Ticket Engine::Implementation::submit(Request request, std::unique_ptr<Receiver> receiver) {
    std::unique_lock lock(mutex_);
    const Ticket ticket = ++last_ticket_;
    if (state() == State::failed) {
        lock.unlock();
        receiver->finished(std::unexpected(failure_));
        return ticket;
    }
    queue_.push_back({ticket, std::move(request), std::move(receiver)});
    lock.unlock();
    wake_.notify_one();
    return ticket;
}

void Engine::Implementation::cancel(Ticket ticket) {
    const std::scoped_lock lock(mutex_);
    if (ticket == running_) { interrupted_.store(true, std::memory_order_relaxed); }
    for (Pending& pending : queue_) {
        if (pending.ticket == ticket) {
            pending.cancelled = true;
            pending.request = {}; // a place in the queue costs nothing, a conversation may be megabytes
            waiting_cancelled_.store(true, std::memory_order_relaxed);
        }
    }
}

void Engine::Implementation::run() {
    auto model = load_model(options_, timeline_, log_, stopping_);
    if (stopping_.load(std::memory_order_relaxed)) {
        finish_cancelled(true);
    } else if (!model) {
        fail(std::move(model.error()));
    } else {
        Generator generator(*std::move(model), timeline_, log_, interrupted_, [this] {
            if (waiting_cancelled_.load(std::memory_order_relaxed)) { finish_cancelled(false); }
        });
        state_.store(State::ready, std::memory_order_release);
        changed_(State::ready);
        serve(generator);
    }
}

void Engine::Implementation::fail(Error error) {
    failure_ = std::move(error);
    std::deque<Pending> waiting;
    {
        const std::scoped_lock lock(mutex_);
        state_.store(State::failed, std::memory_order_release);
        waiting.swap(queue_);
    }
    changed_(State::failed);
    for (Pending& pending : waiting) {
        pending.receiver->finished(std::unexpected(failure_));
    }
}

std::optional<Engine::Implementation::Pending> Engine::Implementation::next() {
    std::unique_lock lock(mutex_);
    running_ = 0;
    wake_.wait(lock, [this] { return stopping_.load(std::memory_order_relaxed) || !queue_.empty(); });
    if (stopping_.load(std::memory_order_relaxed)) { return std::nullopt; }
    Pending pending = std::move(queue_.front());
    queue_.pop_front();
    running_ = pending.ticket;
    interrupted_.store(pending.cancelled, std::memory_order_relaxed);
    return pending;
}

void Engine::Implementation::prepare(Generator& generator) {
    {
        const std::scoped_lock lock(mutex_);
        if (prepared_ || !queue_.empty()) { return; }
        prepared_ = true;
        running_ = 0;
        // At the end nothing is computed any more, but what is there is saved.
        interrupted_.store(stopping_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    generator.prepare();
}

void Engine::Implementation::serve(Generator& generator) {
    for (prepare(generator); auto pending = next(); prepare(generator)) {
        const auto outcome = generator.answer(pending->request, *pending->receiver);
        pending->receiver->finished(outcome);
    }
    finish_cancelled(true);
}

void Engine::Implementation::finish_cancelled(bool all) {
    std::deque<Pending> cancelled;
    {
        const std::scoped_lock lock(mutex_);
        waiting_cancelled_.store(false, std::memory_order_relaxed);
        const auto stays = [all](const Pending& pending) { return !all && !pending.cancelled; };
        const auto first = std::stable_partition(queue_.begin(), queue_.end(), stays);
        std::move(first, queue_.end(), std::back_inserter(cancelled));
        queue_.erase(first, queue_.end());
    }
    const Outcome outcome{.finish = Finish::cancelled, .usage = {}};
    for (Pending& pending : cancelled) {
        pending.receiver->finished(outcome);
    }
}

Engine::Engine(Options options, trace::Timeline& timeline, const base::Log& log,
               std::function<void(State)> changed)
    : implementation_(
          std::make_unique<Implementation>(std::move(options), timeline, log, std::move(changed))) {}
Engine::~Engine() = default;

Engine::Ticket Engine::submit(Request request, std::unique_ptr<Receiver> receiver) {
    return implementation_->submit(std::move(request), std::move(receiver));
}
void Engine::cancel(Ticket ticket) { implementation_->cancel(ticket); }
State Engine::state() const noexcept { return implementation_->state(); }
const Error& Engine::failure() const noexcept { return implementation_->failure(); }
std::string_view Engine::model_name() const noexcept { return implementation_->name(); }

} // namespace vb::engine
