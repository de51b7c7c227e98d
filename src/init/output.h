// What a child writes to its standard output and error: a line of the log each, under its name. The kernel keeps
// what the loop has not read yet, and a child that writes faster waits for the loop, not the other way round.
#pragma once

#include "base/log.h"
#include "journal/lines.h"
#include "sys/kernel.h"

namespace vb::init {

class Output {
  public:
    // All references outlive the object.
    Output(sys::Kernel& kernel, const base::Log& log, std::string_view unit) noexcept
        : kernel_(kernel), log_(log), unit_(unit) {}

    // For a child that is about to be started. Where there are no descriptors left, nothing: it shares our own output.
    base::UniqueFd open(int poll) noexcept;
    // Whether `fd` is the child's output; then a part of what is there is read.
    bool readable(int fd) noexcept;
    // The child has ended: the rest.
    void finish() noexcept;

  private:
    bool read_part() noexcept;

    sys::Kernel& kernel_;
    const base::Log& log_;
    std::string_view unit_;
    base::UniqueFd pipe_;
    journal::Lines lines_;
};

} // namespace vb::init
