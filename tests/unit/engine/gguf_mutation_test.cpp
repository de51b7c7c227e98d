// Every number of a model's header, changed: our check refuses it, or libllama loads or refuses it in order.
// libllama aborts the process on faults that it did not foresee; none of those may pass the check. Of the files of
// every kind a sample is tried, always the same; all of them with VB_GGUF_MUTATIONS=all, which takes long.
#include "engine/gguf_check.h"

#include "unit/engine/child_process.h"
#include "unit/engine/gguf_builder.h"
#include "unit/engine/gguf_fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string_view>
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

// How a process that loads the file ended.
test::Ended load_elsewhere(const std::string& file) {
    std::string path = testing::TempDir() + "vb-mutation-" + std::to_string(getpid()) + ".gguf";
    std::ofstream(path, std::ios::binary) << file;
    test::Ended ended = test::run_on_file(VB_LOAD_PROBE, path);
    unlink(path.c_str());
    return ended;
}

TEST(GgufMutation, TheUnchangedModelLoads) {
    for (const test::Variation& variation :
         {test::Variation{}, test::Variation{.version = 2}, test::Variation{.alignment = 64},
          test::Variation{.vocabulary_size = false},
          test::Variation{.tokens = {"", "", "x", "a", "b", "c", "d", "e", "f", "g"}}}) {
        const test::Ended ended = load_elsewhere(test::smallest_model(variation).file());
        EXPECT_TRUE(ended.succeeded()) << ended;
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
            const test::Ended ended = load_elsewhere(mutated);
            EXPECT_TRUE(ended.by_itself()) << field.name << " = " << value << ": " << ended;
        }
    }
}

// --- the files of every kind

bool all_of_them() {
    const char* const wanted = std::getenv("VB_GGUF_MUTATIONS");
    return wanted != nullptr && std::string_view(wanted) == "all";
}

struct KindFile {
    std::string name;
    std::string bytes;
    std::vector<Field> fields;
    std::size_t header = 0;
};

std::vector<KindFile> kind_files() {
    std::vector<KindFile> files;
    for (const auto& entry : std::filesystem::directory_iterator(VB_MODEL_KINDS)) {
        const std::string name = entry.path().stem();
        // Most of the pre-tokenizers' files differ in one text.
        if (name.starts_with("bad-") || name.starts_with("tokenizer-gpt2-")) { continue; }
        std::ifstream file(entry.path(), std::ios::binary);
        std::string bytes{std::istreambuf_iterator<char>(file), {}};
        auto fields = test::GgufFields::of(bytes);
        const std::size_t header = fields.back().offset + fields.back().size;
        files.push_back({name, std::move(bytes), std::move(fields), header});
    }
    std::ranges::sort(files, {}, &KindFile::name);
    return files;
}

struct Mutation {
    const KindFile* file;
    const Field* field;
    std::uint64_t value;
};

std::vector<Mutation> all_mutations(const std::vector<KindFile>& files) {
    std::vector<Mutation> all;
    for (const KindFile& file : files) {
        for (const Field& field : file.fields) {
            auto values = mutations(value_of(file.bytes, field), field.size);
            for (std::uint64_t type = 0; field.name.starts_with("tensor type") && type < 44; ++type) {
                values.insert(type);
            }
            for (const std::uint64_t value : values) {
                all.push_back({&file, &field, value});
            }
        }
    }
    return all;
}

TEST(GgufMutation, FilesOfEveryKindCutAnywhereInTheirHeaderAreRefusedWithOffsetAndField) {
    const std::size_t step = all_of_them() ? 1 : 101;
    for (const KindFile& file : kind_files()) {
        for (std::size_t size = 0; size < file.header; size += step) {
            const auto summary = check_gguf(as_bytes(file.bytes).first(size), size, "m");
            ASSERT_FALSE(summary.has_value()) << file.name << " cut at " << size;
            ASSERT_TRUE(summary.error().message.starts_with("m: offset ")) << summary.error().message;
        }
    }
}

TEST(GgufMutationSlow, NothingOfAnyKindThatPassesTheCheckKillsTheEngine) {
    const auto files = kind_files();
    std::vector<Mutation> all = all_mutations(files);
    ASSERT_GT(all.size(), 10'000U);
    std::mt19937 random(20261123);
    std::ranges::shuffle(all, random);
    std::size_t left = all_of_them() ? all.size() : 100;
    std::size_t refused = 0;
    std::size_t passed = 0;
    for (const Mutation& mutation : all) {
        const std::string mutated = changed(mutation.file->bytes, *mutation.field, mutation.value);
        const auto summary = check_gguf(as_bytes(mutated), mutated.size(), "m");
        if (!summary) {
            EXPECT_TRUE(summary.error().message.starts_with("m: offset ")) << summary.error().message;
            ++refused;
            continue;
        }
        if (left == 0) { continue; } // the check itself is quick
        --left;
        ++passed;
        const test::Ended ended = load_elsewhere(mutated);
        EXPECT_TRUE(ended.by_itself()) << mutation.file->name << ": " << mutation.field->name << " = "
                                       << mutation.value << ": " << ended;
    }
    RecordProperty("refused", std::to_string(refused));
    RecordProperty("loaded_or_refused_by_libllama", std::to_string(passed));
    EXPECT_GT(refused, passed);
}

} // namespace
} // namespace vb::engine
