// The neural engine: one GGUF model, brought up as fast as the hardware allows, answering chat requests.
// src/engine is the only code that includes llama.h; no llama type leaves it.
// It never writes to fds 0-2, never exits the process, and is never part of PID 1 (libllama aborts on bad
// files).
#pragma once

#include "base/log.h"
#include "engine/error.h"
#include "trace/timeline.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vb::engine {

struct Options {
    std::string model;                 // path of a GGUF file
    std::uint32_t context = 2048;      // tokens: prompt and answer together
    std::uint32_t first_context = 512; // tokens that there is memory for at once; it grows as they come
    std::uint32_t batch = 512;         // tokens computed at once while reading a prompt
    std::string cache{};               // directory for what saves time at the next start; empty: none
    std::uint32_t threads = 0;         // 0: floor(min(affinity, cgroup cpu.max))
};

struct Sampling {
    float temperature = 0.8F; // 0: greedy
    std::uint32_t top_k = 40; // 0: off
    float top_p = 0.95F;
    float min_p = 0.05F;
    std::uint32_t seed = 0xFFFFFFFF; // 0xFFFFFFFF: a new one each time
};

struct Request {
    std::string messages;         // JSON array of chat messages, as in OpenAI's API
    std::uint32_t max_tokens = 0; // 0: as many as the context holds
    std::vector<std::string> stop;
    Sampling sampling;
};

enum class Finish : unsigned char { stop, length, cancelled };

struct Usage {
    std::uint32_t prompt_tokens = 0;
    std::uint32_t cached_tokens = 0; // of the prompt: those that did not have to be computed
    std::uint32_t completion_tokens = 0;
};
struct Outcome {
    Finish finish = Finish::stop;
    Usage usage;
};

// Gets the answer to one request. Called on the engine's thread only, one call at a time: hand over and
// return.
class Receiver {
  public:
    virtual ~Receiver() = default;
    // The next piece of the answer: whole UTF-8 characters, never empty.
    virtual void text(std::string_view piece) = 0;
    // The last call, and there is always one.
    virtual void finished(const Result<Outcome>& outcome) = 0;
};

enum class State : unsigned char { loading, ready, failed };

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

    // Any thread. Requests are answered in the order they come; before the model is up they wait.
    // If the engine failed, the receiver hears so at once, on the caller's thread.
    Ticket submit(Request request, std::unique_ptr<Receiver> receiver);
    // Any thread. Ends the request within one token's time; unknown tickets are ignored.
    void cancel(Ticket ticket);

    State state() const noexcept;
    // The reason, once state() is failed.
    const Error& failure() const noexcept;
    // The file's name without directory and ".gguf": what clients see as the model's id.
    std::string_view model_name() const noexcept;

  private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

} // namespace vb::engine
