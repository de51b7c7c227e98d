// What the handles of one model share: the engine, its log, and who is to be told of news. It outlives the
// model's handle while requests and sessions are there; the engine does not. Must never be the last to end an
// engine on one of the engine's own threads: only close() does.
#pragma once

#include "capi/awaited.h"
#include "capi/dispatcher.h"
#include "capi/host.h"
#include "engine/engine.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace vb::capi {

struct LogOptions {
    vb_log_callback callback = nullptr;
    void* user_data = nullptr;
    base::Level least = base::Level::warning;
};

class Answer;

class Core {
  public:
    Core(engine::Options options, const LogOptions& log);
    // With the host's engine, which outlives it and has a log of its own.
    explicit Core(Host& host);
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    // The handle came through fork(): the engine's threads are not here, and any lock may be held for ever.
    bool is_forked() const noexcept;

    // False: the engine is still loading.
    bool wait_until_settled(std::chrono::milliseconds patience);
    void wait_until_settled();

    // The engine, which stays while this lives. Empty after close().
    class Use {
      public:
        explicit Use(Core& core) noexcept : core_(core), engine_(core.enter()) {}
        ~Use() {
            if (engine_ != nullptr) { core_.leave(); }
        }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        explicit operator bool() const noexcept { return engine_ != nullptr; }
        engine::Engine* operator->() const noexcept { return engine_; }

      private:
        Core& core_;
        engine::Engine* engine_;
    };
    Use use() noexcept { return Use(*this); }

    // What close() has to cancel where the engine goes on.
    void add(const std::shared_ptr<Answer>& answer);
    // Cancels what is under way and ends the engine's threads, if it is its own. No lock is held meanwhile.
    void close() noexcept;

    Dispatcher& dispatcher() noexcept { return dispatcher_; }

  private:
    engine::Engine* enter() noexcept;
    void leave() noexcept;
    static void log(void* object, base::Level level, std::string_view unit, std::string_view text) noexcept;

    const pid_t process_;
    const LogOptions log_options_{};
    std::mutex logging_;
    base::Log log_;
    trace::Timeline timeline_; // records nothing
    Dispatcher dispatcher_;
    Awaited<engine::State> settled_;

    std::mutex mutex_;
    std::condition_variable left_;
    unsigned users_ = 0;
    bool is_closed_ = false;
    Host* const host_ = nullptr;
    std::vector<std::weak_ptr<Answer>> under_way_; // only with a host
    std::optional<engine::Engine> engine_;         // the last member: it uses the others until it ends
};

} // namespace vb::capi
