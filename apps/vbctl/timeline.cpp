// The boot timeline, which vector_boot leaves in a file: this needs nobody to answer.
#include "base/unique_fd.h"
#include "config/config.h"
#include "trace/export.h"
#include "vbctl/commands.h"
#include "vbctl/failure.h"

#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <string>

namespace vb::vbctl {

namespace {

struct Options {
    std::string timeline = config::timeline_path;
    std::string output = "-";
    bool json = false;
};

base::Result<trace::Timeline> open_timeline(const std::string& path) {
    const base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!file) { return base::system_error("open", path); }
    return trace::Timeline::attach(file.get());
}

base::Result<> write_text(const std::string& path, const std::string& text) {
    const bool is_named = path != "-";
    std::FILE* const file = is_named ? std::fopen(path.c_str(), "we") : stdout;
    if (file == nullptr) { return base::system_error("open", path); }
    const bool written =
        std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
    const auto result = written ? base::Result<>() : base::system_error("write", path);
    if (is_named) { std::fclose(file); }
    return result;
}

template <class Export>
int show(const Options& options, Export export_text) {
    const auto opened = open_timeline(options.timeline);
    if (!opened) { return fail(opened.error()); }
    const auto written = write_text(options.output, export_text(*opened));
    return written ? int{succeeded} : fail(written.error());
}

} // namespace

void add_timeline(CLI::App& app, Action& chosen) {
    const auto options = std::make_shared<Options>();
    CLI::App* const timeline = app.add_subcommand("timeline", "Print the boot timeline as a table");
    timeline->add_flag("--json", options->json, "Chrome trace JSON, for chrome://tracing and Perfetto");
    timeline->callback([&chosen, options] {
        chosen = [options] {
            return show(*options, options->json ? trace::export_chrome : trace::export_table);
        };
    });
    CLI::App* const plot = app.add_subcommand("plot", "Draw the boot timeline as SVG");
    plot->add_option("-o,--output", options->output, "File to write")->capture_default_str();
    plot->callback([&chosen, options] { chosen = [options] { return show(*options, trace::export_svg); }; });
    for (CLI::App* const command : {timeline, plot}) {
        command->add_option("--timeline", options->timeline, "The timeline to read")->capture_default_str();
    }
}

} // namespace vb::vbctl
