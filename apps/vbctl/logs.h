// vbctl logs: the journal as lines for people or as JSON, from the disk and from memory, and as it grows.
#pragma once

#include "journal/reader.h"

#include <CLI/CLI.hpp>
#include <string>

namespace vb::vbctl {

class Logs {
  public:
    // Adds the command and its options.
    explicit Logs(CLI::App& app);

    bool is_wanted() const { return command_->parsed(); }
    // The exit status; an error has been said on standard error.
    int run();

  private:
    base::Result<journal::Filter> filter() const;
    journal::Reader::Sources sources() const;

    CLI::App* command_;
    std::size_t lines_ = 0;
    bool follow_ = false;
    std::string unit_;
    std::string level_ = "debug";
    std::string boot_;
    std::string since_;
    std::string output_ = "short";
    std::string directory_;
    std::string ring_;
};

} // namespace vb::vbctl
