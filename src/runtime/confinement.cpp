#include "runtime/confinement.h"

#include "engine/backend.h"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace vb::runtime {

namespace {

// Of a file that is not there the engine says more.
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

base::Result<sandbox::Confinement> confine(const Options& options, const Notifier& notifier,
                                           const base::Log& log) {
    const sandbox::Needs needs = needs_of(options);
    for (const std::string& path : needs.readable) {
        if (const auto readable = check_readable(path); !readable) {
            return std::unexpected(readable.error());
        }
    }
    sandbox::Confinement confinement = sandbox::confine(needs, log);
    base::Text<63> version;
    version << "X_VECTOR_BOOT_LANDLOCK=" << confinement.landlock_abi;
    if (const auto told = notifier.send(version); !told) { log.warning(base::describe(told.error()).view()); }
    return confinement;
}

} // namespace vb::runtime
