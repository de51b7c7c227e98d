// A file as text, mapped rather than read: modules.alias is a megabyte, of which a machine needs a few lines.
#pragma once

#include "base/error.h"

#include <string_view>
#include <utility>

namespace vb::device {

class FileView {
  public:
    static base::Result<FileView> open(const char* path) noexcept;

    FileView() noexcept = default;
    FileView(FileView&& other) noexcept : text_(std::exchange(other.text_, {})) {}
    FileView& operator=(FileView&& other) noexcept {
        std::swap(text_, other.text_);
        return *this;
    }
    FileView(const FileView&) = delete;
    FileView& operator=(const FileView&) = delete;
    ~FileView();

    std::string_view text() const noexcept { return text_; }

  private:
    explicit FileView(std::string_view text) noexcept : text_(text) {}

    std::string_view text_;
};

// Takes the next line off `rest`, without its end; false when there is none. Comments and empty lines are passed
// over.
bool take_line(std::string_view& rest, std::string_view& line) noexcept;

// Takes the next word off `rest`; empty when there is none.
std::string_view take_word(std::string_view& rest) noexcept;

} // namespace vb::device
