#include "rules/arrivals.h"

#include "hardware/specification.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <sys/inotify.h>
#include <unistd.h>

namespace vb::rules {

Arrivals::Arrivals(http::EventLoop& loop, const base::Log& log, const Devices::Specifications& devices,
                   std::function<void()> changed)
    : changed_(std::move(changed)) {
    if (devices.empty()) { return; }
    if (auto opened = hardware::Uevents::open(); opened) {
        uevents_ = *std::move(opened);
        uevents_watch_.emplace(loop, uevents_->fd(), [this] { take_uevents(); });
    } else {
        log.warning("devices that come later are not seen: ", base::describe(opened.error()).view());
    }
    watch_files(log, devices);
    if (files_) {
        files_watch_.emplace(loop, files_.get(), [this] { take_files(); });
    }
}

void Arrivals::watch_files(const base::Log& log, const Devices::Specifications& devices) {
    constexpr std::uint32_t what = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
    for (const auto& [name, text] : devices) {
        const auto specification = hardware::parse_specification(text);
        if (!specification || specification->kind != hardware::Specification::Kind::file) { continue; }
        if (!files_) { files_ = base::UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)); }
        const std::string folder = std::filesystem::path(specification->object).parent_path();
        if (::inotify_add_watch(files_.get(), folder.c_str(), what) < 0) {
            log.warning("device ", name, ": ",
                        base::describe(base::system_error("watch", folder).error()).view());
        }
    }
}

void Arrivals::take_uevents() {
    constexpr std::string_view relevant[] = {"add", "remove", "bind", "unbind", "lost"};
    const auto events = uevents_->take();
    if (std::ranges::any_of(events, [&](const hardware::Uevent& event) {
            return std::ranges::contains(relevant, event.action);
        })) {
        changed_();
    }
}

void Arrivals::take_files() {
    alignas(inotify_event) char events[4096];
    while (::read(files_.get(), events, sizeof events) > 0) {}
    changed_();
}

} // namespace vb::rules
