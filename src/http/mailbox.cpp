#include "http/mailbox.h"

#include <sys/eventfd.h>
#include <utility>

namespace vb::http {

base::Result<std::unique_ptr<Mailbox>> Mailbox::create(EventLoop& loop) {
    base::UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!bell) { return base::system_error("create", "eventfd"); }
    return std::unique_ptr<Mailbox>(new Mailbox(loop, std::move(bell)));
}

Mailbox::Mailbox(EventLoop& loop, base::UniqueFd bell)
    : bell_(std::move(bell)), watch_(loop, bell_.get(), [this] { empty(); }) {}

void Mailbox::post(Letter letter) {
    const std::scoped_lock lock(mutex_);
    letters_.push_back(std::move(letter));
    // Only a counter at its maximum could refuse this write, and it never passes 1.
    if (letters_.size() == 1) { ::eventfd_write(bell_.get(), 1); }
}

void Mailbox::empty() {
    eventfd_t rung = 0;
    ::eventfd_read(bell_.get(), &rung);
    std::vector<Letter> letters;
    {
        const std::scoped_lock lock(mutex_);
        letters.swap(letters_);
    }
    for (Letter& letter : letters) {
        letter();
    }
}

} // namespace vb::http
