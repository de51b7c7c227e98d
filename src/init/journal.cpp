#include "init/journal.h"

#include <unistd.h>

namespace vb::init {

void Journal::publish() noexcept {
    if (ring_ == nullptr || ring_->header() == nullptr) { return; }
    base::Text<63> target("/proc/1/fd/");
    target << ring_->fd();
    (void)kernel_.make_link(target.c_str(), journal::ring_path);
}

int Journal::run(const void* argument) noexcept {
    const auto* const own = static_cast<const Journal*>(argument);
    const base::Log console(STDERR_FILENO, "journal"); // not into the ring, which has one producer
    return journal::run_writer_process(*own->ring_, own->options_, console, STDERR_FILENO) ? 0 : 1;
}

bool Journal::start() noexcept {
    ring_->reset_writer();
    const auto child = kernel_.spawn_task({.name = "journal", .run = run, .argument = this});
    if (!child) {
        log_.warning("nobody writes the journal to the disk: ", base::describe(child.error()));
        return false;
    }
    writer_ = *child;
    return true;
}

void Journal::start_writer() noexcept {
    if (!has_disk() || is_stopping_ || writer_ != 0) { return; }
    if (!start()) { retry_at_ = kernel_.now() + retry_delay; }
}

bool Journal::reaped(pid_t process) noexcept {
    if (writer_ == 0 || process != writer_) { return false; }
    writer_ = 0;
    if (!is_stopping_) {
        log_.warning("the journal's writer has died");
        retry_at_ = kernel_.now() + retry_delay;
    }
    return true;
}

void Journal::check_deadline(base::Nanoseconds now) noexcept {
    if (!retry_at_ || now < *retry_at_) { return; }
    retry_at_.reset();
    start_writer();
}

void Journal::stop() noexcept {
    is_stopping_ = true;
    retry_at_.reset();
    if (has_disk()) { ring_->stop_writer(); }
}

std::optional<pid_t> Journal::start_last_writer() noexcept {
    if (!has_disk() || ring_->flushed() == ring_->last() || !start()) { return std::nullopt; }
    ring_->stop_writer();
    return writer_;
}

} // namespace vb::init
