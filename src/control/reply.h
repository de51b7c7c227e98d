// What the server says, as Varlink replies in JSON: https://varlink.org/Method-Call. Text that comes from elsewhere is
// made valid on the way, so that a service with odd bytes in its status cannot spoil the reply for everybody.
#pragma once

#include "control/byte_buffer.h"
#include "control/commands.h"

namespace vb::control {

enum class ErrorKind : unsigned char {
    interface_not_found,
    method_not_found,
    invalid_parameter,
    permission_denied,
    expected_more,
    no_such_unit,
    failed,
};

// Each appends one message to the output. False where it does not fit: then the output is as it was.
class Replies {
  public:
    // `silent`: the client has asked for no reply at all, and gets none.
    Replies(ByteBuffer& output, bool silent) noexcept : output_(output), silent_(silent) {}

    bool nothing() noexcept;
    // `subject`: the interface, method, parameter, unit or text that the error names.
    bool error(ErrorKind kind, std::string_view subject) noexcept;
    bool info(std::string_view version) noexcept;
    bool description(std::string_view text) noexcept;
    bool status(Commands& commands) noexcept;
    bool changes(const UnitNames& names) noexcept;
    bool event(const Unit& unit) noexcept; // one of many

  private:
    template <class Message>
    bool append(const Message& message) noexcept;

    ByteBuffer& output_;
    bool silent_;
};

} // namespace vb::control
