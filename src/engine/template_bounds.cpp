#include "engine/template_bounds.h"

#include <chrono>

namespace vb::engine {
namespace {

constexpr base::Nanoseconds longest_time = std::chrono::seconds(1);
constexpr std::size_t deepest = 256; // a macro that calls itself takes four for each time
constexpr std::size_t most_bytes = std::size_t{256} << 20; // each text is copied some times on its way
constexpr std::streamoff longest_output = std::streamoff{8} << 20;
constexpr std::size_t longest_search = std::size_t{1} << 32;
constexpr std::int64_t widest_indent = 64;
constexpr std::size_t steps_between_looks = 64; // at the clock

// Of the rendering on this thread: minja has no place to hand it through.
thread_local TemplateBounds* current = nullptr;

[[noreturn]] void exceed(const char* reason) { throw TemplateExcess{reason}; }

} // namespace

TemplateBounds::TemplateBounds() : deadline_(base::monotonic_now() + longest_time) { current = this; }
TemplateBounds::~TemplateBounds() { current = nullptr; }

TemplateStep::TemplateStep() : bounds_(current) {
    if (bounds_ == nullptr) { return; }
    if (bounds_->depth_ >= deepest) { exceed("it nests too deeply"); }
    if (++bounds_->steps_ % steps_between_looks == 0 && base::monotonic_now() > bounds_->deadline_) {
        exceed("it takes longer than a second");
    }
    ++bounds_->depth_;
}
TemplateStep::~TemplateStep() {
    if (bounds_ != nullptr) { --bounds_->depth_; }
}

void template_made(std::size_t bytes) {
    if (current == nullptr) { return; }
    current->bytes_ += bytes;
    if (current->bytes_ > most_bytes) { exceed("it needs too much memory"); }
}

void template_wrote(std::streamoff size) {
    if (current != nullptr && size > longest_output) { exceed("it writes more than 8 MiB"); }
}

bool template_may_search(std::size_t text, std::size_t wanted) {
    if (wanted > 0 && text > longest_search / wanted) { exceed("it seeks too long a text"); }
    return true;
}

void template_search(std::size_t text, std::size_t wanted) {
    if (wanted == 0) { exceed("it seeks an empty text"); }
    template_may_search(text, wanted);
}

std::int64_t template_indent(std::int64_t size) {
    if (size < -1 || size > widest_indent) { exceed("it indents by more than 64"); }
    return size;
}

std::int64_t template_quotient(std::int64_t one, std::int64_t other) {
    if (other == 0 || other == -1) { exceed("it divides by zero or minus one"); }
    return one / other;
}

std::int64_t template_remainder(std::int64_t one, std::int64_t other) {
    if (other == 0 || other == -1) { exceed("it divides by zero or minus one"); }
    return one % other;
}

} // namespace vb::engine
