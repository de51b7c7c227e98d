#include "runtime/confinement.h"

#include "engine/backend.h"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace vb::runtime {

namespace {

// What is not there is for those to report who want it.
base::Result<> check_readable(const std::string& path) {
    if (::access(path.c_str(), R_OK) == 0 || errno != EACCES) { return {}; }
    base::Text<255> advice;
    advice << "user " << ::geteuid() << " may not (EACCES): chmod or chown it and the directories above it, "
           << "or set [sandbox] user = \"root\"";
    return base::failure("read", path, advice);
}

sandbox::Needs needs_of(const Options& options) {
    if (!options.engine.cache.empty()) { // which the engine makes too, but later, when it cannot any more
        std::error_code ignored;
        std::filesystem::create_directories(options.engine.cache, ignored);
    }
    sandbox::Needs needs{.readable = options.readable, .kept = options.engine.cache};
    needs.readable.push_back(options.engine.model);
    if (!options.keys
             .empty()) { // read again when it changes: whoever replaces it makes another file in its place
        const std::string directory = std::filesystem::path(options.keys).parent_path();
        needs.readable.push_back(directory.empty() ? "." : directory);
    }
    const std::string backends = engine::backend_directory();
    needs.readable.push_back(backends);
    needs.devices = !engine::other_backends(backends).empty();
    if (const char* const chosen = std::getenv("GGML_BACKEND_PATH"); chosen != nullptr && *chosen != '\0') {
        needs.readable.emplace_back(chosen);
        needs.devices = needs.devices || !std::string_view(chosen).contains("libggml-cpu");
    }
    return needs;
}

} // namespace

base::Result<> check_readable(const Options& options) {
    std::vector<std::string> paths = options.readable;
    paths.insert(paths.end(), {options.engine.model, options.keys, options.certificate, options.private_key});
    for (const std::string& path : paths) {
        if (path.empty()) { continue; }
        if (auto readable = check_readable(path); !readable) { return readable; }
    }
    return {};
}

sandbox::Confinement confine(const Options& options, const Notifier& notifier, const base::Log& log) {
    sandbox::Confinement confinement = sandbox::confine(needs_of(options), log);
    base::Text<63> version;
    version << "X_VECTOR_BOOT_LANDLOCK=" << confinement.landlock_abi;
    if (const auto told = notifier.send(version); !told) { log.warning(base::describe(told.error()).view()); }
    return confinement;
}

} // namespace vb::runtime
