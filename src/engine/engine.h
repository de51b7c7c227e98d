// The neural engine: one GGUF model, brought up as fast as the hardware allows, answering many requests side by
// side. src/engine is the only code that includes llama.h; no llama type leaves it.
// It never writes to fds 0-2, never exits the process, and is never part of PID 1 (libllama aborts on bad
// files).
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "engine/error.h"
#include "trace/timeline.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace vb::engine {

using Token = std::int32_t;
using Tokens = std::vector<Token>;

struct Options {
    static constexpr std::uint32_t most_parallel = 64;

    std::string model;                 // path of a GGUF file
    std::uint32_t context = 2048;      // tokens of one request: prompt and answer together
    std::uint32_t first_context = 512; // tokens that there is memory for at once; it grows as they come
    std::uint32_t batch = 512;         // tokens computed at once while reading prompts
    std::string cache{};               // directory for what saves time at the next start; empty: none
    std::uint32_t threads = 0;         // 0: floor(min(affinity, cgroup cpu.max))
    std::uint32_t parallel = 8;        // requests computed at once, 1 to most_parallel
    std::uint32_t kept = 0;            // tokens of past requests that stay computed; 0: as `context`
};

struct LogitBias {
    Token token;
    float bias; // added to the logit; -infinity: never
};

struct Sampling {
    float temperature = 0.8F; // 0: greedy
    std::uint32_t top_k = 40; // 0: off
    float top_p = 0.95F;
    float min_p = 0.05F;
    float repeat_penalty = 1;    // 1: off
    float frequency_penalty = 0; // 0: off
    float presence_penalty = 0;  // 0: off
    std::uint32_t penalty_tokens = 64;
    std::uint32_t seed = 0xFFFFFFFF; // 0xFFFFFFFF: a new one each time
    std::vector<LogitBias> logit_bias{};
    std::string grammar{}; // GBNF with a rule `root`; empty: none. The answer then has no calls of tools
    // A JSON schema; empty: none. Not together with a grammar. Where there are tools the answer is calls, or obeys this.
    std::string schema{};
};

enum class ToolChoice : unsigned char { automatic, none, required };

// A conversation, as a JSON array of chat messages as in OpenAI's API.
struct Messages {
    std::string json;
    std::string tools{}; // a JSON array of function tools as in OpenAI's API; empty: none
    // required: the answer is nothing but calls, with arguments that obey the tools' schemas, and no text of
    // Request::stop ends it; not together with a schema or a grammar. automatic: a call that the model begins obeys its
    // schema, as far as that is supported. none: the model does not hear of the tools.
    ToolChoice tool_choice = ToolChoice::automatic;
    std::string tool{};            // the one that is called, once, by its name; empty: any of them
    bool calls_in_parallel = true; // more than one call in an answer is allowed
    std::string template_values{}; // a JSON object: more variables for the chat template; empty: none
};
using Prompt = std::variant<Messages, std::string, Tokens>; // or text, or tokens, to go on with as they are

struct Request {
    Prompt prompt;
    std::uint32_t max_tokens = 0; // 0: as many as the context holds
    std::vector<std::string> stop{};
    Sampling sampling{};
    std::optional<std::uint32_t> alternatives{}; // Receiver::token is called, with so many others, at most 20
    std::optional<base::Nanoseconds> deadline{}; // on the monotonic clock
    bool slides = false; // where the context is full, the older half of it is left out
    // Only shows that tokens are computed: what is kept of past requests stays as it is, and nothing is counted. A
    // model for embeddings alone computes the embedding of one token.
    bool is_probe = false;
};

enum class Finish : unsigned char { stop, length, cancelled, deadline };

struct Usage {
    std::uint32_t prompt_tokens = 0;
    std::uint32_t cached_tokens = 0; // of the prompt: those that did not have to be computed
    std::uint32_t completion_tokens = 0;
};
struct Outcome {
    Finish finish = Finish::stop;
    Usage usage;
};

struct TokenProbability {
    Token token = 0;
    float logprob = 0; // natural logarithm of its probability before temperature and the like
    std::string bytes; // need not be whole characters
};
struct ChosenToken {
    TokenProbability chosen;
    std::vector<TokenProbability> alternatives; // the likeliest, the likeliest first
};

