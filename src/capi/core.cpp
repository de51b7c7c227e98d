#include "capi/core.h"

#include "capi/answer.h"

#include <algorithm>
#include <unistd.h>

namespace vb::capi {
namespace {

std::int32_t level_number(base::Level level) noexcept {
    return VB_LOG_ERROR + static_cast<std::int32_t>(level);
}
static_assert(static_cast<int>(base::Level::debug) == VB_LOG_DEBUG - VB_LOG_ERROR);

} // namespace

Core::Core(engine::Options options, const LogOptions& log_options)
    : process_(::getpid()), log_options_(log_options),
      log_(-1, "vector_boot", log_options.least) { // a library writes to no stream of its host's
    if (log_options.callback != nullptr) { log_.set_sink({.append = log, .object = this}); }
    engine_.emplace(std::move(options), timeline_, log_,
                    [this](engine::State state) { settled_.bring(state); });
}

Core::Core(Host& host) : process_(::getpid()), log_(-1, "vector_boot"), host_(&host) {}

bool Core::is_forked() const noexcept { return ::getpid() != process_; }

bool Core::wait_until_settled(std::chrono::milliseconds patience) {
    return host_ != nullptr ? host_->wait_until_settled(patience) : settled_.wait_for(patience);
}

void Core::wait_until_settled() {
    while (!wait_until_settled(std::chrono::hours(1))) {}
}

engine::Engine* Core::enter() noexcept {
    const std::scoped_lock lock(mutex_);
    if (is_closed_) { return nullptr; }
    ++users_;
    return host_ != nullptr ? &host_->engine() : &*engine_;
}

void Core::leave() noexcept {
    const std::scoped_lock lock(mutex_);
    if (--users_ == 0) { left_.notify_all(); }
}

void Core::add(const std::shared_ptr<Answer>& answer) {
    if (host_ == nullptr) { return; } // the engine's end is theirs
    const std::scoped_lock lock(mutex_);
    std::erase_if(under_way_, [](const std::weak_ptr<Answer>& one) { return one.expired(); });
    under_way_.push_back(answer);
}

void Core::close() noexcept {
    std::vector<std::weak_ptr<Answer>> under_way;
    {
        std::unique_lock lock(mutex_);
        is_closed_ = true;
        left_.wait(lock, [this] { return users_ == 0; });
        under_way.swap(under_way_);
    }
    for (const std::weak_ptr<Answer>& one : under_way) {
        const std::shared_ptr<Answer> answer = one.lock();
        const auto ticket = answer ? answer->give_up() : std::nullopt;
        if (ticket) { host_->engine().cancel(*ticket); }
    }
    engine_.reset();
    dispatcher_.close();
}

void Core::log(void* object, base::Level level, std::string_view /*unit*/, std::string_view text) noexcept {
    Core& core = *static_cast<Core*>(object);
    const std::scoped_lock lock(core.logging_); // one call at a time, as vector_boot.h promises
    core.log_options_.callback(level_number(level), text.data(), text.size(), core.log_options_.user_data);
}

} // namespace vb::capi
