// A directory that is gone with the test, and what the tests of the journal on disk have in common.
#pragma once

#include "journal/reader.h"
#include "journal/store.h"
#include "unit/scratch_directory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <vector>

namespace vb::journal {

class ScratchDirectory : public vb::ScratchDirectory {
  public:
    std::vector<std::filesystem::path> segments() const {
        std::vector<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator(path())) {
            files.push_back(entry.path());
        }
        std::ranges::sort(files);
        return files;
    }
};

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// The text of record `sequence` in all of these tests: an altered record would not say its own number.
inline std::string numbered_text(std::uint64_t sequence) {
    return "line " + std::to_string(sequence) + " " + std::string(sequence * 31 % 200, '.');
}
inline Record numbered(std::uint64_t sequence, std::string& text) {
    text = numbered_text(sequence);
    return {.sequence = sequence,
            .times = {.monotonic = Nanoseconds(sequence), .realtime = Nanoseconds(sequence)},
            .unit = "test",
            .text = text};
}

// All entries of a directory, each of which is as it was written.
inline std::vector<Entry> read_directory(const std::filesystem::path& path, const std::string& run = "") {
    auto reader = Reader::open({.ring = "", .directory = path});
    EXPECT_TRUE(reader);
    Filter filter;
    filter.run = run;
    auto entries = reader->read(filter);
    if (!entries) { return {}; }
    for (const Entry& entry : *entries) {
        EXPECT_EQ(entry.text, numbered_text(entry.sequence));
        EXPECT_EQ(entry.unit, "test");
    }
    return *entries;
}

// From `first` to `last`, without a gap or a duplicate.
inline void expect_range(const std::vector<Entry>& entries, std::uint64_t first, std::uint64_t last) {
    ASSERT_EQ(entries.size(), last + 1 - first);
    for (const Entry& entry : entries) {
        ASSERT_EQ(entry.sequence, first++);
    }
}

} // namespace vb::journal
