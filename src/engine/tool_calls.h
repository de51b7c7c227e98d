// Tells a model's calls of tools from the rest of its answer, while this comes in pieces: what cannot become a call goes
// on at once, what may become one is held back. What looks like a call and is none, or calls what nobody offered, is
// text. It never fails.
#pragma once

#include "engine/engine.h"
#include "engine/tool_format.h"

#include <string>
#include <string_view>
#include <vector>

namespace vb::engine {

class ToolCalls {
  public:
    // `names`: of the tools that there are. After `most` calls all is text.
    ToolCalls(ToolFormat format, std::vector<std::string> names, std::uint32_t most);

    // The next piece of the answer: `receiver` gets the texts and calls that it completes, in their order.
    void add(std::string_view piece, Receiver& receiver);
    // At the end of the answer: what was held back is a call or text.
    void finish(Receiver& receiver);

    // As many calls as there may be have come.
    bool is_complete() const noexcept { return count_ >= most_; }
    // What the model has written since the mark that begins a call; nothing while it writes no call, and in a form that
    // has no mark of its own.
    std::optional<std::string_view> begun() const noexcept;

  private:
    enum class State : unsigned char {
        between, // at the beginning, or after a call: white space would belong to neither
        text,
        call,  // after the mark
        ended, // the call is there; its closing mark may follow
    };

    // Each looks at what is held, and returns whether there may be more to see.
    bool look(Receiver& receiver);
    bool look_between(Receiver& receiver);
    bool look_in_text(Receiver& receiver);
    bool look_in_call(Receiver& receiver);
    bool look_after_call();
    bool take_calls(std::string_view json, Receiver& receiver);
    void release(std::size_t size, Receiver& receiver);
    // What looked like a call is text.
    bool give_up(std::size_t size, Receiver& receiver);

    ToolFormat format_;
    std::vector<std::string> names_;
    std::uint32_t most_;
    std::uint32_t count_ = 0;
    State state_ = State::between;
    std::string held_;
    std::size_t mark_ = 0; // bytes of held_ that are the mark and what precedes it
    // Of the JSON after the mark, as far as it was looked at.
    std::size_t at_ = 0;
    unsigned depth_ = 0;
    bool is_in_string_ = false;
    bool is_escaped_ = false;
};

} // namespace vb::engine
