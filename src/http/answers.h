// The exchanges that are waiting for text from the engine or being answered with it: each is joined to one request or more,
// and its Shape says what is sent. Belongs to the event loop's thread.
#pragma once

#include "http/answer_request.h"
#include "http/engine_requests.h"
#include "http/exchange.h"
#include "http/metrics.h"
#include "http/shape.h"
#include "trace/timeline.h"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace vb::http {

class Answers {
  public:
    // The arguments outlive it.
    Answers(EngineRequests& requests, Queue& queue, trace::Timeline& timeline, Metrics& metrics);
    ~Answers();

    // Answers the exchange, now if there is no room, else when the engine has come to it.
    void start(Exchange& exchange, AnswerRequest request, std::unique_ptr<Shape> shape);
    // Ends all of them with this error.
    void refuse_all(const ErrorReply& error);
    // Replies that have not begun will be the last on their connections.
    void end_connections();

  private:
    using Key = std::uint64_t;
    struct Running;
    class Part;

    // `render` makes of a shape what is to be sent.
    template <class Render>
    void take(Key key, Render render);
    void finished(Key key, std::size_t answer, const engine::Result<engine::Outcome>& outcome);
    void end(Running& running, std::string_view last);
    void fail(Key key, const ErrorReply& error);
    // False if the client does not read what it is sent.
    static bool send(Running& running, std::string_view events);
    void drop(Key key);
    void cancel(const Running& running);
    void mark_first_token();

    EngineRequests& requests_;
    Queue& queue_;
    trace::Timeline& timeline_;
    Metrics& metrics_;
    Key last_ = 0;
    bool first_token_marked_ = false;
    std::unordered_map<Key, Running> running_;
};

// Refuses with 429 if the queue is full.
bool refused_for_want_of_room(Exchange& exchange, Queue& queue, std::size_t count);

} // namespace vb::http
