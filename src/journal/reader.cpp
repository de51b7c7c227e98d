#include "journal/reader.h"

#include "journal/segment.h"
#include "journal/segment_files.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>

namespace vb::journal {

std::string to_text(const Id& id) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : id) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

base::Result<Reader> Reader::open(const Sources& sources) {
    Reader reader;
    base::Result<> opened = base::failure("open", "journal", "neither a ring nor a directory is named");
    if (!sources.ring.empty()) {
        auto mapping = RingMapping::open(sources.ring.c_str());
        if (mapping) {
            reader.mapping_.emplace(std::move(*mapping));
        } else {
            opened = std::unexpected(mapping.error());
        }
    }
    if (!sources.directory.empty()) {
        reader.directory_.reset(::open(sources.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!reader.directory_) { opened = base::system_error("open", sources.directory); }
    }
    if (!reader.mapping_ && !reader.directory_) { return std::unexpected(opened.error()); }
    return reader;
}

std::size_t Reader::run_index(const Id& id) {
    const auto found = std::ranges::find(runs_, id, &Run::id);
    if (found != runs_.end()) { return static_cast<std::size_t>(found - runs_.begin()); }
    runs_.push_back({.id = id});
    return runs_.size() - 1;
}

// "0" is the newest run, "-1" the one before; anything else the beginning of the id of a run or of a boot.
base::Result<std::size_t> Reader::find_run(std::string_view wanted) const {
    std::int64_t offset = 0;
    const auto count = static_cast<std::int64_t>(runs_.size());
    if (base::parse_number(wanted, offset) && offset <= 0) {
        if (offset > -count) { return static_cast<std::size_t>(count - 1 + offset); }
    } else {
        for (std::size_t index = runs_.size(); index-- > 0;) {
            const Run& run = runs_[index];
            if (to_text(run.id).starts_with(wanted) || to_text(run.boot).starts_with(wanted)) {
                return index;
            }
        }
    }
    return base::failure("find boot", wanted, "the journal has no such boot");
}

void Reader::add(const Record& record, std::size_t index, const Filter& filter, std::vector<Entry>& entries) {
    Run& run = runs_[index];
    if (record.sequence < run.next) { return; } // in the store and in the ring
    run.missed += record.sequence - run.next;
    run.next = record.sequence + 1;
    if ((!filter.unit.empty() && record.unit != filter.unit) || record.level > filter.least ||
        record.times.realtime < filter.since) {
        return;
    }
    entries.push_back({.sequence = record.sequence,
                       .times = record.times,
                       .level = record.level,
                       .cut = record.cut,
                       .unit = std::string(record.unit),
                       .text = std::string(record.text),
                       .run = index,
                       .lost = std::exchange(run.missed, 0)});
}

void Reader::read_frames(std::span<const std::byte> bytes, std::uint64_t number, const Filter& filter,
                         std::uint64_t ring_begins, std::vector<Entry>& entries) {
    SegmentReader frames(bytes, number);
    while (const auto payload = frames.next()) {
        if (const auto marker = decode_marker(*payload)) {
            const std::size_t known = runs_.size();
            segment_run_ = run_index(marker->run);
            Run& run = runs_[*segment_run_];
            run.boot = marker->boot;
            if (*segment_run_ == known) { run.next = marker->next; } // what was before it has been deleted
        } else if (const auto record = decode_record(*payload)) {
            if (!segment_run_) { // the marker before it is damaged
                segment_run_ = run_index({});
                runs_[*segment_run_].next = record->sequence;
            }
            const bool is_live = mapping_ && runs_[*segment_run_].id == mapping_->header().run;
            if (!is_live || record->sequence < ring_begins) { add(*record, *segment_run_, filter, entries); }
        }
    }
}

void Reader::read_segments(const Filter& filter, std::uint64_t ring_begins, std::vector<Entry>& entries) {
    const auto numbers = list_segments(directory_.get());
    if (!numbers) { return; }
    for (const std::uint64_t number : *numbers) {
        const base::UniqueFd file(::openat(directory_.get(), segment_name(number).c_str(),
                                           O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (!file) { continue; } // deleted since
        if (const auto bytes = read_segment(file.get())) {
            read_frames(bytes->view(), number, filter, ring_begins, entries);
        }
    }
}

// Leaves the ring's records in `held`, one encoded behind the other, and returns the first one's number.
std::uint64_t Reader::hold_ring(std::vector<std::byte>& held) {
    std::uint64_t begins = ~std::uint64_t{0};
    live_.emplace(mapping_->header());
    Encoded bytes;
    while (const auto record = live_->read()) {
        begins = std::min(begins, record->sequence);
        encode(*record, bytes);
        held.append_range(bytes.view());
    }
    return begins;
}

base::Result<std::vector<Entry>> Reader::read(const Filter& filter) {
    runs_.clear();
    segment_run_.reset();
    std::vector<Entry> entries;
    // The ring before the disk: what is overwritten in the ring meanwhile has been written to the disk before.
    std::vector<std::byte> held;
    const std::uint64_t ring_begins = mapping_ ? hold_ring(held) : ~std::uint64_t{0};
    if (directory_) { read_segments(filter, ring_begins, entries); }
    if (mapping_) {
        const std::size_t run = run_index(mapping_->header().run);
        std::span<const std::byte> rest(held);
        while (!rest.empty()) {
            std::uint64_t word = 0;
            std::memcpy(&word, rest.data(), sizeof word);
            const std::size_t size = encoded_size(word);
            if (const auto record = decode_record(rest.first(size))) { add(*record, run, filter, entries); }
            rest = rest.subspan(size);
        }
    }
    if (!filter.run.empty()) {
        const auto wanted = find_run(filter.run);
        if (!wanted) { return std::unexpected(wanted.error()); }
        std::erase_if(entries, [&](const Entry& entry) { return entry.run != *wanted; });
    }
    if (entries.size() > filter.last) {
        entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(filter.last));
    }
    return entries;
}

std::vector<Entry> Reader::follow(const Filter& filter) {
    std::vector<Entry> entries;
    const std::size_t run = run_index(mapping_->header().run);
    while (const auto record = live_->read()) {
        add(*record, run, filter, entries);
    }
    return entries;
}

} // namespace vb::journal
