// What a chat template may take while it is rendered: time, memory, depth of the stack. minja, which evaluates templates,
// asks here at each step (third_party/minja). Outside of a rendering everything is allowed.
#pragma once

#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <ios>
#include <string>

namespace vb::engine {

// Thrown where a template takes too much. Not a std::exception: minja would add to its message at every level.
struct TemplateExcess {
    std::string reason;
};

// The bounds of what this thread renders while it is there.
class TemplateBounds {
  public:
    TemplateBounds();
    ~TemplateBounds();
    TemplateBounds(const TemplateBounds&) = delete;
    TemplateBounds& operator=(const TemplateBounds&) = delete;

  private:
    friend class TemplateStep;
    friend void template_made(std::size_t bytes);

    const base::Nanoseconds deadline_;
    std::size_t steps_ = 0;
    std::size_t depth_ = 0;
    std::size_t bytes_ = 0;
};

// A step of the evaluation, which may have further ones in it.
class TemplateStep {
  public:
    TemplateStep();
    ~TemplateStep();
    TemplateStep(const TemplateStep&) = delete;
    TemplateStep& operator=(const TemplateStep&) = delete;

  private:
    TemplateBounds* bounds_;
};

// So much was made, in memory.
void template_made(std::size_t bytes);
// A text has become so long.
void template_wrote(std::streamoff size);
// The time of a search for a text in another is at worst that of their product.
bool template_may_search(std::size_t text, std::size_t wanted);
// And the text that is sought is not empty.
void template_search(std::size_t text, std::size_t wanted);
// The indentation, if it is a sensible one.
std::int64_t template_indent(std::int64_t size);
std::int64_t template_quotient(std::int64_t one, std::int64_t other);
std::int64_t template_remainder(std::int64_t one, std::int64_t other);

} // namespace vb::engine
