// The library's handles, shared by the Python object and the calls that are in them: closing an object while another
// thread is in a call on it frees the handle when that call returns.
#pragma once

#include "python/log_queue.h"

#include "vector_boot.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <sys/types.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace vb::python {

struct FreeBuffer {
    void operator()(vb_buffer* buffer) const noexcept { vb_buffer_free(buffer); }
};
using Buffer = std::unique_ptr<vb_buffer, FreeBuffer>;

// The requests of a model that have news for an event loop, by their numbers.
class News {
  public:
    std::uint64_t next_number() noexcept { return ++last_number_; }
    void add(std::uint64_t request) {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(request);
    }
    std::vector<std::uint64_t> take() {
        const std::scoped_lock lock(mutex_);
        return std::exchange(requests_, {});
    }

  private:
    std::mutex mutex_;
    std::atomic<std::uint64_t> last_number_ = 0;
    std::vector<std::uint64_t> requests_;
};

struct ModelHandle {
    ModelHandle() = default;
    ModelHandle(const ModelHandle&) = delete;
    ModelHandle& operator=(const ModelHandle&) = delete;
    // Ends the engine's threads: not with the GIL, and before the queue that they write to.
    ~ModelHandle() { vb_model_free(model); }

    // Then threads of the parent may hold its locks for ever.
    bool is_forked() const noexcept { return ::getpid() != process; }

    vb_model* model = nullptr;
    const std::shared_ptr<LogQueue> logs = std::make_shared<LogQueue>();
    const std::shared_ptr<News> news = std::make_shared<News>();
    const pid_t process = ::getpid();
};

struct SessionHandle {
    explicit SessionHandle(vb_session* owned) noexcept : session(owned) {}
    SessionHandle(const SessionHandle&) = delete;
    SessionHandle& operator=(const SessionHandle&) = delete;
    ~SessionHandle() { vb_session_free(session); }

    vb_session* const session;
};

} // namespace vb::python
