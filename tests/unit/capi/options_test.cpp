// Structs of other versions of the interface, and values that mean nothing.
#include "tiny_model.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace vector_boot::testing {
namespace {

// The options with something behind them that only a newer interface has.
template <class Options>
struct Newer {
    Options known;
    std::uint64_t unknown = 0;
};

TEST(ModelOptions, OfANewerInterfaceAreTakenWhileTheyAskForNothingNew) {
    Newer<vb_model_options> options{VB_MODEL_OPTIONS_INIT};
    options.known.struct_size = sizeof options;
    vb_model* model = nullptr;
    ASSERT_EQ(vb_model_open(VB_TINY_MODEL, &options.known, &model), VB_OK) << vb_error_last();
    vb_model_free(model);
    options.unknown = 1;
    EXPECT_EQ(vb_model_open(VB_TINY_MODEL, &options.known, &model), VB_ERROR_ARGUMENT);
    EXPECT_EQ(model, nullptr);
    EXPECT_NE(std::string(vb_error_last()).find("vb_model_open: byte "), std::string::npos)
        << vb_error_last();
}

TEST(ModelOptions, OfAnOlderInterfaceEndWhereTheyEnd) {
    vb_model_options options = VB_MODEL_OPTIONS_INIT;
    options.struct_size = 2 * sizeof(std::uint32_t);
    options.context = 256;
    options.threads = 1'000'000; // beyond the end: not looked at
    vb_model* model = nullptr;
    ASSERT_EQ(vb_model_open(VB_TINY_MODEL, &options, &model), VB_OK) << vb_error_last();
    vb_model_info info = VB_MODEL_INFO_INIT;
    ASSERT_EQ(vb_model_get_info(model, &info), VB_OK);
    EXPECT_EQ(info.context, 256U);
    vb_model_free(model);
}

TEST(ModelOptions, AreCheckedFieldByField) {
    const auto refused = [](auto change, const char* why) {
        vb_model_options options = VB_MODEL_OPTIONS_INIT;
        change(options);
        vb_model* model = nullptr;
        EXPECT_EQ(vb_model_open(VB_TINY_MODEL, &options, &model), VB_ERROR_ARGUMENT) << why;
        EXPECT_EQ(std::string(vb_error_last()), std::string("vb_model_open: options.") + why);
        vb_model_free(model);
    };
    const std::string size = std::to_string(sizeof(vb_model_options));
    refused([](auto& o) { o.struct_size = 0; },
            ("struct_size is 0, expected " + size + "; begin with the struct's _INIT").c_str());
    refused([](auto& o) { o.struct_size = 4097; },
            ("struct_size is 4097, expected " + size + "; begin with the struct's _INIT").c_str());
    refused([](auto& o) { o.parallel = 65; }, "parallel is 65, expected at most 64");
    refused([](auto& o) { o.threads = 513; }, "threads is 513, expected at most 512");
    refused([](auto& o) { o.context = 1U << 31; }, "context is 2147483648, expected at most 2147483647");
    refused([](auto& o) { o.reserved = 1; }, "reserved is 1, expected 0");
    refused([](auto& o) { o.reserved_too = 7; }, "reserved_too is 7, expected 0");
    refused([](auto& o) { o.log_level = 8; },
            "log_level is 8, expected 0 or VB_LOG_ERROR (3) to VB_LOG_DEBUG (7)");
}

class RequestOptionsOf : public TinyModel {
  protected:
    std::int32_t begin(const vb_request_options& options) {
        vb_request* request = nullptr;
        const std::int32_t status = vb_model_chat(model.handle(), question, &options, &request);
        if (status == VB_OK) {
            EXPECT_EQ(vb_request_run(request, nullptr, nullptr), VB_OK);
            EXPECT_STREQ(vb_error_last(), "");
        } else {
            EXPECT_EQ(request, nullptr);
        }
        vb_request_free(request);
        return status;
    }
    template <class Change>
    void refused(Change change, const std::string& why, std::int32_t status = VB_ERROR_ARGUMENT) {
        vb_request_options options = VB_REQUEST_OPTIONS_INIT;
        change(options);
        EXPECT_EQ(begin(options), status) << why;
        EXPECT_EQ(std::string(vb_error_last()), "vb_model_chat: options." + why);
    }
};

TEST_F(RequestOptionsOf, NewerAndOlderInterfaces) {
    Newer<vb_request_options> options{VB_REQUEST_OPTIONS_INIT};
    options.known.struct_size = sizeof options;
    options.known.max_tokens = 2;
    EXPECT_EQ(begin(options.known), VB_OK);
    options.unknown = 1;
    EXPECT_EQ(begin(options.known), VB_ERROR_ARGUMENT);
    options.known.struct_size = 2 * sizeof(std::uint32_t);
    options.known.temperature = -1; // beyond the end
    EXPECT_EQ(begin(options.known), VB_OK);
}

TEST_F(RequestOptionsOf, SamplingIsChecked) {
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    constexpr float infinity = std::numeric_limits<float>::infinity();
    refused([](auto& o) { o.temperature = -0.5F; }, "temperature is -0.500000, expected 0 or more");
    refused([](auto& o) { o.temperature = infinity; }, "temperature is inf, expected 0 or more");
    refused([](auto& o) { o.temperature = nan; }, "temperature is nan, expected 0 or more");
    refused([](auto& o) { o.top_p = 1.5F; }, "top_p is 1.500000, expected 0 to 1");
    refused([](auto& o) { o.min_p = -1; }, "min_p is -1.000000, expected 0 to 1");
    refused([](auto& o) { o.repeat_penalty = -1; }, "repeat_penalty is -1.000000, expected 0 or more");
    refused([](auto& o) { o.frequency_penalty = nan; }, "frequency_penalty is nan, expected a finite number");
    refused([](auto& o) { o.presence_penalty = -infinity; },
            "presence_penalty is -inf, expected a finite number");
    refused([](auto& o) { o.logprobs = 22; }, "logprobs is 22, expected at most 21");
}

TEST_F(RequestOptionsOf, ArraysAreChecked) {
    const char* stop[] = {"a", nullptr, ""};
    refused([](auto& o) { o.stop_count = 1; }, "stop is NULL, but stop_count is 1");
    refused([&](auto& o) { o.stop = stop, o.stop_count = 3; }, "stop[1] is NULL, expected a text");
    refused([&](auto& o) { o.stop = stop + 2, o.stop_count = 1; }, "stop[0] is empty, expected a text");
    refused([](auto& o) { o.logit_bias_count = 2; }, "logit_bias is NULL, but logit_bias_count is 2");
    vb_logit_bias bias{-1, 1};
    const auto with_bias = [&bias](vb_request_options& o) { o.logit_bias = &bias, o.logit_bias_count = 1; };
    const std::string last = std::to_string(model.info()->vocabulary - 1);
    refused(with_bias, "logit_bias[0].token is -1, expected 0 to " + last);
    bias = {INT32_MAX, 1};
    refused(with_bias, "logit_bias[0].token is 2147483647, expected 0 to " + last);
    bias = {0, std::numeric_limits<float>::infinity()};
    refused(with_bias, "logit_bias[0].bias is no number or infinite, expected a number or -INFINITY");
    bias = {0, -std::numeric_limits<float>::infinity()};
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.max_tokens = 2;
    with_bias(options);
    EXPECT_EQ(begin(options), VB_OK);
}

TEST_F(RequestOptionsOf, AGrammarAndASchemaExcludeEachOther) {
    refused([](auto& o) { o.grammar = "root ::= \"a\"", o.schema = "{}"; },
            "grammar and schema are both set, expected one of them");
}

TEST_F(TinyModel, FillsStructsOfOtherVersions) {
    struct {
        vb_model_info known = VB_MODEL_INFO_INIT;
        std::uint64_t unknown = 99;
    } newer;
    newer.known.struct_size = sizeof newer;
    ASSERT_EQ(vb_model_get_info(model.handle(), &newer.known), VB_OK);
    EXPECT_EQ(newer.known.context, 2048U);
    EXPECT_EQ(newer.known.struct_size, sizeof newer);
    EXPECT_EQ(newer.unknown, 0U);

    vb_model_info older = VB_MODEL_INFO_INIT;
    older.struct_size = offsetof(vb_model_info, trained_context);
    ASSERT_EQ(vb_model_get_info(model.handle(), &older), VB_OK);
    EXPECT_EQ(older.context, 2048U);
    EXPECT_EQ(older.trained_context, 0U);
    older.struct_size = 0;
    EXPECT_EQ(vb_model_get_info(model.handle(), &older), VB_ERROR_ARGUMENT);

    auto request = model.chat(question, {.max_tokens = 2});
    ASSERT_TRUE(request.has_value());
    vb_piece piece = VB_PIECE_INIT;
    piece.struct_size = 0;
    EXPECT_EQ(vb_request_next(request->handle(), 0, &piece), VB_ERROR_ARGUMENT);
    vb_result result = VB_RESULT_INIT;
    result.struct_size = 3;
    EXPECT_EQ(vb_request_get_result(request->handle(), &result), VB_ERROR_ARGUMENT);
}

} // namespace
} // namespace vector_boot::testing
