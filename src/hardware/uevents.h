// The kernel's uevents for a program: which devices come and go. What is lost, because nobody took it in time, is said
// to be. Nobody but the kernel is believed. It must never wait; for one thread at a time.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

#include <string>
#include <vector>

namespace vb::hardware {

struct Uevent {
    // "add", "remove", "change", "move", "online", "offline", "bind" or "unbind". "lost": the kernel had no room for some,
    // and the rest is empty.
    std::string action;
    std::string path; // below /sys
    std::string subsystem;
    std::string name; // below /dev; empty: it has no node

    bool operator==(const Uevent&) const = default;
};

class Uevents {
  public:
    // Those from now on.
    static base::Result<Uevents> open();

    int fd() const noexcept { return socket_.get(); } // readable when there are some
    // Those that came since the last time, the oldest first; of a flood the rest is for the next time.
    std::vector<Uevent> take();

  private:
    explicit Uevents(base::UniqueFd socket) : socket_(std::move(socket)) {}

    base::UniqueFd socket_;
};

} // namespace vb::hardware