// What the model wants done, told apart from the answer's text.
struct ToolCall {
    std::uint32_t index = 0; // 0, 1, ... in one answer
    std::string name;
    std::string arguments; // a JSON object
};

// Gets the answer to one request. Called on the engine's thread only, one call at a time: hand over and
// return.
class Receiver {
  public:
    virtual ~Receiver() = default;
    // The next piece of the answer: whole UTF-8 characters, never empty.
    virtual void text(std::string_view piece) = 0;
    // Each token, before the text that it is part of; where Request::alternatives asks for it.
    virtual void token(const ChosenToken& /*token*/) {}
    // Each call of a tool, once it is whole; where Messages::tools allows for it.
    virtual void tool_call(const ToolCall& /*call*/) {}
    // The last call, and there is always one.
    virtual void finished(const Result<Outcome>& outcome) = 0;
};

enum class State : unsigned char { loading, ready, failed };

struct ModelInformation {
    std::uint32_t context = 0;         // tokens of one request
    std::uint32_t trained_context = 0; // tokens; 0: the file does not say
    std::uint32_t vocabulary = 0;      // tokens
    std::uint32_t embedding = 0;       // floats
    std::uint32_t threads = 0;
    std::uint64_t parameters = 0;
    std::uint64_t weights = 0; // bytes
};

// What the engine does now, and has done since it is up.
struct Counters {
    std::uint32_t running = 0;     // requests that are being computed
    std::uint32_t waiting = 0;     // requests that are not yet
    std::uint64_t held_tokens = 0; // that there is computed state of, of requests under way and of past ones
    std::uint64_t token_room = 0;  // for how many there may be
    std::uint64_t prompt_tokens = 0;
    std::uint64_t cached_tokens = 0; // of the prompts: those that did not have to be computed
    std::uint64_t completion_tokens = 0;
    base::Nanoseconds last_step{}; // when a batch was last computed, on the monotonic clock; 0: never
};

// `size` floats for each text, one after the other, each of length 1.
struct Embeddings {
    std::uint32_t size = 0;
    std::vector<float> values;
};

class Engine {
  public:
    using Ticket = std::uint64_t;

    // Starts to load on threads of its own and returns at once. `changed` is called once, from one of those
    // threads, when the first token can be served or the model was refused. timeline and log outlive the
    // engine.
    Engine(Options options, trace::Timeline& timeline, const base::Log& log,
           std::function<void(State)> changed);
    // Cancels everything, lets every receiver know, joins the threads.
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Any thread. Up to Options::parallel requests are computed side by side, the others wait in the order they
    // come; before the model is up all wait. If the engine failed, the receiver hears so at once, on the
    // caller's thread.
    Ticket submit(Request request, std::unique_ptr<Receiver> receiver);
    // Any thread. Ends the request within one token's time; unknown tickets are ignored.
    void cancel(Ticket ticket);

    // Any thread. Each calls `done` once, as a receiver is called.
    void embed(std::vector<std::string> texts, std::function<void(Result<Embeddings>)> done);
    // What is computed of a conversation, and the conversation, to a file, which is replaced as a whole or left as
    // it was.
    void save(std::string messages, std::string path, std::function<void(Result<>)> done);
    // Gives the conversation back. The file must have been saved with the same model, library and settings, and not
    // be writable by others.
    void load(std::string path, std::function<void(Result<std::string>)> done);

    State state() const noexcept;
    // How much is loaded, from 0 to 1.
    float progress() const noexcept;
    // The reason, once state() is failed.
    const Error& failure() const noexcept;
    // The file's name without directory and ".gguf": what clients see as the model's id.
    std::string_view model_name() const noexcept;

    // Any thread, at any time.
    Counters counters() const;

    // Any thread, once state() is ready.
    ModelInformation information() const;
    // `special`: the names of control tokens count as those, and what the model wants at the beginning is added.
    Result<Tokens> tokenize(std::string_view text, bool special) const;
    // `special`: with the names of control tokens.
    Result<std::string> detokenize(std::span<const Token> tokens, bool special) const;
    // What the chat template makes of `messages`.
    Result<std::string> render(const std::string& messages) const;

  private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

} // namespace vb::engine
