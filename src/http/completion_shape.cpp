#include "http/completion_shape.h"

#include "http/openai_wire.h"

#include <algorithm>
#include <map>

namespace vb::http::wire {

// Lists side by side, an element for each token: the older shape.
struct TextLogprobs {
    std::vector<std::string> tokens;
    std::vector<float> token_logprobs;
    std::vector<std::map<std::string, float>> top_logprobs;
    std::vector<std::size_t> text_offset; // in characters
};
struct TextChoice {
    std::string_view text;
    std::size_t index;
    std::optional<TextLogprobs> logprobs;
    Null finish_reason;
};
struct TextCompletion {
    // A stream's chunks have no usage, or null in all but the last: see below.
    static constexpr std::array<std::string_view, 1> left_out{"usage"};
    std::string_view id;
    std::string_view object = "text_completion";
    std::int64_t created;
    std::string_view model;
    std::vector<TextChoice> choices;
    std::optional<std::optional<Usage>> usage;
    std::string_view system_fingerprint;
};

} // namespace vb::http::wire

namespace vb::http {

namespace {

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

wire::TextLogprobs logprobs(const std::vector<engine::ChosenToken>& tokens, std::size_t& offset) {
    wire::TextLogprobs lists;
    for (const wire::TokenLogprob& one : logprobs_of(tokens)) {
        lists.text_offset.push_back(offset);
        offset += characters(one.token);
        lists.token_logprobs.push_back(one.logprob);
        auto& top = lists.top_logprobs.emplace_back();
        for (const wire::Alternative& other : one.top_logprobs) {
            top.try_emplace(other.token, other.logprob); // the likeliest of those that look alike
        }
        lists.tokens.push_back(one.token);
    }
    return lists;
}

// What every reply to one request repeats.
struct Common {
    ReplyHead head;
    std::size_t answers; // to each prompt
    bool has_logprobs;

    std::string document(std::vector<wire::TextChoice> choices,
                         std::optional<std::optional<wire::Usage>> usage) const {
        return json(wire::TextCompletion{.id = head.id,
                                         .created = head.created,
                                         .model = head.model,
                                         .choices = std::move(choices),
                                         .usage = usage,
                                         .system_fingerprint = system_fingerprint});
    }
};

// The prompts, where they are to be repeated.
class Echo {
  public:
    Echo(const CompletionRequest& request, const Backend& backend) : backend_(backend) {
        if (!request.echo) { return; }
        for (const engine::Request& one : request.engine) {
            prompts_.push_back(one.prompt);
        }
    }
    // Once the engine has begun with it: before, nobody can spell its tokens.
    std::string take(std::size_t answer) {
        if (prompts_.empty()) { return {}; }
        const engine::Prompt prompt = std::exchange(prompts_[answer], std::string());
        if (const auto* const text = std::get_if<std::string>(&prompt)) { return *text; }
        const auto text = backend_.detokenize(std::get<engine::Tokens>(prompt), true);
        return text ? valid_text(*text) : std::string();
    }

  private:
    const Backend& backend_;
    std::vector<engine::Prompt> prompts_;
};

class WholeCompletion final : public WholeShape {
  public:
    WholeCompletion(Common common, Echo echo, std::size_t answers)
        : WholeShape(answers), common_(std::move(common)), echo_(std::move(echo)) {}

    std::string end() override {
        engine::Usage usage;
        std::vector<std::string> texts;
        for (std::size_t index = 0; index < answers().size(); ++index) {
            texts.push_back(echo_.take(index) + answers()[index].text);
            add_usage(usage, answers()[index].outcome.usage, index, common_.answers);
        }
        std::vector<wire::TextChoice> choices;
        for (std::size_t index = 0; index < answers().size(); ++index) {
            std::size_t offset = 0;
            const Answer& answer = answers()[index];
            choices.push_back({.text = texts[index], .index = index, .logprobs = {}, .finish_reason = {}});
            choices.back().finish_reason = finish_reason(answer.outcome.finish, false);
            if (common_.has_logprobs) { choices.back().logprobs = logprobs(answer.tokens, offset); }
        }
        return common_.document(std::move(choices), usage_of(usage));
    }

  private:
    const Common common_;
    Echo echo_;
};

class StreamedCompletion final : public Shape {
  public:
    StreamedCompletion(Common common, Echo echo, const CompletionRequest& request)
        : common_(std::move(common)), echo_(std::move(echo)), counted_(request.include_usage),
          states_(request.engine.size()) {}

    std::string text(std::size_t answer, std::string_view piece) override {
        return chunk(answer, echo_.take(answer).append(piece), states_[answer].pending.take(), {});
    }
    void token(std::size_t answer, const engine::ChosenToken& token) override {
        states_[answer].pending.add(token);
    }
    std::string tool_call(std::size_t, const engine::ToolCall&) override { return {}; } // there are no tools
    std::string finished(std::size_t answer, const engine::Outcome& outcome) override {
        add_usage(usage_, outcome.usage, answer, common_.answers);
        return chunk(answer, echo_.take(answer), states_[answer].pending.take_last(outcome.finish),
                     finish_reason(outcome.finish, false));
    }
    std::string end() override {
        std::string events;
        if (counted_) { events = "data: " + common_.document({}, usage_of(usage_)) + "\n\n"; }
        return events += "data: [DONE]\n\n";
    }
    std::string fail(const ErrorReply& error) override { return "data: " + error_json(error) + "\n\n"; }

  private:
    struct State {
        PendingTokens pending;
        std::size_t offset = 0; // of the next token, in characters
    };

    std::string chunk(std::size_t answer, const std::string& text,
                      const std::vector<engine::ChosenToken>& tokens, wire::Null finish) {
        wire::TextChoice choice{.text = text, .index = answer, .logprobs = {}, .finish_reason = finish};
        if (common_.has_logprobs && !tokens.empty()) {
            choice.logprobs = logprobs(tokens, states_[answer].offset);
        }
        std::optional<std::optional<wire::Usage>> usage;
        if (counted_) { usage.emplace(); }
        return "data: " + common_.document({std::move(choice)}, usage) + "\n\n";
    }

    const Common common_;
    Echo echo_;
    const bool counted_;
    std::vector<State> states_;
    engine::Usage usage_;
};

} // namespace

std::unique_ptr<Shape> new_completion_shape(const CompletionRequest& request, const Backend& backend) {
    Common common{.head = new_head("cmpl-", backend.model_name()),
                  .answers = request.answers,
                  .has_logprobs = request.engine.front().alternatives.has_value()};
    Echo echo(request, backend);
    if (request.stream) {
        return std::make_unique<StreamedCompletion>(std::move(common), std::move(echo), request);
    }
    return std::make_unique<WholeCompletion>(std::move(common), std::move(echo), request.engine.size());
}

} // namespace vb::http
