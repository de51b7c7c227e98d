// One request: its pieces, its end, and what it may ask for.
#include "tiny_model.h"

#include <array>
#include <chrono>
#include <cmath>
#include <set>

namespace vector_boot::testing {
namespace {

using namespace std::chrono_literals;

TEST_F(TinyModel, AnswersTheSameGreedyTextEachTime) {
    const std::string answer = ask(model, 12);
    EXPECT_FALSE(answer.empty());
    EXPECT_EQ(ask(model, 12), answer);
}

TEST_F(TinyModel, PiecesJoinToTheAnswerAndEndOnce) {
    auto request = model.chat(question, {.max_tokens = 12});
    ASSERT_TRUE(request.has_value()) << request.error().message;
    std::string answer;
    vb_piece piece = VB_PIECE_INIT;
    std::int32_t status = VB_OK;
    while ((status = vb_request_next(request->handle(), -1, &piece)) == VB_OK) {
        EXPECT_EQ(piece.text[piece.length], '\0');
        EXPECT_EQ(piece.tokens, nullptr);
        answer.append(piece.text, piece.length);
    }
    EXPECT_EQ(status, VB_END);
    EXPECT_EQ(piece.length, 0U);
    EXPECT_STREQ(piece.text, "");
    EXPECT_EQ(vb_request_next(request->handle(), -1, &piece), VB_END);
    EXPECT_EQ(vb_request_run(request->handle(), nullptr, nullptr), VB_OK);
    EXPECT_EQ(answer, ask(model, 12));
}

TEST_F(TinyModel, TheRangeOfARequestIsItsPieces) {
    auto request = model.chat(question, {.max_tokens = 12});
    ASSERT_TRUE(request.has_value());
    std::string answer;
    for (const Piece& piece : *request) {
        answer += piece.text;
    }
    EXPECT_FALSE(request->error().has_value());
    EXPECT_EQ(answer, ask(model, 12));
}

// One at a time, so that when a later request has ended, an earlier one has too.
class OneAtATime : public ::testing::Test {
  protected:
    Model model = open_tiny({.parallel = 1});
};

TEST_F(OneAtATime, WhatNobodyReadsComesAsOnePiece) {
    auto request = model.chat(question, {.max_tokens = 12});
    ASSERT_TRUE(request.has_value());
    const std::string answer = ask(model, 12);
    Piece piece;
    ASSERT_EQ(request->next(piece), Request::Next::piece);
    EXPECT_EQ(piece.text, answer);
    EXPECT_EQ(request->next(piece), Request::Next::end);
}

TEST_F(TinyModel, NextDoesNotWaitLongerThanItIsTold) {
    auto request = model.complete("Once upon a time", {.max_tokens = 1500});
    ASSERT_TRUE(request.has_value());
    Piece piece;
    // The prompt alone takes longer than no time at all.
    const auto got = request->next(piece, 0ms);
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(*got, Request::Next::nothing_yet);
    EXPECT_FALSE(request->result().has_value());
    vb_result result = VB_RESULT_INIT;
    result.prompt_tokens = 77;
    EXPECT_EQ(vb_request_get_result(request->handle(), &result), VB_AGAIN);
    EXPECT_EQ(result.prompt_tokens, 77U);
    // With time enough something comes.
    EXPECT_EQ(request->next(piece, 60s), Request::Next::piece);
}

TEST_F(TinyModel, SaysHowItEnded) {
    auto request = model.chat(question, {.max_tokens = 5});
    ASSERT_TRUE(request.has_value());
    ASSERT_TRUE(request->text().has_value());
    const auto result = request->result();
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->struct_size, sizeof(vb_result));
    EXPECT_EQ(result->finish, VB_FINISH_LENGTH);
    EXPECT_EQ(result->completion_tokens, 5U);
    EXPECT_EQ(result->prompt_tokens, model.tokenize(*model.render(question))->size());
    EXPECT_GT(result->first_token_ns, 0U);
    EXPECT_GE(result->total_ns, result->first_token_ns);
}

TEST_F(TinyModel, AStopStringEndsTheAnswerBeforeIt) {
    const std::string whole = ask(model, 16);
    ASSERT_GT(whole.size(), 6U);
    const std::string stop = whole.substr(whole.size() / 2, 3);
    auto request = model.chat(question, {.max_tokens = 16, .stop = {"never that", stop}});
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->text(), whole.substr(0, whole.find(stop)));
    EXPECT_EQ(request->result()->finish, VB_FINISH_STOP);
}

