#include "http/response_shape.h"

#include "http/response_wire.h"

#include <algorithm>
#include <ctime>
#include <format>
#include <iterator>

namespace vb::http {

namespace {

constexpr std::string_view running = "in_progress";
constexpr std::string_view complete = "completed";
constexpr std::string_view cut_off = "incomplete";

std::string_view or_else(const std::string& text, std::string_view usual) {
    return text.empty() ? usual : std::string_view(text);
}

wire::ResponseUsage usage_of_response(const engine::Usage& usage) {
    return {.input_tokens = usage.prompt_tokens,
            .input_tokens_details = {.cached_tokens = usage.cached_tokens},
            .output_tokens = usage.completion_tokens,
            .output_tokens_details = {},
            .total_tokens = usage.prompt_tokens + usage.completion_tokens};
}

class ResponseShape final : public Shape {
  public:
    ResponseShape(ReplyHead head, const ResponseRequest& request)
        : head_(std::move(head)), repeated_(request.repeated), is_stream_(request.stream) {}

    std::string text(std::size_t, std::string_view piece) override {
        std::string events = begin();
        if (!is_writing_) { events += open_message(); }
        auto tokens = logprobs_of(pending_.take());
        wire::OutputText& part = open_part();
        part.text += piece;
        if (is_stream_) {
            events += numbered(wire::TextDeltaEvent{.sequence_number = sequence_++,
                                                    .item_id = message().id,
                                                    .output_index = output_.size() - 1,
                                                    .content_index = 0,
                                                    .delta = piece,
                                                    .logprobs = tokens});
        }
        std::ranges::move(tokens, std::back_inserter(part.logprobs));
        return events;
    }
    void token(std::size_t, const engine::ChosenToken& token) override { pending_.add(token); }

    std::string tool_call(std::size_t, const engine::ToolCall& call) override {
        std::string events = begin();
        events += close_message(complete);
        pending_.take();
        wire::OutputCall item{.id = new_id("fc_"),
                              .status = running,
                              .call_id = new_id("call_"),
                              .name = call.name,
                              .arguments = {}};
        output_.emplace_back(item);
        events += item_event("response.output_item.added");
        item.arguments = call.arguments;
        item.status = complete;
        output_.back() = item;
        if (is_stream_) {
            const std::size_t index = output_.size() - 1;
            events += numbered(wire::ArgumentsDeltaEvent{.sequence_number = sequence_++,
                                                         .item_id = item.id,
                                                         .output_index = index,
                                                         .delta = call.arguments});
            events += numbered(wire::ArgumentsDoneEvent{.sequence_number = sequence_++,
                                                        .item_id = item.id,
                                                        .output_index = index,
                                                        .name = call.name,
                                                        .arguments = call.arguments});
        }
        return events += item_event("response.output_item.done");
    }

    std::string finished(std::size_t, const engine::Outcome& outcome) override {
        status_ = finish_reason(outcome.finish, false) == "length" ? cut_off : complete;
        std::string events = begin();
        // Even an answer without a word is a message.
        if (output_.empty()) { events += open_message(); }
        usage_ = outcome.usage;
        return events += close_message(status_);
    }

    std::string end() override {
        if (!is_stream_) { return json(response(status_)); }
        return response_event(status_ == complete ? "response.completed" : "response.incomplete", status_);
    }

    std::string fail(const ErrorReply& error) override {
        failure_ = error.message;
        return response_event("response.failed", "failed");
    }

  private:
    template <class Event>
    static std::string numbered(const Event& event) {
        return std::format("event: {}\ndata: {}\n\n", event.type, json(event));
    }

    wire::OutputMessage& message() { return std::get<wire::OutputMessage>(output_.back()); }
    wire::OutputText& open_part() { return message().content.front(); }

    wire::Response response(std::string_view status) const {
        wire::Response all{.id = head_.id,
                           .created_at = head_.created,
                           .status = status,
                           .completed_at = {},
                           .error = {},
                           .incomplete_details = {},
                           .instructions = repeated_.instructions,
                           .max_output_tokens = repeated_.max_output_tokens,
                           .model = head_.model,
                           .output = output_,
                           .parallel_tool_calls = repeated_.parallel_tool_calls,
                           .previous_response_id = {},
                           .reasoning = or_else(repeated_.reasoning, R"({"effort":null,"summary":null})"),
                           .metadata = or_else(repeated_.metadata, "{}"),
                           .text = or_else(repeated_.text, R"({"format":{"type":"text"}})"),
                           .tools = or_else(repeated_.tools, "[]"),
                           .tool_choice = or_else(repeated_.tool_choice, R"("auto")"),
                           .temperature = repeated_.temperature,
                           .top_p = repeated_.top_p,
                           .truncation = repeated_.truncation,
                           .usage = {},
                           .user = {}};
        if (usage_) { all.usage = usage_of_response(*usage_); }
        if (status == complete) { all.completed_at = std::time(nullptr); }
        if (status == cut_off) { all.incomplete_details.emplace(); }
        if (failure_) { all.error = {.code = "server_error", .message = *failure_}; }
        return all;
    }

    std::string response_event(std::string_view type, std::string_view status) {
        return numbered(
            wire::ResponseEvent{.type = type, .sequence_number = sequence_++, .response = response(status)});
    }
    std::string item_event(std::string_view type) {
        if (!is_stream_) { return {}; }
        return numbered(wire::ItemEvent{.type = type,
                                        .sequence_number = sequence_++,
                                        .output_index = output_.size() - 1,
                                        .item = output_.back()});
    }
    std::string part_event(std::string_view type) {
        if (!is_stream_) { return {}; }
        return numbered(wire::PartEvent{.type = type,
                                        .sequence_number = sequence_++,
                                        .item_id = message().id,
                                        .output_index = output_.size() - 1,
                                        .content_index = 0,
                                        .part = open_part()});
    }

    // Not earlier than there is something to say: until then the request can be refused with a status.
    std::string begin() {
        if (!is_stream_ || std::exchange(has_begun_, true)) { return {}; }
        const std::string created = response_event("response.created", running);
        return created + response_event("response.in_progress", running);
    }
    std::string open_message() {
        is_writing_ = true;
        output_.emplace_back(wire::OutputMessage{.id = new_id("msg_"), .status = running, .content = {}});
        std::string events = item_event("response.output_item.added");
        message().content.emplace_back();
        return events += part_event("response.content_part.added");
    }
    std::string close_message(std::string_view status) {
        if (!std::exchange(is_writing_, false)) { return {}; }
        message().status = status;
        if (!is_stream_) { return {}; }
        std::string events = numbered(wire::TextDoneEvent{.sequence_number = sequence_++,
                                                          .item_id = message().id,
                                                          .output_index = output_.size() - 1,
                                                          .content_index = 0,
                                                          .text = open_part().text,
                                                          .logprobs = open_part().logprobs});
        events += part_event("response.content_part.done");
        return events += item_event("response.output_item.done");
    }

    const ReplyHead head_;
    const RepeatedFields repeated_;
    const bool is_stream_;
    std::vector<wire::OutputItem> output_;
    PendingTokens pending_;
    std::string_view status_ = running;
    std::optional<engine::Usage> usage_;
    std::optional<std::string> failure_;
    std::uint64_t sequence_ = 0;
    bool has_begun_ = false;
    bool is_writing_ = false; // the last item is a message that goes on
};

} // namespace

std::unique_ptr<Shape> new_response_shape(const ResponseRequest& request, std::string_view model) {
    return std::make_unique<ResponseShape>(new_head("resp_", model), request);
}

} // namespace vb::http
