// Loads the model named on the command line with an Engine: exit 0 when it is ready, 1 with the reason on
// stderr when it is refused. In a process of its own, because what is tested is that libllama does not abort
// it.
#include "engine/engine.h"

#include <unistd.h>

#include <cstdio>
#include <future>

int main(int count, char** words) {
    if (count != 2) { return 2; }
    vb::trace::Timeline timeline;
    const vb::base::Log log(STDERR_FILENO, "probe");
    std::promise<vb::engine::State> done;
    vb::engine::Options options{.model = words[1], .context = 256, .batch = 32, .threads = 2};
    const vb::engine::Engine engine(options, timeline, log,
                                    [&done](vb::engine::State state) { done.set_value(state); });
    if (done.get_future().get() == vb::engine::State::ready) { return 0; }
    std::fprintf(stderr, "%s\n", engine.failure().message.c_str());
    return 1;
}
