// The members of a JSON object that a client sent, read one by one, so that a fault can be told by the field's name. What
// is null counts as not there. Never trusts a size, a type or a depth.
#pragma once

#include "engine/engine.h"
#include "http/error_reply.h"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vb::http {

// The first thing that is wrong with a request; nothing is read after it.
using Fault = std::optional<ErrorReply>;

inline constexpr std::int64_t most_whole = std::numeric_limits<std::int32_t>::max();

class Fields {
  public:
    // Of a whole body. `body` and `fault` outlive the fields and all that is taken from them.
    static Fields of_body(std::string_view body, Fault& fault);

    bool has(std::string_view name) const { return !raw(name).empty(); }
    // As it stood there, a valid JSON value; empty: not there.
    std::string_view raw(std::string_view name) const;
    // What `name` is called in messages.
    std::string path(std::string_view name) const { return prefix_ + std::string(name); }

    // Each reads the field into `value` if it is there and is what it must be; else `value` stays as it was.
    bool read(std::string_view name, bool& value) const;
    bool read(std::string_view name, std::string& value) const;
    bool read(std::string_view name, float& value, float least, float most) const;
    bool read(std::string_view name, std::int64_t& value, std::int64_t least, std::int64_t most) const;
    bool read(std::string_view name, std::uint32_t& value, std::uint32_t least, std::uint32_t most) const;
    // One or many. `expected` completes "must be ...".
    bool read(std::string_view name, std::vector<std::string>& value, std::string_view expected) const;
    bool read(std::string_view name, engine::Tokens& value, std::string_view expected) const;
    bool read(std::string_view name, std::vector<engine::Tokens>& value, std::string_view expected) const;
    bool read(std::string_view name, std::map<std::string, float>& value, std::string_view expected) const;

    // Without members if there is no such field.
    Fields object(std::string_view name) const;
    // An array of objects.
    std::vector<Fields> objects(std::string_view name) const;

    // "'name' must be ..."
    void refuse(std::string_view name, std::string_view expected) const;
    void refuse_if_there(std::string_view name, std::string_view expected) const;
    bool faulty() const noexcept { return fault_->has_value(); }

  private:
    Fields(Fault& fault, std::string prefix) : fault_(&fault), prefix_(std::move(prefix)) {}
    template <class Value>
    bool read_as(std::string_view name, Value& value, std::string_view expected) const;
    void take_members(std::string_view object, std::string_view name);

    Fault* fault_;
    std::string prefix_;
    std::map<std::string, std::string_view, std::less<>> members_;
};

} // namespace vb::http
