// What a line costs PID 1: nanoseconds of Ring::append(), by its length, and the slowest of 100,000 lines while
// the writer process hangs, as it does on a disk that does not answer.
#include "journal/ring.h"
#include "journal/writer.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace vb;

constexpr int lines = 100'000;

double nanoseconds_per_line(journal::Ring& ring, const std::string& text, bool reads_clocks) {
    const journal::Times once = journal::Times::now();
    const auto began = base::monotonic_now();
    for (int line = 0; line < lines; ++line) {
        ring.append(reads_clocks ? journal::Times::now() : once, base::Level::info, "dhcp", text);
        ring.poke();
    }
    return static_cast<double>((base::monotonic_now() - began).count()) / lines;
}

void measure_costs(journal::Ring& ring) {
    for (const std::size_t length : {20U, 80U, 300U, 1023U}) {
        const std::string text(length, 'x');
        double best = 1e9;
        double best_with_clocks = 1e9;
        for (int round = 0; round < 9; ++round) {
            best = std::min(best, nanoseconds_per_line(ring, text, false));
            best_with_clocks = std::min(best_with_clocks, nanoseconds_per_line(ring, text, true));
        }
        std::printf("append, %4zu bytes: %6.0f ns; with both clocks: %6.0f ns\n", length, best,
                    best_with_clocks);
    }
}

int measure_stuck_writer(journal::Ring& ring, const char* directory) {
    ring.reset_writer();
    const pid_t writer = ::fork();
    if (writer == 0) {
        const base::Log log(STDERR_FILENO, "journal");
        ::_exit(run_writer_process(ring, {.directory = directory}, log, STDERR_FILENO) ? 0 : 1);
    }
    ::kill(writer, SIGSTOP);
    int status = 0;
    ::waitpid(writer, &status, WUNTRACED);
    const std::string text(80, 'x');
    base::Nanoseconds slowest{}; // with whatever else the machine put in between
    rusage before_all{};
    ::getrusage(RUSAGE_THREAD, &before_all);
    const auto began = base::monotonic_now();
    for (int line = 0; line < lines; ++line) {
        const auto before = base::monotonic_now();
        ring.append(journal::Times::now(), base::Level::info, "dhcp", text);
        ring.poke();
        slowest = std::max(slowest, base::monotonic_now() - before);
    }
    const auto took = base::monotonic_now() - began;
    rusage after_all{};
    ::getrusage(RUSAGE_THREAD, &after_all);
    ::kill(writer, SIGCONT);
    ring.stop_writer();
    ::waitpid(writer, &status, 0);
    std::printf("%d lines while the writer hangs: %.1f ms, slept %ld times, was preempted %ld times, the "
                "slowest %.1f us\n",
                lines, static_cast<double>(took.count()) / 1e6, after_all.ru_nvcsw - before_all.ru_nvcsw,
                after_all.ru_nivcsw - before_all.ru_nivcsw, static_cast<double>(slowest.count()) / 1e3);
    return status;
}

} // namespace

int main() {
    auto ring = journal::Ring::create();
    char directory[] = "/tmp/vb_bench_journal_XXXXXX";
    if (!ring || ::mkdtemp(directory) == nullptr) { return 1; }
    measure_costs(*ring);
    const int status = measure_stuck_writer(*ring, directory);
    const std::string clean_up = std::string("rm -r ") + directory;
    return std::system(clean_up.c_str()) == 0 && status == 0 ? 0 : 1; // NOLINT: a path of our own making
}
