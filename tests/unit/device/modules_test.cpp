// Loading modules, in a directory of modules and a sysfs of the test's own; only finit_module(2) is not real.
#include "device/modules.h"

#include "base/unique_fd.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sys/utsname.h>

namespace {

using namespace vb;
namespace fs = std::filesystem;
using Loaded = std::vector<std::string>;

// What finit_module(2) was asked, and what it answers: a function has no place of its own for that.
Loaded loaded;
std::map<std::string, int> failing; // file name -> errno

base::Result<> insert(const char* path, const char* parameters) noexcept {
    const std::string name = fs::path(path).filename();
    if (const auto found = failing.find(name); found != failing.end()) {
        errno = found->second;
        return base::system_error("load module", path);
    }
    if (!fs::exists(path)) {
        errno = ENOENT;
        return base::system_error("open", path);
    }
    loaded.push_back(*parameters == '\0' ? name : name + " " + parameters);
    return {};
}

std::string running_release() {
    utsname names{};
    ::uname(&names);
    return names.release;
}

class ModulesTest : public ::testing::Test {
  protected:
    ModulesTest() {
        loaded.clear();
        failing.clear();
        for (const char* const name : {"bus", "card", "card-pro", "crypto", "codec", "extra", "loop"}) {
            write(modules + "/kernel/" + name + ".ko", "");
        }
        write(modules + "/modules.dep",
              "kernel/bus.ko:\nkernel/crypto.ko:\nkernel/codec.ko:\nkernel/extra.ko:\n"
              "kernel/card.ko: kernel/bus.ko\nkernel/loop.ko: kernel/loop.ko\n"
              "kernel/card-pro.ko: kernel/card.ko kernel/bus.ko\n");
        write(modules + "/modules.alias",
              "# Aliases\nalias pci:v1d2* card\nalias pci:v1d3* card-pro\n"
              "alias crypto-sum crypto\nalias usb:v* extra\nalias x:builtin core\n");
        write(modules + "/modules.softdep", "softdep card-pro pre: crypto-sum post: codec\n");
        write(modules + "/modules.builtin", "kernel/core.ko\n");
        options.rules = {&rules_directory, 1};
    }
    ~ModulesTest() override { fs::remove_all(root); }

    static void write(const std::string& path, const std::string& text) {
        fs::create_directories(fs::path(path).parent_path());
        std::ofstream(path) << text;
    }
    void device(const std::string& path, const std::string& alias) {
        write(root + "/devices/" + path + "/modalias", alias + "\n");
    }
    int coldplug() { return device::coldplug(options, log); }
    int load(std::vector<std::string_view> names) { return device::load(options, names, log); }