TEST_F(TinyModel, GoesOnWithTextOrWithItsTokens) {
    const std::string text = "Once upon a time";
    const std::string by_text = read(model.complete(text, {.max_tokens = 8}));
    EXPECT_FALSE(by_text.empty());
    EXPECT_EQ(read(model.complete(*model.tokenize(text), {.max_tokens = 8})), by_text);
}

TEST_F(TinyModel, ATextMayHoldANul) {
    const std::string_view text("one\0two", 7);
    auto request = model.complete(text, {.max_tokens = 2});
    ASSERT_TRUE(request.has_value());
    ASSERT_TRUE(request->text().has_value());
    EXPECT_EQ(request->result()->prompt_tokens, model.tokenize(text)->size());
}

TEST_F(TinyModel, SaysWhatIsWrongWithMessages) {
    for (const char* const wrong : {"", "not json", "{}", "[]", "[3]", R"([{"role":"user"}])"}) {
        EXPECT_EQ(read(model.chat(wrong)), "VB_ERROR_REQUEST") << wrong;
    }
    auto request = model.chat("not json");
    ASSERT_TRUE(request.has_value());
    const auto first = request->text();
    const auto second = request->text();
    ASSERT_FALSE(first.has_value() || second.has_value());
    EXPECT_FALSE(first.error().message.empty());
    EXPECT_EQ(first.error().message, second.error().message);
    EXPECT_EQ(request->result()->finish, VB_FINISH_NONE);
}

TEST_F(TinyModel, SaysThatAPromptIsTooLong) {
    std::string text;
    for (int word = 0; word < 3000; ++word) {
        text += " word" + std::to_string(word);
    }
    EXPECT_EQ(read(model.complete(text)), "VB_ERROR_CONTEXT");
}

TEST_F(TinyModel, RefusesAnEmptyPromptAndABadGrammar) {
    EXPECT_EQ(read(model.complete(std::span<const std::int32_t>())), "VB_ERROR_REQUEST");
    EXPECT_EQ(read(model.chat(question, {.grammar = "root ::= ("})), "VB_ERROR_REQUEST");
}

TEST_F(TinyModel, AGrammarIsObeyed) {
    EXPECT_EQ(read(model.chat(question, {.grammar = R"(root ::= "yes, " [0-9] [0-9])"})).substr(0, 5),
              "yes, ");
}

TEST_F(TinyModel, AForbiddenTokenDoesNotCome) {
    const std::string usual = ask(model, 1);
    const auto tokens = model.tokenize(usual, false);
    ASSERT_TRUE(tokens.has_value());
    ASSERT_GE(tokens->size(), 1U);
    const std::string other =
        read(model.chat(question, {.max_tokens = 1, .logit_bias = {{(*tokens)[0], -INFINITY}}}));
    EXPECT_NE(other, usual);
}

TEST_F(TinyModel, ASeedDecidesAndNoSeedDoesNot) {
    const auto sampled = [this](std::optional<std::uint32_t> seed) {
        return read(model.chat(question, {.max_tokens = 12, .temperature = 2, .seed = seed}));
    };
    EXPECT_EQ(sampled(0), sampled(0));
    EXPECT_EQ(sampled(0xFFFFFFFF), sampled(0xFFFFFFFF));
    EXPECT_NE(sampled(1), sampled(2));
    const std::set<std::string> distinct = {sampled({}), sampled({}), sampled({}), sampled({})};
    EXPECT_GT(distinct.size(), 1U);
}

TEST_F(TinyModel, LogprobsDescribeTheAnswersTokens) {
    auto request = model.chat(question, {.max_tokens = 6, .alternatives = 3});
    ASSERT_TRUE(request.has_value());
    std::string text;
    std::string of_tokens;
    std::size_t count = 0;
    for (const Piece& piece : *request) {
        text += piece.text;
        for (const vb_chosen_token& chosen : piece.tokens) {
            ++count;
            of_tokens.append(chosen.token.text, chosen.token.length);
            EXPECT_LE(chosen.token.logprob, 0);
            ASSERT_EQ(chosen.alternative_count, 3U);
            const std::span others(chosen.alternatives, chosen.alternative_count);
            // Greedy: the chosen one is the likeliest, and they stand in order.
            EXPECT_GE(chosen.token.logprob, others[0].logprob);
            EXPECT_GE(others[0].logprob, others[1].logprob);
            EXPECT_GE(others[1].logprob, others[2].logprob);
            EXPECT_GT(others[2].length, 0U);
        }
    }
    ASSERT_FALSE(request->error().has_value()) << request->error()->message;
    EXPECT_EQ(count, 6U);
    // A token may be a part of a character; the text shows what never became a whole one as U+FFFD.
    const std::string whole = text.substr(0, text.find("\xEF\xBF\xBD"));
    ASSERT_GT(whole.size(), 4U);
    EXPECT_EQ(of_tokens.substr(0, whole.size()), whole);
}

