// vbctl: looks at a machine that vector_boot runs. Commands of more than a few lines are in vbctl/.
#include "base/unique_fd.h"
#include "config/config.h"
#include "trace/export.h"
#include "vbctl/logs.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <string>

namespace {

using namespace vb;

base::Result<trace::Timeline> open_timeline(const std::string& path) {
    const base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!file) { return base::system_error("open", path); }
    return trace::Timeline::attach(file.get());
}

int fail(const base::Error& error) {
    std::fprintf(stderr, "vbctl: %s\n", base::describe(error).c_str());
    return 1;
}

base::Result<> write_text(const std::string& path, const std::string& text) {
    std::FILE* const file = path == "-" ? stdout : std::fopen(path.c_str(), "we");
    if (file == nullptr) { return base::system_error("open", path); }
    const bool written =
        std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
    const auto result = written ? base::Result<>() : base::system_error("write", path);
    if (file != stdout) { std::fclose(file); }
    return result;
}

int run(int argc, char** argv) {
    CLI::App app("Looks at a machine that vector_boot runs.");
    app.set_version_flag("--version", "vbctl " VB_VERSION);
    app.require_subcommand(1);
    std::string path = config::timeline_path;
    std::string output = "-";
    bool json = false;
    CLI::App* const timeline = app.add_subcommand("timeline", "Print the boot timeline as a table");
    timeline->add_flag("--json", json, "Chrome trace JSON, for chrome://tracing and Perfetto");
    CLI::App* const plot = app.add_subcommand("plot", "Draw the boot timeline as SVG");
    plot->add_option("-o,--output", output, "File to write")->capture_default_str();
    vbctl::Logs logs(app);
    for (CLI::App* const command : {timeline, plot}) {
        command->add_option("--timeline", path, "The timeline to read")->capture_default_str();
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& done) { return app.exit(done); } catch (const CLI::Error& error) {
        std::fprintf(stderr, "vbctl: %s (--help lists the commands)\n", error.what());
        return 1;
    }

    if (logs.is_wanted()) { return logs.run(); }
    const auto opened = open_timeline(path);
    if (!opened) { return fail(opened.error()); }
    const std::string text = plot->parsed() ? export_svg(*opened)
                             : json         ? export_chrome(*opened)
                                            : export_table(*opened);
    const auto written = write_text(output, text);
    return written ? 0 : fail(written.error());
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& fault) { // no memory
        std::fprintf(stderr, "vbctl: %s\n", fault.what());
        return 1;
    }
}