    std::string root = [] {
        char name[] = "/tmp/vector_boot-test-XXXXXX";
        return std::string(::mkdtemp(name));
    }();
    std::string modules = root + "/" + running_release();
    std::string devices = root + "/devices";
    std::string in_kernel = root + "/loaded";
    std::string words = root + "/cmdline";
    std::string rules = root + "/modprobe.d";
    const char* rules_directory = rules.c_str();
    device::ModuleOptions options{.releases = root.c_str(),
                                  .devices = devices.c_str(),
                                  .loaded = in_kernel.c_str(),
                                  .command_line = words.c_str(),
                                  .rules = {},
                                  .insert = insert};
    base::UniqueFd log_file{::open((root + "/log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    base::Log log{log_file.get(), "test"};
};

TEST_F(ModulesTest, ColdplugLoadsEachMatchOnceAfterWhatItNeeds) {
    device("pci0/a", "pci:v1d2");
    device("pci0/b/c", "pci:v1d2");
    device("pci0/b", "pci:v9d9");
    device("virtual/x", "usb:v1p1");
    EXPECT_EQ(coldplug(), 0);
    EXPECT_EQ(loaded, (Loaded{"bus.ko", "card.ko", "extra.ko"}));
}

TEST_F(ModulesTest, FollowsNoLinkOutOfTheTree) {
    write(root + "/elsewhere/modalias", "pci:v1d2\n");
    fs::create_directories(devices);
    fs::create_directory_symlink(root + "/elsewhere", devices + "/link");
    EXPECT_EQ(coldplug(), 0);
    EXPECT_EQ(loaded, Loaded{});
}

TEST_F(ModulesTest, ReadsBothAliasesOfADevice) {
    device("both", "acpi:none\npci:v1d2");
    EXPECT_EQ(coldplug(), 0);
    EXPECT_EQ(loaded, (Loaded{"bus.ko", "card.ko"}));
}

TEST_F(ModulesTest, LoadsSoftDependenciesAroundTheModule) {
    EXPECT_EQ(load({"pci:v1d3"}), 0);
    EXPECT_EQ(loaded, (Loaded{"crypto.ko", "bus.ko", "card.ko", "card-pro.ko", "codec.ko"}));
}

TEST_F(ModulesTest, LoadsByNameInEitherSpelling) {
    EXPECT_EQ(load({"card_pro", "extra"}), 0);
    EXPECT_TRUE(std::ranges::contains(loaded, "card-pro.ko"));
    EXPECT_TRUE(std::ranges::contains(loaded, "extra.ko"));
    EXPECT_EQ(load({"core"}), 0); // built in
    EXPECT_EQ(load({"no_such_module"}), 1);
    EXPECT_EQ(load({"pci:v7d7"}), 0);
}

TEST_F(ModulesTest, LeavesOutWhatIsLoaded) {
    write(in_kernel + "/bus/initstate", "live\n");
    EXPECT_EQ(load({"pci:v1d2"}), 0);
    EXPECT_EQ(loaded, Loaded{"card.ko"});
    failing["extra.ko"] = EEXIST;
    EXPECT_EQ(load({"extra"}), 0);
}

TEST_F(ModulesTest, HonoursTheBlacklistForDevicesOnly) {
    write(rules + "/a.conf", "blacklist card\n");
    device("a", "pci:v1d2");
    EXPECT_EQ(coldplug(), 0);
    EXPECT_EQ(loaded, Loaded{});
    EXPECT_EQ(load({"card"}), 0); // by its name it is meant
    EXPECT_EQ(loaded, (Loaded{"bus.ko", "card.ko"}));
}

TEST_F(ModulesTest, HonoursInstallLinesAndParameters) {
    write(rules + "/a.conf", "install extra /bin/false\noptions card debug=1\n");
    write(words, "quiet bus.speed=9 modprobe.blacklist=codec\n");
    EXPECT_EQ(load({"extra", "card"}), 0);
    EXPECT_EQ(loaded, (Loaded{"bus.ko speed=9", "card.ko debug=1"}));
}

TEST_F(ModulesTest, AnEarlierDirectoryHidesAFileOfALaterOne) {
    const std::string later = root + "/later";
    write(rules + "/same.conf", "");
    write(later + "/same.conf", "blacklist card\n");
    const char* const both[] = {rules.c_str(), later.c_str()};
    options.rules = both;
    EXPECT_EQ(load({"pci:v1d2"}), 0);
    EXPECT_EQ(loaded, (Loaded{"bus.ko", "card.ko"}));
}

TEST_F(ModulesTest, GoesOnAfterOneThatFails) {
    failing["bus.ko"] = ENOEXEC;
    device("a", "pci:v1d2");
    device("b", "usb:v1");
    EXPECT_EQ(coldplug(), 1);
    EXPECT_EQ(loaded, Loaded{"extra.ko"}); // card.ko needs bus.ko
}

TEST_F(ModulesTest, TakesADriverWithoutItsDeviceForNoFailure) {
    failing["extra.ko"] = ENODEV;
    EXPECT_EQ(load({"usb:v1"}), 0);
}

TEST_F(ModulesTest, EndsWhereDependenciesGoInACircle) {
    write(modules + "/modules.softdep", "softdep card pre: extra\nsoftdep extra pre: card\n");
    EXPECT_EQ(load({"loop", "card"}), 0);
    EXPECT_EQ(loaded, (Loaded{"loop.ko", "extra.ko", "bus.ko", "card.ko"}));
}

TEST_F(ModulesTest, NeedsNoModulesAtAll) {
    options.releases = "/nonexistent";
    EXPECT_EQ(coldplug(), 0);
    EXPECT_EQ(load({"pci:v1d2"}), 0);
}

TEST_F(ModulesTest, ReadsAMegabyteOfAliasesQuickly) {
    std::string aliases;
    for (int number = 0; number < 40'000; ++number) {
        aliases +=
            "alias pci:v" + std::to_string(number) + "d*sv*sd*bc*sc*i* m" + std::to_string(number) + "\n";
    }
    write(modules + "/modules.alias", aliases + "alias pci:v1d2* card\n");
    device("a", "pci:v1d2");
    EXPECT_EQ(coldplug(), 0);
    EXPECT_EQ(loaded, (Loaded{"bus.ko", "card.ko"}));
}

} // namespace
