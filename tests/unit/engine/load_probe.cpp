// Loads the model named on the command line with an Engine, and has it go on with a text, or embed it: exit 0 when
// it did, 1 with the reason on stderr when it is refused. In a process of its own, because what is tested is that
// libllama does not abort it.
#include "engine/engine.h"

#include <unistd.h>

#include <cstdio>
#include <future>

namespace {

using namespace vb::engine;

class Listener : public Receiver {
  public:
    explicit Listener(std::promise<Result<Outcome>>& outcome) : outcome_(outcome) {}
    void text(std::string_view /*piece*/) override {}
    void finished(const Result<Outcome>& outcome) override { outcome_.set_value(outcome); }

  private:
    std::promise<Result<Outcome>>& outcome_;
};

Result<> answer(Engine& engine) {
    std::promise<Result<Outcome>> outcome;
    Request request{.prompt = std::string("ab cd"), .max_tokens = 4};
    engine.submit(std::move(request), std::make_unique<Listener>(outcome));
    return outcome.get_future().get().transform([](const Outcome&) {});
}

Result<> embed(Engine& engine) {
    std::promise<Result<Embeddings>> embeddings;
    engine.embed({"ab cd"}, [&](Result<Embeddings> result) { embeddings.set_value(std::move(result)); });
    return embeddings.get_future().get().transform([](const Embeddings&) {});
}

int tell(const Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    return 1;
}

} // namespace

int main(int count, char** words) {
    if (count != 2) { return 2; }
    alarm(60); // what hangs is killed
    vb::trace::Timeline timeline;
    const vb::base::Log log(STDERR_FILENO, "probe");
    std::promise<State> done;
    Options options{.model = words[1], .context = 256, .batch = 32, .threads = 2};
    Engine engine(options, timeline, log, [&done](State state) { done.set_value(state); });
    if (done.get_future().get() != State::ready) { return tell(engine.failure()); }
    auto done_so = answer(engine);
    if (!done_so && done_so.error().fault == Fault::request) { done_so = embed(engine); }
    return done_so ? 0 : tell(done_so.error());
}
