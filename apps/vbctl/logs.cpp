#include "vbctl/logs.h"

#include "vbctl/commands.h"
#include "vbctl/failure.h"

#include "journal/store.h"
#include "vbctl/point_in_time.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <glaze/json.hpp>
#include <iterator>
#include <unistd.h>
#include <vector>

namespace vb::vbctl {

// What `-o json` prints, one object a line; the member names are the keys.
// Not in the unnamed namespace: glaze reflects only what has linkage.
struct JsonLine {
    std::string time; // RFC 3339, UTC
    std::int64_t realtime_ns = 0;
    std::int64_t monotonic_ns = 0;
    std::string run;
    std::string boot;
    std::uint64_t sequence = 0;
    std::uint64_t lost = 0;
    std::string level;
    std::string unit;
    std::string text;
    bool cut = false;
};

namespace {

using journal::Entry;
using journal::Run;

// With microseconds behind it, which strftime(3) does not know.
std::string with_fraction(std::string_view date, base::Nanoseconds time) {
    char fraction[16];
    const auto within = time - std::chrono::floor<std::chrono::seconds>(time);
    std::snprintf(fraction, sizeof fraction, ".%06d", static_cast<int>(within.count() / 1000));
    return std::string(date) + fraction;
}
std::time_t whole_seconds(base::Nanoseconds time) {
    return std::chrono::floor<std::chrono::seconds>(time).count();
}

std::string local_time(base::Nanoseconds time) {
    const std::time_t whole = whole_seconds(time);
    std::tm parts{};
    ::localtime_r(&whole, &parts);
    char date[64];
    return with_fraction({date, std::strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &parts)}, time);
}
std::string universal_time(base::Nanoseconds time) {
    const std::time_t whole = whole_seconds(time);
    std::tm parts{};
    ::gmtime_r(&whole, &parts);
    char date[64];
    return with_fraction({date, std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts)}, time) + "Z";
}

std::string_view level_name(base::Level level) {
    return base::level_names[static_cast<unsigned char>(level)];
}

class Printer {
  public:
    Printer(bool json, bool colours) : json_(json), colours_(colours) {}

    void print(const std::vector<Entry>& entries, const std::vector<Run>& runs) {
        for (const Entry& entry : entries) {
            json_ ? print_json(entry, runs[entry.run]) : print_short(entry, runs[entry.run]);
        }
        std::fflush(stdout);
    }

  private:
    static void print_json(const Entry& entry, const Run& run) {
        const JsonLine line{.time = universal_time(entry.times.realtime),
                            .realtime_ns = entry.times.realtime.count(),
                            .monotonic_ns = entry.times.monotonic.count(),
                            .run = journal::to_text(run.id),
                            .boot = journal::to_text(run.boot),
                            .sequence = entry.sequence,
                            .lost = entry.lost,
                            .level = std::string(level_name(entry.level)),
                            .unit = entry.unit,
                            .text = entry.text,
                            .cut = entry.cut};
        std::puts(glz::write_json(line).value_or("{}").c_str());
    }

    void print_short(const Entry& entry, const Run& run) {
        if (run_ && *run_ != entry.run) { print_note("boot " + journal::to_text(run.id).substr(0, 12)); }
        run_ = entry.run;
        if (entry.lost > 0) { print_note(std::to_string(entry.lost) + " lines are lost"); }
        std::string line = local_time(entry.times.realtime) + " ";
        line += colour("\x1b[1m") + entry.unit + colour("\x1b[0m") + ": ";
        const bool is_bad = entry.level <= base::Level::warning;
        if (is_bad) {
            line += colour(entry.level == base::Level::error ? "\x1b[31m" : "\x1b[33m");
            line += std::string(level_name(entry.level)) + ": ";
        } else if (entry.level == base::Level::debug) {
            line += colour("\x1b[2m");
        }
        line += entry.text;
        if (entry.cut) { line += "\u2026"; }
        std::puts((line + colour("\x1b[0m")).c_str());
    }

    void print_note(const std::string& text) const {
        std::puts((colour("\x1b[2m") + "-- " + text + " --" + colour("\x1b[0m")).c_str());
    }
    std::string colour(const char* sequence) const { return colours_ ? sequence : ""; }

    bool json_;
    bool colours_;
    std::optional<std::size_t> run_; // of the entry before
};

} // namespace

Logs::Logs(CLI::App& app)
    : command_(app.add_subcommand("logs", "Print what PID 1, runtime and services said")) {
    command_->add_option("-n,--lines", lines_, "Only so many, the newest (with -f: 10)");
    command_->add_flag("-f,--follow", follow_, "Go on with what comes");
    command_->add_option("-u,--unit", unit_, "Only of this unit");
    command_->add_option("-p,--level", level_, "Only this level, and what is worse")
        ->check(CLI::IsMember(
            std::vector<std::string>(std::begin(base::level_names), std::end(base::level_names))));
    command_
        ->add_option("-b,--boot", boot_,
                     "Only of this boot: 0 the newest, -1 the one before, or the beginning of its id")
        ->expected(0, 1)
        ->default_str("0");
    command_->add_option("--since", since_,
                         "Only from then on: \"2026-11-23 14:05\", 14:05, @SECONDS, or ago: 90s 15m 2h 3d");
    command_->add_option("-o,--output", output_, "short or json")->check(CLI::IsMember({"short", "json"}));
    command_->add_option("--directory", directory_, "The journal on disk; alone: only this one");
    command_->add_option("--ring", ring_, "The journal in memory; alone: only this one");
}

journal::Reader::Sources Logs::sources() const {
    if (directory_.empty() && ring_.empty()) {
        return {.ring = journal::ring_path, .directory = journal::default_directory};
    }
    return {.ring = ring_, .directory = directory_};
}

base::Result<journal::Filter> Logs::filter() const {
    journal::Filter filter;
    filter.unit = unit_;
    filter.least = static_cast<base::Level>(std::ranges::find(base::level_names, level_) -
                                            std::begin(base::level_names));
    filter.run = boot_;
    if (command_->count("--lines") > 0) {
        filter.last = lines_;
    } else if (follow_) {
        filter.last = 10;
    }
    if (!since_.empty()) {
        const auto since = parse_point_in_time(since_, journal::Times::now().realtime);
        if (!since) {
            return base::failure("understand the time", since_, "see vbctl logs --help for its forms");
        }
        filter.since = *since;
    }
    return filter;
}

int Logs::run() {
    const auto wanted = filter();
    if (!wanted) { return fail(wanted.error()); }
    auto reader = journal::Reader::open(sources());
    if (!reader) { return fail(reader.error()); }
    if (follow_ && !reader->has_ring()) {
        return fail(
            {.operation = "follow", .object = "the journal", .detail = "no PID 1 that keeps one runs here"});
    }
    const auto entries = reader->read(*wanted);
    if (!entries) { return fail(entries.error()); }
    Printer printer(output_ == "json", ::isatty(STDOUT_FILENO) == 1);
    printer.print(*entries, reader->runs());
    while (follow_ && std::ferror(stdout) == 0) {
        reader->wait();
        printer.print(reader->follow(*wanted), reader->runs());
    }
    return std::ferror(stdout) == 0
               ? 0
               : fail({.operation = "write", .object = "standard output", .number = errno, .detail = {}});
}

void add_logs(CLI::App& app, Action& chosen) {
    const auto logs = std::make_shared<Logs>(app);
    app.get_subcommand("logs")->callback([&chosen, logs] { chosen = [logs] { return logs->run(); }; });
}

} // namespace vb::vbctl
