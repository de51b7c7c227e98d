#include "engine/engine.h"

#include "engine/embedder.h"
#include "engine/scheduler.h"
#include "engine/vocabulary.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

namespace vb::engine {

class Engine::Implementation {
  public:
    Implementation(Options options, trace::Timeline& timeline, const base::Log& log,
                   std::function<void(State)> changed)
        : options_(std::move(options)), name_(name_of_model(options_.model)), timeline_(timeline), log_(log),
          changed_(std::move(changed)), thread_([this] { run(); }) {}
    ~Implementation();
    Implementation(const Implementation&) = delete;
    Implementation& operator=(const Implementation&) = delete;

    Ticket submit(Request request, std::unique_ptr<Receiver> receiver);
    void cancel(Ticket ticket);
    void embed(std::vector<std::string> texts, std::function<void(Result<Embeddings>)> done);
    // Something else to be done on the engine's thread; `refuse` where there is no model.
    struct Task {
        std::function<void(Scheduler&)> run;
        std::function<void(const Error&)> refuse;
    };
    void add(Task task);

    State state() const noexcept { return state_.load(std::memory_order_acquire); }
    float progress() const noexcept { return load_.progress.load(std::memory_order_relaxed); }
    const Error& failure() const noexcept { return failure_; }
    std::string_view name() const noexcept { return name_; }
    const Model& model() const noexcept { return *model_; }
    Counters counters() const {
        const std::scoped_lock lock(mutex_);
        return tally_.read(static_cast<std::uint32_t>(queue_.size()));
    }

  private:
    struct Pending {
        Ticket ticket;
        Request request;
        std::unique_ptr<Receiver> receiver;
        bool is_cancelled = false;
    };
    struct Embedding {
        std::vector<std::string> texts;
        std::function<void(Result<Embeddings>)> done;
        std::size_t next = 0;
        Embeddings values{};
    };
    // What has come in since the last turn of the engine's thread.
    struct News {
        std::vector<Pending> begin;
        std::vector<std::pair<Pending, Finish>> end; // without having begun
        std::vector<Ticket> cancelled;
        std::deque<Task> tasks;
    };

    void run();
    void fail(Error error);
    void serve(Scheduler& scheduler);
    void take_turn(Scheduler& scheduler, News& news);
    // Waits until there is something to do; nothing at the end.
    std::optional<News> next(Scheduler& scheduler);
    bool has_news(const Scheduler& scheduler) const;
    void collect_ended(News& news);
    void embed_one(Embedder& embedder);
    // Everybody who waits, at the end.
    void finish_all(const Result<Outcome>& outcome, const Error& reason);
    void finish_all() {
        finish_all(Outcome{.finish = Finish::cancelled, .usage = {}},
                   {Fault::cancelled, "the engine is ending"});
    }

    const Options options_;
    const std::string name_;
    trace::Timeline& timeline_;
    const base::Log& log_;
    const std::function<void(State)> changed_;

    std::atomic<State> state_ = State::loading;
    LoadControl load_;
    Tally tally_;
    Error failure_;                // written before state_ becomes failed, then never again
    const Model* model_ = nullptr; // written before state_ becomes ready, then never again

    mutable std::mutex mutex_; // of what follows
    std::condition_variable wake_;
    std::deque<Pending> queue_;
    std::vector<Ticket> cancelled_; // that are not in the queue
    std::deque<Task> tasks_;
    std::deque<Embedding> embeddings_;
    Scheduler* scheduler_ = nullptr; // null: none is there yet, or any more
    Ticket last_ticket_ = 0;
    bool is_stopping_ = false;
    bool has_cancelled_ = false; // one that is in the queue

    bool is_prepared_ = false; // the engine's thread's
    std::optional<Embedder> embedder_;

