// Answers the conversations on stdin, one JSON array of messages a line, PARALLEL of them at a time, in this process:
// for `./dev bench engine`. Prints what each took as a line of JSON.
//   engine_streams MODEL PARALLEL TOKENS
#include <vector_boot.hpp>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

bool read(const char* word, unsigned& number) {
    const char* const end = word + std::strlen(word);
    return std::from_chars(word, end, number).ptr == end && number > 0;
}

struct Measured {
    vb_result result = VB_RESULT_INIT;
    std::string error;
};

Measured ask(vector_boot::Model& model, const std::string& messages, unsigned tokens) {
    Measured measured;
    auto request = model.chat(messages, {.max_tokens = tokens});
    const auto done = request ? request->text() : std::unexpected(request.error());
    if (!done) {
        measured.error = done.error().message;
    } else {
        measured.result = request->result().value_or(measured.result);
    }
    return measured;
}

std::vector<Measured> ask_all(vector_boot::Model& model, const std::vector<std::string>& conversations,
                              unsigned parallel, unsigned tokens) {
    std::vector<Measured> all(conversations.size());
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> clients;
    for (unsigned client = 0; client < parallel; ++client) {
        clients.emplace_back([&] {
            for (std::size_t which = 0; (which = next++) < all.size();) {
                all[which] = ask(model, conversations[which], tokens);
            }
        });
    }
    clients.clear(); // joins them
    return all;
}

std::size_t resident_kilobytes() {
    std::size_t kilobytes = 0;
    if (std::FILE* const file = std::fopen("/proc/self/status", "re")) {
        char line[256];
        while (std::fgets(line, sizeof line, file) != nullptr) {
            if (std::strncmp(line, "VmRSS:", 6) == 0) { kilobytes = std::strtoul(line + 6, nullptr, 10); }
        }
        static_cast<void>(std::fclose(file));
    }
    return kilobytes;
}

} // namespace

int main(int count, char** words) {
    unsigned parallel = 0;
    unsigned tokens = 0;
    if (count != 4 || !read(words[2], parallel) || !read(words[3], tokens)) {
        std::fputs("usage: engine_streams MODEL PARALLEL TOKENS <CONVERSATIONS\n", stderr);
        return 2;
    }
    std::vector<std::string> conversations;
    for (std::string line; std::getline(std::cin, line);) {
        conversations.push_back(line);
    }
    auto model = vector_boot::Model::open(words[1], {.context = 2048, .parallel = parallel});
    if (!model) {
        std::fprintf(stderr, "%s\n", model.error().message.c_str());
        return 1;
    }
    // Memory is touched, and nothing remains of it that a conversation could begin with.
    static_cast<void>(ask(*model, R"([{"role":"assistant","content":"?"}])", 2));
    const Clock::time_point began = Clock::now();
    const std::vector<Measured> all = ask_all(*model, conversations, parallel, tokens);
    const std::chrono::duration<double> seconds = Clock::now() - began;
    std::printf(R"({"seconds": %.4f, "resident_kb": %zu, "requests": [)", seconds.count(),
                resident_kilobytes());
    for (const Measured& one : all) {
        if (!one.error.empty()) {
            std::fprintf(stderr, "%s\n", one.error.c_str());
            return 1;
        }
        const vb_result& result = one.result;
        std::printf(R"(%s{"first_ms": %.3f, "total_ms": %.3f, "tokens": %u, "cached": %u})",
                    &one == all.data() ? "" : ", ", static_cast<double>(result.first_token_ns) / 1e6,
                    static_cast<double>(result.total_ns) / 1e6, result.completion_tokens,
                    result.cached_tokens);
    }
    std::puts("]}");
    return 0;
}
