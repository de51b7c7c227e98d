// Brings an engine up, asks one question, and prints the answer and the timeline: where the time to the first
// token goes. Usage: engine_first_token MODEL [--question TEXT] [--tokens N] [--batch N] [--context N]
// [--threads N]
#include "engine/engine.h"
#include "trace/export.h"

#include <unistd.h>

#include <cstdio>
#include <future>
#include <string>

namespace {

using namespace vb;

struct Arguments {
    engine::Options options;
    std::string question = "Why is the sky blue?";
    std::uint32_t tokens = 16;
};

bool parse(int count, char** words, Arguments& arguments) {
    if (count < 2 || count % 2 != 0) { return false; }
    arguments.options.model = words[1];
    for (int index = 2; index < count; index += 2) {
        const std::string_view name = words[index];
        const std::string_view value = words[index + 1];
        bool good = true;
        if (name == "--question") {
            arguments.question = value;
        } else if (name == "--tokens") {
            good = base::parse_number(value, arguments.tokens);
        } else if (name == "--batch") {
            good = base::parse_number(value, arguments.options.batch);
        } else if (name == "--context") {
            good = base::parse_number(value, arguments.options.context);
        } else if (name == "--threads") {
            good = base::parse_number(value, arguments.options.threads);
        } else {
            good = false;
        }
        if (!good) { return false; }
    }
    return true;
}

class Printer : public engine::Receiver {
  public:
    Printer(trace::Timeline& timeline, std::promise<int>& done) : timeline_(timeline), done_(done) {}
    void text(std::string_view piece) override {
        if (first_) { timeline_.mark("first token"); }
        first_ = false;
        std::printf("%.*s", static_cast<int>(piece.size()), piece.data());
    }
    void finished(const engine::Result<engine::Outcome>& outcome) override {
        if (!outcome) { std::printf("%s", outcome.error().message.c_str()); }
        std::printf("\n");
        done_.set_value(outcome ? 0 : 1);
    }

  private:
    trace::Timeline& timeline_;
    std::promise<int>& done_;
    bool first_ = true;
};

} // namespace

int main(int count, char** words) {
    const auto begin = base::monotonic_now();
    Arguments arguments;
    if (!parse(count, words, arguments)) {
        std::fprintf(
            stderr,
            "usage: %s MODEL [--question TEXT] [--tokens N] [--batch N] [--context N] [--threads N]\n",
            words[0]);
        return 2;
    }
    auto timeline = trace::Timeline::create(begin);
    if (!timeline) { return 1; }
    const base::Log log(STDERR_FILENO, "engine");
    std::promise<int> done;
    auto result = done.get_future();
    int status = 1;
    {
        engine::Engine engine(arguments.options, *timeline, log, [](engine::State) {});
        engine::Request request{
            .prompt = engine::Messages{R"([{"role": "user", "content": ")" + arguments.question + R"("}])"},
            .max_tokens = arguments.tokens,
            .sampling = {.temperature = 0}};
        engine.submit(std::move(request), std::make_unique<Printer>(*timeline, done));
        status = result.get();
    }
    std::printf("%s", trace::export_table(*timeline).c_str());
    return status;
}