    std::jthread thread_; // the last member: everything else is there before it starts and after it ends
};

Engine::Implementation::~Implementation() {
    {
        const std::scoped_lock lock(mutex_);
        is_stopping_ = true;
        load_.cancelled.store(true, std::memory_order_relaxed);
        if (scheduler_ != nullptr) { scheduler_->interrupt(std::nullopt); }
    }
    wake_.notify_one();
}

Engine::Ticket Engine::Implementation::submit(Request request, std::unique_ptr<Receiver> receiver) {
    std::unique_lock lock(mutex_);
    const Ticket ticket = ++last_ticket_;
    if (state() == State::failed) {
        lock.unlock();
        receiver->finished(std::unexpected(failure_));
        return ticket;
    }
    queue_.push_back({.ticket = ticket, .request = std::move(request), .receiver = std::move(receiver)});
    lock.unlock();
    wake_.notify_one();
    return ticket;
}

void Engine::Implementation::cancel(Ticket ticket) {
    {
        const std::scoped_lock lock(mutex_);
        if (ticket == 0 || ticket > last_ticket_) { return; }
        const auto waiting = std::ranges::find(queue_, ticket, &Pending::ticket);
        if (waiting != queue_.end()) {
            waiting->is_cancelled = has_cancelled_ = true;
            waiting->request = {}; // a place in the queue costs nothing, a conversation may be megabytes
        } else if (scheduler_ != nullptr) {
            cancelled_.push_back(ticket);
            scheduler_->interrupt(ticket);
        }
    }
    wake_.notify_one();
}

void Engine::Implementation::add(Task task) {
    std::unique_lock lock(mutex_);
    if (state() == State::failed) {
        lock.unlock();
        return task.refuse(failure_);
    }
    tasks_.push_back(std::move(task));
    lock.unlock();
    wake_.notify_one();
}

void Engine::Implementation::embed(std::vector<std::string> texts,
                                   std::function<void(Result<Embeddings>)> done) {
    std::unique_lock lock(mutex_);
    if (state() == State::failed) {
        lock.unlock();
        return done(std::unexpected(failure_));
    }
    embeddings_.push_back({.texts = std::move(texts), .done = std::move(done)});
    lock.unlock();
    wake_.notify_one();
}

void Engine::Implementation::run() {
    auto model = load_model(options_, timeline_, log_, load_);
    if (model) {
        model_ = model->get();
        const std::size_t kept = options_.kept != 0 ? options_.kept : (*model)->context->limit();
        embedder_.emplace(**model, log_, tally_);
        Scheduler scheduler(*std::move(model), kept, timeline_, log_, tally_);
        scheduler.count();
        {
            const std::scoped_lock lock(mutex_);
            if (!is_stopping_) { scheduler_ = &scheduler; }
        }
        state_.store(State::ready, std::memory_order_release);
        changed_(State::ready);
        serve(scheduler);
        embedder_.reset();
    } else if (!load_.cancelled.load(std::memory_order_relaxed)) {
        fail(std::move(model.error()));
    } else {
        finish_all();
    }
}

void Engine::Implementation::fail(Error error) {
    failure_ = std::move(error);
    {
        const std::scoped_lock lock(mutex_); // who comes now is refused at once
        state_.store(State::failed, std::memory_order_release);
    }
    changed_(State::failed);
    finish_all(std::unexpected(failure_), failure_);
}

bool Engine::Implementation::has_news(const Scheduler& scheduler) const {
    return is_stopping_ || !scheduler.is_idle() || !queue_.empty() || !cancelled_.empty() ||
           !tasks_.empty() || !embeddings_.empty();
}

std::optional<Engine::Implementation::News> Engine::Implementation::next(Scheduler& scheduler) {
    std::unique_lock lock(mutex_);
    // At the end nothing is computed any more, but what is there is saved.
    if (!is_prepared_ && (is_stopping_ || !has_news(scheduler))) {
        is_prepared_ = true;
        lock.unlock();
        scheduler.prepare();
        lock.lock();
    }
    wake_.wait(lock, [&] { return has_news(scheduler); });
    if (is_stopping_) {
        scheduler_ = nullptr;
        return std::nullopt;
    }
    News news;
    collect_ended(news);
    for (std::size_t free = scheduler.free_places(); free > 0 && !queue_.empty(); --free) {
        news.begin.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    news.cancelled.swap(cancelled_);
    news.tasks.swap(tasks_);
    return news;
}

// Those that wait and need not any longer.
void Engine::Implementation::collect_ended(News& news) {
    const base::Nanoseconds now = base::monotonic_now();
    const auto is_overdue = [now](const Pending& pending) {
        return pending.request.deadline && *pending.request.deadline <= now;
    };
    if (!has_cancelled_ && std::ranges::none_of(queue_, is_overdue)) { return; }
    has_cancelled_ = false;
    std::deque<Pending> left;
    for (Pending& pending : queue_) {
        if (pending.is_cancelled) {
            news.end.emplace_back(std::move(pending), Finish::cancelled);
        } else if (is_overdue(pending)) {
            news.end.emplace_back(std::move(pending), Finish::deadline);
        } else {
            left.push_back(std::move(pending));
        }
    }
    queue_.swap(left);
}

void Engine::Implementation::serve(Scheduler& scheduler) {
    while (auto news = next(scheduler)) {
        try {
            take_turn(scheduler, *news);
        } catch (const std::exception& fault) { // no memory
            scheduler.end_all(std::unexpected(Error{Fault::resources, fault.what()}));
        }
    }
    scheduler.end_all(Finish::cancelled);
    scheduler.count();
    finish_all();
}

void Engine::Implementation::take_turn(Scheduler& scheduler, News& news) {
    for (const auto& [pending, reason] : news.end) {
        pending.receiver->finished(Outcome{.finish = reason, .usage = {}});
    }
    if (!news.begin.empty()) { scheduler.expect(news.begin.size()); }
    for (Pending& pending : news.begin) {
        if (pending.request.is_probe && !model_->context->can_generate()) {
            pending.receiver->finished(embedder_->prove());
        } else {
            scheduler.add(pending.ticket, pending.request, std::move(pending.receiver));
        }
    }
    for (const Ticket ticket : news.cancelled) {
        scheduler.cancel(ticket);
    }
    for (const Task& task : news.tasks) {
        task.run(scheduler);
    }
    embed_one(*embedder_);
    if (!news.begin.empty()) { scheduler.count(); } // a step that reads long prompts takes its time
    scheduler.step();
    scheduler.count();
}

// One text in a turn, so that answers go on meanwhile.
void Engine::Implementation::embed_one(Embedder& embedder) {
    Embedding* first = nullptr;
    {
        const std::scoped_lock lock(mutex_);
        if (embeddings_.empty()) { return; }
        first = &embeddings_.front(); // only this thread takes any away, and a deque does not move them
    }
    Result<> added;
    if (first->next < first->texts.size()) {
        first->values.size = static_cast<std::uint32_t>(llama_model_n_embd(model_->weights.get()));
        added = embedder.add(first->texts[first->next++], first->values);
    }
    if (added && first->next < first->texts.size()) { return; }
    Result<Embeddings> answer = std::move(first->values);
    if (!added) { answer = std::unexpected(std::move(added.error())); }
    const auto done = std::move(first->done);
    {
        const std::scoped_lock lock(mutex_);
        embeddings_.pop_front();
    }
    done(std::move(answer));
}

void Engine::Implementation::finish_all(const Result<Outcome>& outcome, const Error& reason) {
    std::deque<Pending> waiting;
    std::deque<Task> tasks;
    std::deque<Embedding> embeddings;
    {
        const std::scoped_lock lock(mutex_);
        waiting.swap(queue_);
        tasks.swap(tasks_);
        embeddings.swap(embeddings_);
    }
    for (const Pending& pending : waiting) {
        pending.receiver->finished(outcome);
    }
    for (const Task& task : tasks) {
        task.refuse(reason);
    }
    for (const Embedding& embedding : embeddings) {
        embedding.done(std::unexpected(reason));
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

void Engine::embed(std::vector<std::string> texts, std::function<void(Result<Embeddings>)> done) {
    implementation_->embed(std::move(texts), std::move(done));
}
// NOLINTNEXTLINE(performance-unnecessary-value-param): two functions keep a copy each
void Engine::save(std::string messages, std::string path, std::function<void(Result<>)> done) {
    implementation_->add({.run = [messages = std::move(messages), path = std::move(path),
                                  done](Scheduler& scheduler) { done(scheduler.save(messages, path)); },
                          .refuse = [done](const Error& error) { done(std::unexpected(error)); }});
}
// NOLINTNEXTLINE(performance-unnecessary-value-param): as above
void Engine::load(std::string path, std::function<void(Result<std::string>)> done) {
    implementation_->add(
        {.run = [path = std::move(path), done](Scheduler& scheduler) { done(scheduler.load(path)); },
         .refuse = [done](const Error& error) { done(std::unexpected(error)); }});
}
State Engine::state() const noexcept { return implementation_->state(); }
float Engine::progress() const noexcept { return implementation_->progress(); }
const Error& Engine::failure() const noexcept { return implementation_->failure(); }
std::string_view Engine::model_name() const noexcept { return implementation_->name(); }

Counters Engine::counters() const { return implementation_->counters(); }

ModelInformation Engine::information() const {
    const Model& model = implementation_->model();
    const llama_model* const weights = model.weights.get();
    return {.context = static_cast<std::uint32_t>(model.context->limit()),
            .trained_context = static_cast<std::uint32_t>(std::max(llama_model_n_ctx_train(weights), 0)),
            .vocabulary = static_cast<std::uint32_t>(llama_vocab_n_tokens(model.vocabulary())),
            .embedding = static_cast<std::uint32_t>(llama_model_n_embd(weights)),
            .threads = model.threads,
            .parameters = llama_model_n_params(weights),
            .weights = llama_model_size(weights)};
}

Result<Tokens> Engine::tokenize(std::string_view text, bool special) const {
    constexpr std::size_t no_limit = std::numeric_limits<std::int32_t>::max();
    return engine::tokenize(implementation_->model(), text, special, no_limit);
}
Result<std::string> Engine::detokenize(std::span<const Token> tokens, bool special) const {
    return engine::detokenize(implementation_->model(), tokens, special);
}
Result<std::string> Engine::render(const std::string& messages) const {
    const Model& model = implementation_->model();
    return model.chat_template->render(Messages{.json = messages}, model.special);
}

} // namespace vb::engine
