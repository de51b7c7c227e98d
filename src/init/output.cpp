#include "init/output.h"

namespace vb::init {

base::UniqueFd Output::open(int poll) noexcept {
    auto pipe = kernel_.open_pipe();
    if (pipe && kernel_.watch(poll, pipe->read.get())) {
        pipe_ = std::move(pipe->read);
        return std::move(pipe->write);
    }
    pipe_.reset();
    return {};
}

bool Output::read_part() noexcept {
    char buffer[4096];
    const auto text = kernel_.read(pipe_.get(), buffer);
    if (!text || text->empty()) { return false; }
    std::string_view rest = *text;
    while (const auto line = lines_.next(rest)) {
        log_.write_as(unit_, line->level, line->text);
    }
    return true;
}

bool Output::readable(int fd) noexcept {
    if (!pipe_ || fd != pipe_.get()) { return false; }
    if (!read_part()) { pipe_.reset(); } // it has closed its end
    return true;
}

void Output::finish() noexcept {
    constexpr int most_parts = 64; // somebody it left behind may go on writing
    for (int part = 0; pipe_ && part < most_parts && read_part(); ++part) {}
    while (const auto line = lines_.flush()) {
        log_.write_as(unit_, line->level, line->text);
    }
    pipe_.reset();
}

} // namespace vb::init
