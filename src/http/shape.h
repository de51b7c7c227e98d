// The reply to one exchange in the form of one API: what the engine says goes in, the text to send comes out. No sockets, no
// engine calls.
#pragma once

#include "engine/engine.h"
#include "http/error_reply.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vb::http {

// What every part of one reply repeats.
struct ReplyHead {
    std::string id;
    std::int64_t created = 0; // Unix time
    std::string model;
};
// Names what computed a reply.
extern const std::string_view system_fingerprint;
// "chatcmpl-" and the like with a number that nobody guesses.
std::string new_id(std::string_view prefix);
ReplyHead new_head(std::string_view prefix, std::string_view model);

class Shape {
  public:
    virtual ~Shape() = default;

    // Each returns what is to be sent now, of a stream; of an answer that goes out whole nothing until end(), which
    // returns all of it. `answer`: 0, 1, ... of several to one exchange.
    virtual std::string text(std::size_t answer, std::string_view piece) = 0;
    virtual void token(std::size_t answer, const engine::ChosenToken& token) = 0;
    virtual std::string tool_call(std::size_t answer, const engine::ToolCall& call) = 0;
    virtual std::string finished(std::size_t answer, const engine::Outcome& outcome) = 0;
    // All of them have finished.
    virtual std::string end() = 0;
    // Instead, of a stream that has begun.
    virtual std::string fail(const ErrorReply& error) = 0;
};

// The tokens of an answer that no text was seen of yet.
class PendingTokens {
  public:
    void add(const engine::ChosenToken& token) { tokens_.push_back(token); }
    std::vector<engine::ChosenToken> take() { return std::exchange(tokens_, {}); }
    // Those that are left over ended the answer, unless it was cut off: then they began a character.
    std::vector<engine::ChosenToken> take_last(engine::Finish finish) {
        if (finish == engine::Finish::stop) { tokens_.clear(); }
        return take();
    }

  private:
    std::vector<engine::ChosenToken> tokens_;
};

struct Answer {
    std::string text;
    std::vector<engine::ChosenToken> tokens; // where they were asked for
    std::vector<engine::ToolCall> calls;
    engine::Outcome outcome;
    PendingTokens pending;
};

// Collects the answers, for those that go out whole.
class WholeShape : public Shape {
  public:
    explicit WholeShape(std::size_t answers) : answers_(answers) {}

    std::string text(std::size_t answer, std::string_view piece) final;
    void token(std::size_t answer, const engine::ChosenToken& token) final;
    std::string tool_call(std::size_t answer, const engine::ToolCall& call) final;
    std::string finished(std::size_t answer, const engine::Outcome& outcome) final;
    std::string fail(const ErrorReply& error) final { return error_json(error); }

  protected:
    const std::vector<Answer>& answers() const noexcept { return answers_; }

  private:
    std::vector<Answer> answers_;
};

// "stop", "length" or "tool_calls"
std::string_view finish_reason(engine::Finish finish, bool has_calls);
// Of all answers together: each prompt counts once, and has `answers` of them, one after the other.
void add_usage(engine::Usage& sum, const engine::Usage& one, std::size_t answer, std::size_t answers);

} // namespace vb::http
