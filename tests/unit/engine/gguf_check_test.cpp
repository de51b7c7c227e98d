#include "engine/gguf_check.h"

#include "unit/engine/gguf_builder.h"

#include <ggml.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

namespace vb::engine {
namespace {

using test::as_bytes;
using test::GgufBuilder;
using test::smallest_model;

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

Result<GgufSummary> check(const std::string& file) {
    return check_gguf(as_bytes(file), file.size(), "m.gguf");
}
Result<GgufSummary> check(const GgufBuilder& builder) { return check(builder.file()); }

// The refusal's text, or what tells that there was none.
std::string gguf_refusal(const std::string& file) {
    const auto summary = check(file);
    if (summary) { return "accepted"; }
    EXPECT_EQ(summary.error().fault, Fault::model_malformed);
    EXPECT_TRUE(summary.error().message.starts_with("m.gguf: offset ")) << summary.error().message;
    return summary.error().message;
}
std::string gguf_refusal(const GgufBuilder& builder) { return gguf_refusal(builder.file()); }

template <class Number>
std::string with(std::string file, std::size_t offset, Number value) {
    std::memcpy(file.data() + offset, &value, sizeof value);
    return file;
}

TEST(GgufCheck, AcceptsTheTinyModelAndSummarisesIt) {
    const auto summary = check_gguf_file(VB_TINY_MODEL);
    ASSERT_TRUE(summary.has_value()) << summary.error().message;
    EXPECT_EQ(summary->version, 3U);
    EXPECT_EQ(summary->architecture, "llama");
    EXPECT_GT(summary->longest_token, 1U);
    EXPECT_GT(summary->token_count, 259U);
    EXPECT_EQ(summary->tensor_count, 20U);
    EXPECT_NE(summary->chat_template.find("im_start"), std::string::npos);
    EXPECT_EQ(summary->header_bytes + summary->data_bytes, std::filesystem::file_size(VB_TINY_MODEL));
}

TEST(GgufCheck, AcceptsBothVersionsAndOtherAlignments) {
    EXPECT_TRUE(check(smallest_model()).has_value());
    EXPECT_TRUE(check(smallest_model({.version = 2})).has_value());
    for (const std::uint32_t alignment : {1U, 8U, 64U, 4096U}) {
        const auto summary = check(smallest_model({.alignment = alignment}));
        ASSERT_TRUE(summary.has_value()) << summary.error().message;
        EXPECT_EQ(summary->header_bytes % alignment, 0U);
    }
}

TEST(GgufCheck, RefusesTheTinyModelCutAtEveryByteOfItsHeader) {
    const std::string file = read_file(VB_TINY_MODEL);
    const auto whole = check(file);
    ASSERT_TRUE(whole.has_value());
    for (std::size_t size = 0; size < whole->header_bytes; ++size) {
        const auto summary = check_gguf(as_bytes(file).first(size), size, "m.gguf");
        ASSERT_FALSE(summary.has_value()) << size;
        ASSERT_TRUE(summary.error().message.starts_with("m.gguf: offset ")) << summary.error().message;
    }
}

TEST(GgufCheck, RefusesAFileThatEndsBeforeItsData) {
    const std::string file = smallest_model().file();
    const auto summary = check_gguf(as_bytes(file), file.size() - 1, "m.gguf");
    ASSERT_FALSE(summary.has_value());
    EXPECT_NE(summary.error().message.find("file size is " + std::to_string(file.size() - 1)),
              std::string::npos)
        << summary.error().message;
}

TEST(GgufCheck, NamesOffsetFieldFoundAndExpected) {
    const std::string file = smallest_model().file();
    EXPECT_EQ(gguf_refusal(with(file, 8, ~std::uint64_t{0})),
              "m.gguf: offset 8: tensor count is 18446744073709551615, expected at most 100000");
    EXPECT_EQ(gguf_refusal(""),
              "m.gguf: offset 0: magic is the end of the file after 0 bytes, expected 4 bytes");
}

TEST(GgufCheck, Magic) {
    const std::string file = smallest_model().file();
    EXPECT_NE(gguf_refusal(with(file, 0, std::uint32_t{0})).find("offset 0: magic"), std::string::npos);
    EXPECT_NE(gguf_refusal("#!/bin/sh\nexit 0\n").find("offset 0: magic"), std::string::npos);
}

TEST(GgufCheck, Version) {
    const std::string file = smallest_model().file();
    for (const std::uint32_t version : {0U, 1U, 4U, ~0U}) {
        EXPECT_NE(gguf_refusal(with(file, 4, version)).find("version is " + std::to_string(version)),
                  std::string::npos);
    }
    EXPECT_NE(gguf_refusal(with(file, 4, std::uint32_t{0x03000000})).find("big-endian"), std::string::npos);
}

TEST(GgufCheck, Counts) {
    const std::string file = smallest_model().file();
    for (const std::size_t offset : {8U, 16U}) {
        for (const std::uint64_t count :
             {std::uint64_t{0}, std::uint64_t{9000}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
            EXPECT_NE(gguf_refusal(with(file, offset, count)).find(std::to_string(count)), std::string::npos);
        }
    }
    // One too many or too few shifts what follows. (One tensor too few is a model that lacks one.)
    const std::uint64_t tensors = static_cast<unsigned char>(file[8]);
    const std::uint64_t keys = static_cast<unsigned char>(file[16]);
    EXPECT_NE(gguf_refusal(with(file, 8, tensors + 1)), "accepted");
    EXPECT_NE(gguf_refusal(with(file, 16, keys + 1)), "accepted");
    EXPECT_NE(gguf_refusal(with(file, 16, keys - 1)), "accepted");
}

TEST(GgufCheck, Keys) {
    const auto with_key = [](std::string_view key) {
        GgufBuilder builder = smallest_model();
        GgufBuilder first;
        first.text_pair(key, "x");
        std::string file = builder.file();
        file.insert(24, first.file().substr(24, 8 + key.size() + 4 + 8 + 1));
        return with(file, 16, static_cast<std::uint64_t>(static_cast<unsigned char>(file[16]) + 1));
    };
    EXPECT_NE(gguf_refusal(with_key("")).find("length of key 0 is 0"), std::string::npos);
    EXPECT_NE(gguf_refusal(with_key(std::string("a\0b", 3))).find("with a NUL"), std::string::npos);
    EXPECT_TRUE(check(with_key("a b")).has_value());
    EXPECT_TRUE(check(with_key("größe")).has_value());
    EXPECT_NE(gguf_refusal(with_key("llama.block_count")).find("once more"), std::string::npos);
    EXPECT_NE(gguf_refusal(with_key(std::string(65536, 'k'))).find("65536"), std::string::npos);
    EXPECT_NE(gguf_refusal(with(smallest_model().file(), 24, ~std::uint64_t{0})).find("offset 24: key 0"),
              std::string::npos);
}

TEST(GgufCheck, Types) {
    const auto check_type = [](std::int32_t type) {
        GgufBuilder builder;
        builder.begin_pair("k", type);
        builder.tensor("t", {32});
        return gguf_refusal(builder.file() + std::string(1000, '\0'));
    };
    EXPECT_NE(check_type(-1).find("type of \"k\" is -1"), std::string::npos);
    EXPECT_NE(check_type(13).find("type of \"k\" is 13"), std::string::npos);

    GgufBuilder nested;
    nested.begin_array("k", 9, 1);
    nested.tensor("t", {32});
    EXPECT_NE(gguf_refusal(nested).find("no array of arrays"), std::string::npos);

    GgufBuilder flag;
    flag.bool_pair("k", 2);
    flag.tensor("t", {32});
    EXPECT_NE(gguf_refusal(flag).find("value of \"k\" is 2"), std::string::npos);
}

TEST(GgufCheck, LengthsBeyondTheFile) {
    for (const std::int32_t element : {0, 5, 6, 8, 12}) {
        for (const std::uint64_t count : {std::uint64_t{1000}, std::uint64_t{1} << 61, ~std::uint64_t{0}}) {
            GgufBuilder builder;
            builder.begin_array("k", element, count);
            builder.tensor("t", {32});
            EXPECT_NE(gguf_refusal(builder).find("length of \"k\" is " + std::to_string(count)),
                      std::string::npos);
        }
    }
    GgufBuilder text;
    text.begin_pair("k", 8);
    text.number("size", ~std::uint64_t{0});
    text.tensor("t", {32});
    EXPECT_NE(gguf_refusal(text).find("a length of 18446744073709551615"), std::string::npos);
}

TEST(GgufCheck, Alignment) {
    for (const std::uint32_t alignment : {0U, 13U, 1U << 21U}) {
        GgufBuilder builder;
        builder.u32_pair("general.alignment", alignment);
        builder.tensor("t", {32});
        EXPECT_NE(gguf_refusal(builder).find("general.alignment is " + std::to_string(alignment)),
                  std::string::npos);
    }
    GgufBuilder builder;
    builder.i32_pair("general.alignment", 32);
    builder.tensor("t", {32});
    EXPECT_NE(gguf_refusal(builder).find("general.alignment is i32"), std::string::npos);
}

class GgufTensor : public testing::Test {
  protected:
    static std::string refused(std::string_view name, const std::vector<std::int64_t>& dimensions,
                               std::int32_t type = 0, std::uint64_t offset = 128) {
        GgufBuilder builder;
        builder.u32_pair("k", 1);
        builder.tensor("first", {32});
        builder.tensor(name, dimensions, type, offset);
        return gguf_refusal(builder.file() + std::string(4096, '\0'));
    }
};

TEST_F(GgufTensor, Names) {
    EXPECT_NE(refused("", {32}).find("length of the name of tensor 1 is 0"), std::string::npos);
    EXPECT_NE(refused(std::string(64, 'n'), {32}).find("is 64, expected 1 to 63"), std::string::npos);
    EXPECT_NE(refused("first", {32}).find("that of tensor 0"), std::string::npos);
    EXPECT_NE(refused(std::string("a\0b", 3), {32}).find("NUL"), std::string::npos);
}

TEST_F(GgufTensor, Shapes) {
    EXPECT_NE(refused("t", {}).find("dimension count"), std::string::npos);
    EXPECT_NE(refused("t", {1, 1, 1, 1, 1}).find("is 5, expected 1 to 4"), std::string::npos);
    EXPECT_NE(refused("t", {0}).find("is 0, expected more than 0"), std::string::npos);
    EXPECT_NE(refused("t", {32, -1}).find("is -1, expected more than 0"), std::string::npos);
    const std::int64_t half = std::int64_t{1} << 32;
    EXPECT_NE(refused("t", {half, half}).find("2^63 elements"), std::string::npos);
    EXPECT_NE(refused("t", {std::int64_t{1} << 61}).find("2^63 bytes"), std::string::npos);
    EXPECT_NE(refused("t", {0x7FFFFFFFFFFFFFC0}).find("2^63"), std::string::npos);
}

TEST_F(GgufTensor, TypesThatDoNotExist) {
    for (const std::int32_t type : {-1, 4, 5, 31, 32, 33, 36, 37, 38, 1000}) {
        EXPECT_NE(refused("t", {32}, type).find("is " + std::to_string(type)), std::string::npos) << type;
    }
}

TEST_F(GgufTensor, TypesThatNothingComputesWith) {
    for (const ggml_type type : {GGML_TYPE_Q8_1, GGML_TYPE_Q8_K, GGML_TYPE_I8, GGML_TYPE_I16, GGML_TYPE_I32,
                                 GGML_TYPE_I64, GGML_TYPE_F64}) {
        EXPECT_NE(refused("t", {256}, type).find("expected a type of weights"), std::string::npos) << type;
    }
    EXPECT_NE(refused("blk.0.attn_norm.weight", {32}, GGML_TYPE_F16).find("is f16, expected f32"),
              std::string::npos);
    EXPECT_NE(refused("blk.0.attn_q.bias", {32}, GGML_TYPE_F16).find("is f16, expected f32"),
              std::string::npos);
}

TEST_F(GgufTensor, RowsThatDoNotFillBlocks) {
    EXPECT_NE(refused("t", {31}, 2).find("rows of a multiple of 32"), std::string::npos);
    EXPECT_NE(refused("t", {32, 8}, 12).find("rows of a multiple of 256"), std::string::npos);
}

TEST_F(GgufTensor, OffsetsWithGapOrOverlap) {
    for (const std::uint64_t offset :
         {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{160}, ~std::uint64_t{0}}) {
        EXPECT_NE(refused("t", {32}, 0, offset).find("expected 128, where the tensor before it ends"),
                  std::string::npos);
    }
}

TEST(GgufCheck, TensorsWhoseSumOverflows) {
    GgufBuilder builder;
    builder.u32_pair("k", 1);
    const std::int64_t huge = 0x1FFFFFFFFFFFFFF0; // 2^63 bytes less 64, as f32
    builder.tensor("a", {huge}, 0, 0);
    builder.tensor("b", {huge}, 0, 0x7FFFFFFFFFFFFFC0);
    builder.tensor("c", {huge}, 0, 0xFFFFFFFFFFFFFF80);
    EXPECT_NE(gguf_refusal(builder).find("tensor 2"), std::string::npos) << gguf_refusal(builder);
}

TEST(GgufCheck, SplitFiles) {
    GgufBuilder split;
    split.u16_pair("split.count", 3);
    split.tensor("t", {32});
    EXPECT_NE(gguf_refusal(split).find("\"split.count\" is 3, expected a model in one file"),
              std::string::npos);
}

TEST(GgufCheck, TokensOfEqualText) {
    EXPECT_NE(gguf_refusal(smallest_model({.tokens = {"a", "b", "a"}}))
                  .find("token 2 is \"a\", the same as token 0"),
              std::string::npos);
    // libllama's texts end at a NUL, and it names empty ones by their number.
    EXPECT_NE(gguf_refusal(smallest_model({.tokens = {"a", std::string("a\0b", 3)}})).find("token 1"),
              std::string::npos);
    EXPECT_NE(gguf_refusal(smallest_model({.tokens = {"[EMPTY_1]", ""}})).find("token 1"), std::string::npos);
    EXPECT_TRUE(check(smallest_model({.tokens = {"", "", "x"}})).has_value());
}

TEST(GgufCheck, Merges) {
    EXPECT_TRUE(check(smallest_model({.merges = {"a b", "", " ", "ab", " b"}})).has_value());
    GgufBuilder builder = smallest_model();
    std::string file = builder.file();
    const std::size_t type = file.find("tokenizer.ggml.merges") + 21;
    EXPECT_NE(gguf_refusal(with(file, type, std::int32_t{8})), "accepted");
}

// Pairs that are good in themselves and bad for libllama.
TEST(GgufCheck, Metadata) {
    const std::string file = smallest_model().file();
    const auto value_at = [&file](std::string_view key) { return file.find(key) + key.size() + 4; };
    for (const std::uint32_t blocks : {0U, 513U, 1'000'000U}) {
        EXPECT_NE(gguf_refusal(with(file, value_at("llama.block_count"), blocks)).find("expected 1 to 512"),
                  std::string::npos);
    }
    EXPECT_NE(gguf_refusal(with(file, value_at("llama.embedding_length"), 0U)).find("llama.embedding_length"),
              std::string::npos);
    // The key's name changed, so that it is missing.
    const auto without = [&file](std::string_view key) {
        std::string changed = file;
        changed[changed.find(key)] = 'X';
        return gguf_refusal(changed);
    };
    for (const char* key : {"general.architecture", "llama.block_count", "tokenizer.ggml.model"}) {
        EXPECT_NE(without(key).find("key \"" + std::string(key) + "\" is missing"), std::string::npos) << key;
    }
    std::string no_vocabulary = file;
    no_vocabulary.replace(no_vocabulary.find("gpt2"), 4, "none");
    const auto summary = check(no_vocabulary);
    ASSERT_TRUE(summary.has_value()) << summary.error().message;
    EXPECT_FALSE(summary->has_vocabulary());
    EXPECT_EQ(summary->token_count, 10U);
}

TEST(GgufCheck, ArraysThatDoNotMatchTheTokens) {
    std::string file = smallest_model().file();
    const std::size_t scores = file.find("tokenizer.ggml.scores") + 21;
    EXPECT_NE(gguf_refusal(with(file, scores + 4, std::int32_t{4})).find("tokenizer.ggml.scores"),
              std::string::npos);
    GgufBuilder builder;
    builder.text_pair("general.architecture", "llama");
    builder.u32_pair("llama.block_count", 1);
    builder.text_pair("tokenizer.ggml.model", "gpt2");
    builder.texts_pair("tokenizer.ggml.tokens", {"a", "b"});
    builder.numbers_pair("tokenizer.ggml.token_type", 5, std::vector<std::int32_t>{1});
    builder.tensor("t", {32});
    EXPECT_NE(gguf_refusal(builder).find("is 1, expected at least 2"), std::string::npos);
}

TEST(GgufCheck, ChatTemplateTooLong) {
    GgufBuilder builder;
    builder.text_pair("general.architecture", "llama");
    builder.u32_pair("llama.block_count", 1);
    builder.text_pair("tokenizer.ggml.model", "gpt2");
    builder.texts_pair("tokenizer.ggml.tokens", {"a", "b"});
    builder.text_pair("tokenizer.chat_template", std::string((std::size_t{1} << 20) + 1, 'x'));
    builder.tensor("t", {32});
    EXPECT_NE(gguf_refusal(builder).find("tokenizer.chat_template"), std::string::npos);
}

TEST(GgufCheck, MessagesShowNoControlCharacters) {
    GgufBuilder builder = smallest_model({.tokens = {"\x1B[2J", "\x1B[2J"}});
    EXPECT_EQ(gguf_refusal(builder).find('\x1B'), std::string::npos);
}

TEST(GgufCheckFile, WhatIsNoReadableFile) {
    const auto missing = check_gguf_file("/no/such/model.gguf");
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().fault, Fault::model_missing);
    EXPECT_EQ(missing.error().message, "/no/such/model.gguf: No such file or directory");
    EXPECT_EQ(check_gguf_file("/").error().message, "/: not a regular file");

    const std::string pipe = testing::TempDir() + "vb-pipe-" + std::to_string(getpid());
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_EQ(check_gguf_file(pipe).error().fault, Fault::model_missing);
    unlink(pipe.c_str());
}

TEST(GgufCheckFile, AnEmptyFile) {
    const std::string path = testing::TempDir() + "vb-empty-" + std::to_string(getpid());
    std::ofstream(path).close();
    const auto summary = check_gguf_file(path);
    unlink(path.c_str());
    ASSERT_FALSE(summary.has_value());
    EXPECT_NE(summary.error().message.find("offset 0: magic is the end of the file"), std::string::npos);
}

} // namespace
} // namespace vb::engine
