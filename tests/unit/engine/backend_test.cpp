#include "engine/backend.h"

#include <dlfcn.h>
#include <ggml-backend.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace vb::engine {
namespace {

// What ggml would choose: the file whose own ggml_backend_score() is highest.
std::string best_by_score(const std::string& directory) {
    std::string best;
    int best_score = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with("libggml-cpu-")) { continue; }
        void* const library = dlopen(entry.path().c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) { continue; }
        auto* const score = reinterpret_cast<int (*)()>(dlsym(library, "ggml_backend_score"));
        if (score != nullptr && score() > best_score) {
            best_score = score();
            best = name;
        }
        dlclose(library);
    }
    return best;
}

TEST(Backend, ChoosesWhatGgmlsScoresChoose) {
    if (backend_variant().empty()) { GTEST_SKIP() << "no table for this architecture: ggml chooses itself"; }
    EXPECT_EQ("libggml-cpu-" + std::string(backend_variant()) + ".so", best_by_score(backend_directory()));
}

TEST(Backend, EnvironmentNamesAnotherDirectory) {
    const std::string before = backend_directory();
    setenv("GGML_BACKEND_PATH", "/usr", 1);
    EXPECT_EQ(backend_directory(), "/usr");
    setenv("GGML_BACKEND_PATH", "/usr/no-such-directory", 1);
    EXPECT_EQ(backend_directory(), before);
    unsetenv("GGML_BACKEND_PATH");
}

TEST(Backend, FindsTheBackendsOfOtherProcessorsAndNotOthers) {
    const std::string directory = testing::TempDir() + "vb-backends-" + std::to_string(getpid());
    std::filesystem::create_directory(directory);
    for (const char* name : {"libggml-vulkan.so", "libggml-cuda.so", "libggml-cpu-zen4.so", "libggml-rpc.so",
                             "libggml-base.so", "libggml-hip.so.0", "libother.so", "README"}) {
        std::ofstream(directory + '/' + name) << "x";
    }
    EXPECT_EQ(other_backends(directory),
              (std::vector{directory + "/libggml-cuda.so", directory + "/libggml-vulkan.so"}));
    std::filesystem::remove_all(directory);
    EXPECT_TRUE(other_backends(directory).empty());
}

TEST(Backend, LoadsOneCpuBackendOnceOnly) {
    const base::Log log(STDERR_FILENO, "test");
    ASSERT_TRUE(load_backend(log).has_value());
    const std::size_t count = ggml_backend_reg_count();
    EXPECT_EQ(count, 1U);
    ASSERT_TRUE(load_backend(log).has_value());
    EXPECT_EQ(ggml_backend_reg_count(), count);
    EXPECT_NE(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU), nullptr);
}

// Where such a backend is installed and has a device, llvmpipe for one (Debian's libggml0-backend-vulkan and
// mesa-vulkan-drivers): GGML_VK_VISIBLE_DEVICES=0 VB_TEST_DEVICE=llvmpipe test_engine --gtest_filter=OtherBackend.*
TEST(OtherBackend, ComputesOnItsDeviceAndSaysSo) {
    const char* const device = std::getenv("VB_TEST_DEVICE");
    if (device == nullptr) { GTEST_SKIP() << "VB_TEST_DEVICE does not name a device"; }
    FILE* const said = popen(VB_LOAD_PROBE " " VB_TINY_MODEL " 2>&1", "r");
    ASSERT_NE(said, nullptr);
    std::string text;
    for (std::array<char, 256> line{}; fgets(line.data(), line.size(), said) != nullptr;) {
        text += line.data();
    }
    EXPECT_EQ(pclose(said), 0) << text;
    EXPECT_NE(text.find("computing on "), std::string::npos) << text;
    EXPECT_NE(text.find(device), std::string::npos) << text;
}

} // namespace
} // namespace vb::engine
