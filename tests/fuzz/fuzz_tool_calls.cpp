// Any bytes as a model's answer, cut into pieces as the first of them says: what comes out is the same however it is
// cut, and nothing but white space and marks is lost.
#include "engine/tool_calls.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

namespace {

using vb::engine::CallForm;

void require(bool condition) {
    if (!condition) { std::abort(); }
}

class Recorder final : public vb::engine::Receiver {
  public:
    void text(std::string_view piece) override {
        require(!piece.empty());
        texts += piece;
        heard += piece;
    }
    void tool_call(const vb::engine::ToolCall& call) override {
        require(call.index == calls++ && (call.name == "f" || call.name == "g"));
        require(call.arguments.starts_with('{') && call.arguments.ends_with('}'));
        heard += "[" + call.name + call.arguments + "]";
    }
    void finished(const vb::engine::Result<vb::engine::Outcome>& /*outcome*/) override {}

    std::string heard;
    std::string texts;
    unsigned calls = 0;
};

Recorder heard(CallForm form, std::string_view answer, std::size_t size) {
    vb::engine::ToolCalls calls({.form = form}, {"f", "g"}, 3);
    Recorder recorder;
    for (; !answer.empty(); answer.remove_prefix(std::min(size, answer.size()))) {
        calls.add(answer.substr(0, size), recorder);
    }
    calls.finish(recorder);
    return recorder;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) { return 0; }
    const std::string_view answer(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t piece = 1 + data[0] % 16U;
    for (const CallForm form : {CallForm::tagged, CallForm::bare, CallForm::bracketed}) {
        const Recorder whole = heard(form, answer, size);
        require(heard(form, answer, piece).heard == whole.heard);
        require(whole.calls <= 3 && whole.texts.size() <= answer.size());
        require(whole.calls > 0 || whole.texts == answer);
    }
    return 0;
}
