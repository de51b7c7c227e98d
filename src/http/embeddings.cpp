#include "http/embeddings.h"

#include "http/answers.h"
#include "http/completion_request.h"
#include "http/openai_wire.h"
#include "http/tokens.h"

#include <algorithm>
#include <bit>
#include <format>
#include <glaze/base64/base64.hpp>
#include <span>
#include <utility>
#include <variant>

namespace vb::http::wire {

struct EmbeddingItem {
    std::string_view object = "embedding";
    std::size_t index;
    std::variant<std::span<const float>, std::string> embedding;
};
struct EmbeddingUsage {
    std::size_t prompt_tokens, total_tokens;
};
struct EmbeddingList {
    std::string_view object = "list";
    std::vector<EmbeddingItem> data;
    std::string_view model;
    EmbeddingUsage usage;
};

} // namespace vb::http::wire

namespace vb::http {

namespace {

constexpr std::size_t most_inputs = 2048; // OpenAI's

// The floats as little-endian bytes, as numpy reads them.
std::string encoded(std::span<const float> values) {
    static_assert(std::endian::native == std::endian::little);
    return glz::write_base64({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

std::string embeddings_json(const EmbeddingRequest& request, const engine::Embeddings& embeddings,
                            const Backend& backend) {
    wire::EmbeddingList list{.data = {}, .model = backend.model_name(), .usage = {}};
    std::size_t tokens = 0;
    const std::span<const float> values(embeddings.values);
    for (std::size_t index = 0; index < request.inputs.size(); ++index) {
        const engine::Prompt& input = request.inputs[index];
        const auto* const text = std::get_if<std::string>(&input);
        tokens += text == nullptr ? std::get<engine::Tokens>(input).size()
                                  : backend.tokenize(*text, true).value_or(engine::Tokens()).size();
        const auto vector = values.subspan(index * embeddings.size, embeddings.size);
        auto& item = list.data.emplace_back(wire::EmbeddingItem{.index = index, .embedding = vector});
        if (request.base64) { item.embedding = encoded(vector); }
    }
    list.usage = {.prompt_tokens = tokens, .total_tokens = tokens};
    return json(list);
}

ErrorReply wrong_dimensions(std::uint32_t size) {
    return invalid_request(std::format("'dimensions' must be {}, which is what the model computes", size),
                           "dimensions");
}

} // namespace

struct Embeddings::Running {
    Exchange* exchange; // null: the client is gone
    EmbeddingRequest request;
    Queue::Place place = 0;
    bool has_begun = false;
};

std::expected<EmbeddingRequest, ErrorReply> parse_embedding_request(std::string_view body) {
    Fault fault;
    const Fields fields = Fields::of_body(body, fault);
    EmbeddingRequest request;
    request.inputs = read_prompts(fields, "input", most_inputs);
    std::string model; // there is one model: the name is checked, not used
    fields.read("model", model);
    std::string format = "float";
    fields.read("encoding_format", format);
    if (format != "float" && format != "base64") { fields.refuse("encoding_format", "float or base64"); }
    request.base64 = format == "base64";
    std::uint32_t dimensions = 0;
    if (fields.read("dimensions", dimensions, 1U, static_cast<std::uint32_t>(most_whole))) {
        request.dimensions = dimensions;
    }
    if (fault) { return std::unexpected(*fault); }
    return request;
}

Embeddings::Embeddings(Queue& queue, Backend& backend, Mailbox& mailbox)
    : queue_(queue), backend_(backend), mailbox_(mailbox) {}

Embeddings::~Embeddings() = default;

void Embeddings::start(Exchange& exchange) {
    auto request = parse_embedding_request(exchange.body());
    if (!request) { return reply_error(exchange, request.error()); }
    const bool has_tokens = std::holds_alternative<engine::Tokens>(request->inputs.front());
    if (has_tokens && !has_model(exchange, backend_)) { return; } // nobody can spell them
    if (refused_for_want_of_room(exchange, queue_, 1)) { return; }
    const Key key = ++last_;
    running_.emplace(key, Running{.exchange = &exchange, .request = *std::move(request)});
    exchange.wait([this, key] { abandon(key); });
    const Queue::Place place = queue_.add(
        {.client = exchange.client(),
         .begin = [this, key] { begin(key); },
         .give_up = [this, key](std::string_view why) { fail(key, unavailable(std::string(why))); }});
    running_.at(key).place = place;
}

void Embeddings::begin(Key key) {
    Running& running = running_.at(key);
    running.has_begun = true;
    std::vector<std::string> texts;
    for (const engine::Prompt& input : running.request.inputs) {
        const auto* const tokens = std::get_if<engine::Tokens>(&input);
        auto text = tokens == nullptr ? std::get<std::string>(input) : backend_.detokenize(*tokens, true);
        if (!text) {
            mailbox_.post([this, key, error = text.error()] { finished(key, std::unexpected(error)); });
            return;
        }
        texts.push_back(*std::move(text));
    }
    backend_.embed(std::move(texts), [this, key](const engine::Result<engine::Embeddings>& embeddings) {
        mailbox_.post([this, key, embeddings] { finished(key, embeddings); });
    });
}

void Embeddings::abandon(Key key) {
    const auto found = running_.find(key);
    found->second.exchange = nullptr;
    if (found->second.has_begun) { return; } // the engine goes on with it: its place is free when it is done
    const Queue::Place place = found->second.place;
    running_.erase(found);
    queue_.leave(place);
}

void Embeddings::fail(Key key, const ErrorReply& error) {
    const auto gone = running_.extract(key);
    if (gone.mapped().exchange != nullptr) { reply_error(*gone.mapped().exchange, error); }
}

void Embeddings::finished(Key key, const engine::Result<engine::Embeddings>& embeddings) {
    const auto found = running_.find(key);
    if (found == running_.end()) { return; }
    queue_.leave(found->second.place);
    if (!embeddings) { return fail(key, error_reply(embeddings.error(), "input")); }
    const EmbeddingRequest& request = found->second.request;
    if (request.dimensions && *request.dimensions != embeddings->size) {
        return fail(key, wrong_dimensions(embeddings->size));
    }
    const auto done = running_.extract(found);
    if (Exchange* const exchange = done.mapped().exchange) {
        exchange->reply(200, json_type, embeddings_json(request, *embeddings, backend_));
    }
}

void Embeddings::refuse_all(const ErrorReply& error) {
    std::vector<Key> keys;
    for (const auto& [key, running] : running_) {
        if (running.exchange != nullptr) { keys.push_back(key); }
    }
    for (const Key key : keys) {
        Exchange& exchange = *running_.at(key).exchange;
        abandon(key);
        reply_error(exchange, error);
    }
}

void Embeddings::end_connections() {
    for (auto& [key, running] : running_) {
        if (running.exchange != nullptr) { running.exchange->close_afterwards(); }
    }
}

} // namespace vb::http
