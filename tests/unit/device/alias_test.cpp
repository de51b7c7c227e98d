// Patterns of modules.alias, beside fnmatch(3), which modprobe uses.
#include "device/alias.h"
#include "device/module_index.h"
#include "device/module_rules.h"

#include <fnmatch.h>
#include <gtest/gtest.h>
#include <random>

namespace {

using namespace vb::device;

TEST(Alias, MatchesAsDepmodMeansIt) {
    EXPECT_TRUE(
        matches("pci:v00008086d*sv*sd*bc02sc00i*", "pci:v00008086d000010D3sv00008086sd0000A01Fbc02sc00i00"));
    EXPECT_FALSE(
        matches("pci:v00008086d*sv*sd*bc02sc00i*", "pci:v00008087d000010D3sv00008086sd0000A01Fbc02sc00i00"));
    EXPECT_TRUE(matches("usb:v0525pA4A[12]d*", "usb:v0525pA4A2d0001"));
    EXPECT_FALSE(matches("usb:v0525pA4A[!12]d*", "usb:v0525pA4A2d0001"));
    EXPECT_TRUE(matches("input:b*v*p*e*-e*1,*k*", "input:b0003v046Dp0001e0111_e0,1,2,k70"));
}

TEST(Alias, TakesADashForAnUnderscoreOutsideOfBrackets) {
    EXPECT_TRUE(matches("net-pf-10", with_underscores("net_pf-10")));
    EXPECT_TRUE(matches("x[-a]y", "x-y"));
    EXPECT_FALSE(matches("x[-a]y", "x_y"));
    EXPECT_TRUE(matches("x\\-y", "x_y"));
}

TEST(Alias, AgreesWithFnmatch) {
    std::mt19937 random(1); // NOLINT: the same every time
    const auto text = [&](std::string_view letters, std::size_t most) {
        std::string made;
        for (std::size_t count = random() % (most + 1); count > 0; --count) {
            made += letters[random() % letters.size()];
        }
        return made;
    };
    int matched = 0;
    for (int count = 0; count < 300'000; ++count) {
        const std::string pattern = text("abc*?[]!^\\", 9);
        const std::string alias = text("abc[]!^\\", 7);
        const bool expected = ::fnmatch(pattern.c_str(), alias.c_str(), 0) == 0;
        ASSERT_EQ(matches(pattern, alias), expected) << pattern << " and " << alias;
        ASSERT_TRUE(!expected || alias.starts_with(literal_prefix(pattern))) << pattern << " and " << alias;
        matched += expected ? 1 : 0;
    }
    EXPECT_GT(matched, 1000);
}

TEST(Alias, TakesNoTimeForManyStars) {
    std::string pattern;
    for (int count = 0; count < 1000; ++count) {
        pattern += "*a";
    }
    EXPECT_FALSE(matches(pattern + "b", std::string(longest_alias, 'a')));
}

TEST(ModuleIndex, FindsFilesByNameAndWhatIsBuiltIn) {
    const ModuleIndex index("kernel/net/b-c.ko.xz: kernel/lib/a.ko.xz\nkernel/lib/a.ko.xz:\nno colon\n\n",
                            "kernel/fs/ext-4.ko\n");
    ASSERT_NE(index.find("b_c"), nullptr);
    EXPECT_EQ(index.find("b_c")->path, "kernel/net/b-c.ko.xz");
    EXPECT_EQ(index.find("b_c")->dependencies, " kernel/lib/a.ko.xz");
    EXPECT_NE(index.find("a"), nullptr);
    EXPECT_EQ(index.find("c"), nullptr);
    EXPECT_TRUE(index.is_builtin("ext_4"));
    EXPECT_FALSE(index.is_builtin("a"));
}

TEST(ModuleIndex, FindsTheModulesOfManyAliasesInOrderAndOnce) {
    const std::vector<std::string> aliases = {"acpi:PNP0F13:", "pci:v1d2", "virtio:d1"};
    std::vector<std::string> modules;
    find_modules(
        "# comment\nalias virtio:d*\tvirtio-net\nalias pci:v1d* e1000\nalias acpi*:PNP0F13:* psmouse\n"
        "alias pci:*d2 e1000\nalias pci:v1d2\nsomething pci:v1d2 else\nalias pci:v3* other",
        aliases, modules);
    EXPECT_EQ(modules, (std::vector<std::string>{"virtio_net", "e1000", "psmouse"}));
}

TEST(ModuleRules, AreReadAsModprobeReadsThem) {
    ModuleRules rules;
    rules.add_file(
        "# a comment\n  blacklist i2c-piix4\ninstall evil /bin/false\noptions sound \\\n  index=1 a=b\n"
        "options sound c=d\nsoftdep net pre: crypto-a b post: c\nalias my-* mine\nalias off-* "
        "off\nblacklist\n");
    EXPECT_TRUE(rules.is_blacklisted("i2c_piix4"));
    EXPECT_TRUE(rules.is_replaced("evil"));
    EXPECT_FALSE(rules.is_replaced("sound"));
    EXPECT_EQ(rules.parameters_of("sound"), "index=1 a=b c=d");
    EXPECT_EQ(rules.neighbours_of("net", true), (std::vector<std::string_view>{"crypto-a", "b"}));
    EXPECT_EQ(rules.neighbours_of("net", false), (std::vector<std::string_view>{"c"}));
    std::vector<std::string> modules;
    EXPECT_TRUE(rules.resolve("my_card", modules));
    EXPECT_TRUE(rules.resolve("off_x", modules));
    EXPECT_FALSE(rules.resolve("your_card", modules));
    EXPECT_EQ(modules, (std::vector<std::string>{"mine"}));
}

TEST(ModuleRules, TakeTheKernelCommandLineToo) {
    ModuleRules rules;
    rules.add_command_line(
        "quiet modprobe.blacklist=nouveau,b-c softdog.soft_margin=5 a.text=\"x y\" root=/dev/a.b -- "
        "no.thing=1\n");
    EXPECT_TRUE(rules.is_blacklisted("nouveau"));
    EXPECT_TRUE(rules.is_blacklisted("b_c"));
    EXPECT_EQ(rules.parameters_of("softdog"), "soft_margin=5");
    EXPECT_EQ(rules.parameters_of("a"), "text=\"x y\"");
    EXPECT_EQ(rules.parameters_of("no"), "");
}

} // namespace
