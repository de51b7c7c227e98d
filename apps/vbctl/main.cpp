// vbctl: looks at a machine that vector_boot runs, and tells it what to do.
#include "vbctl/commands.h"
#include "vbctl/failure.h"

#include <cstdio>
#include <exception>

namespace {

using namespace vb::vbctl;

int run(int argc, char** argv) {
    CLI::App app("Looks at a machine that vector_boot runs, and tells it what to do.");
    app.set_version_flag("--version", "vbctl " VB_VERSION);
    app.require_subcommand(1);
    Action chosen;
    add_status(app, chosen);
    add_watch(app, chosen);
    add_units(app, chosen);
    add_reload(app, chosen);
    add_endings(app, chosen);
    add_log_level(app, chosen);
    add_logs(app, chosen);
    add_chat(app, chosen);
    add_timeline(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& done) { return app.exit(done); } catch (const CLI::Error& error) {
        std::fprintf(stderr, "vbctl: %s (--help lists the commands)\n", error.what());
        return failed;
    }
    return chosen();
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& fault) { // no memory
        std::fprintf(stderr, "vbctl: %s\n", fault.what());
        return failed;
    }
}