TEST_F(TinyModel, LogprobsWithoutAlternatives) {
    auto request = model.chat(question, {.max_tokens = 3, .alternatives = 0});
    ASSERT_TRUE(request.has_value());
    std::size_t count = 0;
    for (const Piece& piece : *request) {
        for (const vb_chosen_token& chosen : piece.tokens) {
            ++count;
            EXPECT_EQ(chosen.alternative_count, 0U);
            EXPECT_EQ(chosen.alternatives, nullptr);
        }
    }
    EXPECT_EQ(count, 3U);
}

TEST_F(TinyModel, ADeadlineEndsIt) {
    auto request = model.complete("Once", {.slides = true, .deadline = 50ms});
    ASSERT_TRUE(request.has_value());
    const auto text = request->text();
    ASSERT_FALSE(text.has_value());
    EXPECT_EQ(text.error().status, VB_ERROR_DEADLINE);
    EXPECT_EQ(request->result()->finish, VB_FINISH_NONE);
    EXPECT_GE(request->result()->total_ns, 50'000'000U);
    EXPECT_EQ(read(model.chat(question, {.max_tokens = 2, .deadline = std::chrono::milliseconds::max()})),
              ask(model, 2));
}

TEST_F(TinyModel, ACallbackThatSaysSoCancels) {
    auto request = model.chat(question, {.max_tokens = 500});
    ASSERT_TRUE(request.has_value());
    int calls = 0;
    const auto stop = [](const vb_piece*, void* user_data) -> std::int32_t {
        ++*static_cast<int*>(user_data);
        return 1;
    };
    EXPECT_EQ(vb_request_run(request->handle(), stop, &calls), VB_ERROR_CANCELLED);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(vb_request_run(request->handle(), stop, &calls), VB_ERROR_CANCELLED);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(request->result()->finish, VB_FINISH_NONE);
}

TEST_F(OneAtATime, CancellingBeforeTheEndIsReadCancelsHoweverFarItIs) {
    auto request = model.chat(question, {.max_tokens = 1});
    ASSERT_TRUE(request.has_value());
    ASSERT_FALSE(ask(model).empty());
    request->cancel();
    EXPECT_EQ(request->text().error().status, VB_ERROR_CANCELLED);
}

TEST_F(TinyModel, CancellingAfterTheEndChangesNothing) {
    auto request = model.chat(question, {.max_tokens = 1});
    ASSERT_TRUE(request.has_value());
    ASSERT_TRUE(request->text().has_value());
    request->cancel();
    Piece piece;
    EXPECT_EQ(request->next(piece), Request::Next::end);
    EXPECT_EQ(request->result()->finish, VB_FINISH_LENGTH);
}

TEST_F(TinyModel, AFunctionThatThrowsIsNotLetThrough) {
    auto request = model.chat(question, {.max_tokens = 2});
    ASSERT_TRUE(request.has_value());
    const auto throws = [](const vb_piece*, void*) -> std::int32_t {
        throw std::runtime_error("of the caller");
    };
    EXPECT_EQ(vb_request_run(request->handle(), throws, nullptr), VB_ERROR_INTERNAL);
    EXPECT_STREQ(vb_error_last(), "vb_request_run: of the caller");
}

TEST_F(TinyModel, AJsonSchemaIsObeyedOrRefused) {
    auto request = model.chat(question, {.schema = R"({"enum":["yes","no"]})"});
    ASSERT_TRUE(request.has_value());
    const auto text = request->text();
    ASSERT_TRUE(text.has_value()) << text.error().message;
    EXPECT_TRUE(*text == "\"yes\"" || *text == "\"no\"") << *text;
    request = model.chat(question, {.schema = "{"});
    ASSERT_TRUE(request.has_value());
    const auto refused = request->text();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().status, VB_ERROR_REQUEST);
    EXPECT_TRUE(refused.error().message.starts_with("schema: ")) << refused.error().message;
}

} // namespace
} // namespace vector_boot::testing
