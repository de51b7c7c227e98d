// Asks several questions of one model at once, in this process, for `./dev bench engine`. Prints a line of JSON.
//   engine_streams MODEL REQUESTS TOKENS SYSTEM_WORDS
// Each question is another one; SYSTEM_WORDS words of a system message are the same for all.
#include <vector_boot.hpp>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Numbers {
    unsigned requests = 1;
    unsigned tokens = 128;
    unsigned system_words = 0;
};

bool read(const char* word, unsigned& number) {
    const char* const end = word + std::strlen(word);
    return std::from_chars(word, end, number).ptr == end;
}

std::string messages(unsigned which, unsigned system_words) {
    std::string system = "You tell long stories.";
    for (unsigned word = 0; word < system_words; ++word) {
        system += " word" + std::to_string(word % 10);
    }
    return R"([{"role":"system","content":")" + system +
           R"("},{"role":"user","content":"Tell a long story about )" + std::to_string(which) +
           R"( sailors."}])";
}

struct Measured {
    vb_result result = VB_RESULT_INIT;
    std::string error;
};

Measured ask(vector_boot::Model& model, unsigned which, const Numbers& numbers) {
    Measured measured;
    auto request = model.chat(messages(which, numbers.system_words), {.max_tokens = numbers.tokens});
    const auto done = request ? request->text() : std::unexpected(request.error());
    if (!done) {
        measured.error = done.error().message;
    } else {
        measured.result = request->result().value_or(measured.result);
    }
    return measured;
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
    Numbers numbers;
    if (count != 5 || !read(words[2], numbers.requests) || !read(words[3], numbers.tokens) ||
        !read(words[4], numbers.system_words)) {
        std::fputs("usage: engine_streams MODEL REQUESTS TOKENS SYSTEM_WORDS\n", stderr);
        return 2;
    }
    auto model = vector_boot::Model::open(words[1], {.context = 2048, .parallel = numbers.requests});
    if (!model) {
        std::fprintf(stderr, "%s\n", model.error().message.c_str());
        return 1;
    }
    static_cast<void>(
        ask(*model, 10'000, {.requests = 1, .tokens = 2, .system_words = 0})); // memory is touched
    std::vector<Measured> all(numbers.requests);
    const Clock::time_point began = Clock::now();
    {
        std::vector<std::jthread> threads;
        for (unsigned which = 0; which < numbers.requests; ++which) {
            threads.emplace_back([&, which] { all[which] = ask(*model, which, numbers); });
        }
    }
    const std::chrono::duration<double> seconds = Clock::now() - began;
    std::printf(R"({"seconds": %.4f, "resident_kb": %zu, "requests": [)", seconds.count(),
                resident_kilobytes());
    for (unsigned which = 0; which < numbers.requests; ++which) {
        if (!all[which].error.empty()) {
            std::fprintf(stderr, "%s\n", all[which].error.c_str());
            return 1;
        }
        const vb_result& result = all[which].result;
        std::printf(R"(%s{"first_ms": %.3f, "total_ms": %.3f, "tokens": %u, "prompt": %u, "cached": %u})",
                    which == 0 ? "" : ", ", static_cast<double>(result.first_token_ns) / 1e6,
                    static_cast<double>(result.total_ns) / 1e6, result.completion_tokens,
                    result.prompt_tokens, result.cached_tokens);
    }
    std::puts("]}");
    return 0;
}
