// Requests on their way through the queue and the engine. Turns the engine's calls, which come on its thread, into calls on
// the event loop's, to which all of this belongs.
#pragma once

#include "http/backend.h"
#include "http/mailbox.h"
#include "http/queue.h"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace vb::http {

class EngineRequests {
  public:
    using Number = std::uint64_t;

    // The arguments outlive it, and it outlives what the engine still has to say.
    EngineRequests(Queue& queue, Backend& backend, Mailbox& mailbox, const Limits& limits);
    ~EngineRequests();

    // `receiver` is called on the loop's thread, and never before this returns.
    Number submit(std::string client, engine::Request request, std::unique_ptr<engine::Receiver> receiver);
    // The receiver is not called any more; its place is free when the engine has let go of the request.
    void cancel(Number number);

  private:
    struct Held;
    class Forwarder;

    void begin(Number number);
    void give_up(Number number, std::string_view why);
    // Null if nobody waits for it any more.
    std::shared_ptr<engine::Receiver> receiver_of(Number number) const;
    void finished(Number number, const engine::Result<engine::Outcome>& outcome);

    Queue& queue_;
    Backend& backend_;
    Mailbox& mailbox_;
    const std::chrono::milliseconds most_; // for a whole request; 0: any time
    Number last_ = 0;
    std::unordered_map<Number, Held> held_;
};

} // namespace vb::http
