// Every number of a model's header, changed: our check refuses it, or libllama loads or refuses it in order.
// libllama aborts the process on faults that it did not foresee; none of those may pass the check.
#include "engine/gguf_check.h"

#include "unit/engine/child_process.h"
#include "unit/engine/gguf_builder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <unistd.h>

namespace vb::engine {
namespace {

using test::as_bytes;
using test::Field;

std::uint64_t value_of(const std::string& file, const Field& field) {
    std::uint64_t value = 0;
    std::memcpy(&value, file.data() + field.offset, field.size);
    return value;
}

// Boundaries of the field's width, and one more and one less than what stands there.
std::set<std::uint64_t> mutations(std::uint64_t value, std::size_t size) {
    const std::uint64_t all = size == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (size * 8)) - 1;
    std::set<std::uint64_t> values{0, 1, all, all / 2, all / 2 + 1, (value + 1) & all, (value - 1) & all};
    values.erase(value);
    return values;
}

std::string changed(std::string file, const Field& field, std::uint64_t value) {
    std::memcpy(file.data() + field.offset, &value, field.size); // little-endian, as the files are
    return file;
}

// The wait status of a process that loads the file.
int load_elsewhere(const std::string& file) {
    std::string path = testing::TempDir() + "vb-mutation-" + std::to_string(getpid()) + ".gguf";
    std::ofstream(path, std::ios::binary) << file;
    const int status = test::run_on_file(VB_LOAD_PROBE, path);
    unlink(path.c_str());
    return status;
}

TEST(GgufMutation, TheUnchangedModelLoads) {
    for (const test::Variation& variation :
         {test::Variation{}, test::Variation{.version = 2}, test::Variation{.alignment = 64},
          test::Variation{.vocabulary_size = false},
          test::Variation{.tokens = {"", "", "x", "a", "b", "c", "d", "e", "f", "g"}}}) {
        const int status = load_elsewhere(test::smallest_model(variation).file());
        EXPECT_TRUE(test::succeeded(status)) << status;
    }
}

TEST(GgufMutation, TheChecksVerdictIsAlwaysAnErrorOrASummary) {
    const test::GgufBuilder model = test::smallest_model();
    const std::string file = model.file();
    std::size_t refused = 0;
    std::size_t accepted = 0;
    for (const Field& field : model.fields()) {
        for (const std::uint64_t value : mutations(value_of(file, field), field.size)) {
            const std::string mutated = changed(file, field, value);
            const auto summary = check_gguf(as_bytes(mutated), mutated.size(), "m");
            ++(summary ? accepted : refused);
            if (!summary) { EXPECT_TRUE(summary.error().message.starts_with("m: offset ")); }
            // Lengths steer the parse, so no other value of theirs can be right.
            if (field.name.ends_with(" size") || field.name == "array length") {
                EXPECT_FALSE(summary.has_value()) << field.name << " = " << value;
            }
        }
    }
    EXPECT_GT(refused, accepted);
    EXPECT_GT(accepted, 0U);
}

TEST(GgufMutationSlow, NothingThatPassesTheCheckKillsTheLoader) {
    const test::GgufBuilder model = test::smallest_model();
    const std::string file = model.file();
    std::set<std::string> seen;
    for (const Field& field : model.fields()) {
        if (!seen.insert(field.name).second) { continue; } // the elements of an array are all alike
        for (const std::uint64_t value : mutations(value_of(file, field), field.size)) {
            const std::string mutated = changed(file, field, value);
            if (!check_gguf(as_bytes(mutated), mutated.size(), "m")) { continue; }
            const int status = load_elsewhere(mutated);
            EXPECT_TRUE(WIFEXITED(status)) << field.name << " = " << value << ": wait status " << status;
        }
    }
}

} // namespace
} // namespace vb::engine
