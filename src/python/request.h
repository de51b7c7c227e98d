// One answer, as Python reads it. It begins when it is first read; whoever reads it then decides how: by waiting,
// or as an event loop's news. Closing it cancels it. All functions are called with the GIL.
#pragma once

#include "python/handles.h"
#include "python/module.h"
#include "python/records.h"
#include "python/request_options.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <sys/types.h>
#include <vector>

namespace vb::python {

// What was read of an answer and not yet given to Python.
struct Received {
    std::string text;
    std::vector<ChosenToken> tokens;
    std::int32_t status = VB_AGAIN; // VB_END, or the error, when it is over
    std::string error;
    vb_result result = VB_RESULT_INIT;

    bool is_over() const noexcept { return status != VB_AGAIN; }
    // One vb_request_next: whether a piece came. Runs in callbacks: nothing may leave it.
    bool read(vb_request* request, std::int32_t timeout_ms) noexcept;
    void add(Received&& more);
};

struct Outcome {
    std::int32_t status;
    std::string error;
};

class Request {
  public:
    enum class Reading : unsigned char { not_begun, waiting, news };

    // As vb_model_chat, with what it needs; called without the GIL.
    using Begin = std::function<Outcome(const vb_request_options&, vb_request**)>;

    Request(std::uint64_t number, std::shared_ptr<News> news) noexcept;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    ~Request() { close(); }

    RequestOptions& options() noexcept { return options_; }
    void set_begin(Begin begin) { begin_ = std::move(begin); }

    std::uint64_t number() const noexcept { return number_; }
    Reading reading() const noexcept { return reading_; }
    bool is_forked() const noexcept;
    bool is_closed() const noexcept { return is_closed_; }
    // Another thread is in begin() or wait(); they may not be called then.
    bool is_waiting() const noexcept { return is_waiting_; }

    void begin(Reading reading);
    // For what comes next, but not for long: the caller looks for signals in between.
    void wait();
    // Takes what is there already.
    void poll();
    void close();

    // What was received is looked at under its lock. Not in the child of a fork.
    template <class Function>
    auto with_received(Function function) {
        const std::scoped_lock lock(mutex_);
        return function(received_);
    }

  private:
    static void on_news(vb_request* request, void* user_data) noexcept;
    void stop_waiting();
    void free();

    const std::uint64_t number_;
    const std::shared_ptr<News> news_;
    const pid_t process_;
    RequestOptions options_;
    Begin begin_;
    vb_request* handle_ = nullptr;
    Reading reading_ = Reading::not_begun;
    bool is_waiting_ = false;
    bool is_closed_ = false;
    std::mutex mutex_; // never held while waiting for the engine or for the GIL
    Received received_;
};

} // namespace vb::python
