#include "engine/backend.h"

#include "engine/llama_log.h"

#include <ggml-backend.h>
#include <llama.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>

namespace vb::engine {
namespace {

#if defined(__x86_64__)
// Asks the compiler's runtime, which unlike raw CPUID also knows what the kernel saves on a context switch.
std::string_view x86_variant() {
    __builtin_cpu_init();
    const auto has = [](bool feature) { return feature; };
    const bool sse42 = has(__builtin_cpu_supports("sse4.2"));
    const bool avx = sse42 && __builtin_cpu_supports("avx");
    const bool f16c = avx && __builtin_cpu_supports("f16c");
    const bool fma = f16c && __builtin_cpu_supports("fma");
    const bool avx2 = fma && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512bw");
    const bool vbmi = avx512 && __builtin_cpu_supports("avx512vbmi");
    const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
    const bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16");

    // In the order of ggml's scores, best first.
    if (vbmi && vnni && bf16 && __builtin_cpu_supports("amx-int8")) { return "sapphirerapids"; }
    if (vbmi && vnni && bf16) { return "zen4"; }
    if (vnni && bf16) { return "cooperlake"; }
    if (vbmi && vnni) { return "icelake"; }
    if (vnni) { return "cascadelake"; }
    if (vbmi) { return "cannonlake"; }
    if (avx512) { return "skylakex"; }
    if (avx2 && __builtin_cpu_supports("avxvnni")) { return "alderlake"; }
    if (avx2) { return "haswell"; }
    if (fma) { return "piledriver"; }
    if (f16c) { return "ivybridge"; }
    if (avx) { return "sandybridge"; }
    if (sse42) { return "sse42"; }
    return "x64";
}
#endif

std::string_view environment() {
    const char* const value = std::getenv("GGML_BACKEND_PATH");
    return value == nullptr ? std::string_view() : value;
}

// One that finds no device, or was built for another ggml, is no reason not to use the CPU.
void load_other_backends(const std::string& directory, const base::Log& log) {
    for (const std::string& file : other_backends(directory)) {
        const std::size_t before = ggml_backend_dev_count();
        if (ggml_backend_load(file.c_str()) == nullptr) {
            log.notice(std::string_view(file), ": ggml does not load it");
            continue;
        }
        if (ggml_backend_dev_count() == before) {
            log.info(std::string_view(file), ": it has no device here");
        }
        for (std::size_t index = before; index < ggml_backend_dev_count(); ++index) {
            const ggml_backend_dev_t device = ggml_backend_dev_get(index);
            log.info("computing on ", std::string_view(ggml_backend_dev_name(device)), ": ",
                     std::string_view(ggml_backend_dev_description(device)));
        }
    }
}

bool cpu_backend_present() { return ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) != nullptr; }

} // namespace

std::string_view backend_variant() {
#if defined(__x86_64__)
    return x86_variant();
#else
    return {};
#endif
}

std::string backend_directory() {
    std::error_code ignored;
    if (std::filesystem::is_directory(environment(), ignored)) { return std::string(environment()); }
    return VB_GGML_BACKEND_DIRECTORY;
}

std::vector<std::string> other_backends(const std::string& directory) {
    std::vector<std::string> files;
    std::error_code fault;
    for (std::filesystem::directory_iterator entry(directory, fault), end; !fault && entry != end;
         entry.increment(fault)) {
        const std::string name = entry->path().filename();
        const bool is_backend = name.starts_with("libggml-") && name.ends_with(".so");
        const auto is_of = [&name](std::string_view kind) { return name.substr(8).starts_with(kind); };
        if (is_backend && !is_of("cpu") && !is_of("rpc") && !is_of("base")) {
            files.push_back(entry->path());
        }
    }
    std::ranges::sort(files);
    return files;
}

bool has_other_devices() {
    return ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_GPU) != nullptr ||
           ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_IGPU) != nullptr;
}

Result<> load_backend(const base::Log& log) {
    static std::mutex one_at_a_time;
    const std::scoped_lock lock(one_at_a_time);
    if (cpu_backend_present()) { return {}; }

    const LlamaLog llama_log(log);
    const std::string directory = backend_directory();
    std::string file = directory + "/libggml-cpu-" + std::string(backend_variant()) + ".so";
    std::error_code ignored;
    const bool is_only_one = std::filesystem::is_regular_file(environment(), ignored);
    if (is_only_one) { file = environment(); }
    if (std::filesystem::exists(file, ignored)) { ggml_backend_load(file.c_str()); }
    if (!cpu_backend_present()) {
        log.notice("no CPU backend at ", std::string_view(file), ", trying all in ",
                   std::string_view(directory));
        ggml_backend_load_all_from_path(directory.c_str());
    }
    if (!cpu_backend_present()) {
        return std::unexpected(Error{Fault::resources, "no ggml CPU backend for this processor in " +
                                                           directory + ", expected libggml-cpu-*.so"});
    }
    if (!is_only_one) { load_other_backends(directory, log); }
    llama_backend_init();
    return {};
}

} // namespace vb::engine
