#include "vbctl/chat.h"

#include "vbctl/commands.h"

#include "base/unique_fd.h"
#include "config/toml.h"
#include "journal/plain_text.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <unistd.h>

namespace vb::vbctl {

namespace {

constexpr int interrupted_status = 128 + SIGINT;
constexpr std::size_t most_file_bytes = std::size_t{16} << 20;

base::Result<std::string> read_all(int fd, std::string_view name) {
    std::string text;
    for (char block[4096];;) {
        const ssize_t count = ::read(fd, block, sizeof block);
        if (count == 0) { return text; }
        if (count < 0 && errno == EINTR) { continue; }
        if (count < 0) { return base::system_error("read", name); }
        text.append(block, static_cast<std::size_t>(count));
        if (text.size() > most_file_bytes) { return base::failure("read", name, "it is larger than 16 MiB"); }
    }
}
base::Result<std::string> read_file(const std::string& path) {
    const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) { return base::system_error("open", path); }
    return read_all(file.get(), path);
}

// Where the runtime of this machine listens, as far as this user may know.
std::string local_url() {
    config::Config config;
    if (auto text = read_file(config::default_path)) {
        config::read_toml_leniently(*std::move(text), config::default_path, config, [](const auto&) {});
    }
    std::string address = config.listen.http;
    const std::size_t colon = address.rfind(':');
    const std::string host = address.substr(0, colon);
    if (host == "0.0.0.0" || host == "*") { address.replace(0, colon, "127.0.0.1"); }
    if (host == "[::]") { address.replace(0, colon, "[::1]"); }
    return (config.http.certificate.empty() ? "http://" : "https://") + address;
}

// The first line that is no comment: the file may be the server's own.
base::Result<std::string> read_key(const std::string& path) {
    const auto text = read_file(path);
    if (!text) { return std::unexpected(text.error()); }
    for (std::size_t begin = 0; begin < text->size();) {
        const std::size_t end = std::min(text->find('\n', begin), text->size());
        const std::string line = text->substr(begin, end - begin);
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first != std::string::npos && line[first] != '#') {
            return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
        }
        begin = end + 1;
    }
    return base::failure("read a key from", path, "expected a line with a key");
}

// Whole characters of the answer, to standard output.
void print_piece(std::string_view piece, bool plain) {
    std::string text(piece);
    for (std::size_t begin = 0; plain && begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        journal::make_plain({text.data() + begin, end - begin});
        begin = end + 1;
    }
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

bool ends_with_newline(const std::string& text) { return text.empty() || text.ends_with('\n'); }

} // namespace

Chat::Chat(CLI::App& app) {
    CLI::App* const command = app.add_subcommand("chat", "Talk to the model");
    command->add_option("--url", url_, "The server (default: this machine's, else http://127.0.0.1:8080)");
    command->add_option("--key-file", key_file_, "A file with an API key, where the server wants one");
    command->add_option("--system", system_, "What the model is told before the conversation");
    command->add_option("MESSAGE", words_,
                        "One question, answered without a conversation; also standard input");
}

ChatResult<ChatClient> Chat::connect() const {
    std::string key;
    if (!key_file_.empty()) {
        auto read = read_key(key_file_);
        if (!read) {
            return std::unexpected(
                ChatFailure{.status = failed, .text = std::string(base::describe(read.error()).view())});
        }
        key = *std::move(read);
    }
    auto address = parse_chat_address(url_.empty() ? local_url() : url_);
    if (!address) { return std::unexpected(address.error()); }
    return ChatClient::create(*std::move(address), std::move(key));
}

ChatResult<Waited> Chat::ask(ChatClient& client, std::string question) {
    conversation_.push_back({.role = "user", .content = std::move(question)});
    std::string answer;
    const bool plain = ::isatty(STDOUT_FILENO) == 1;
    const auto waited =
        client.ask(conversation_, {.piece =
                                       [&](std::string_view piece) {
                                           answer += piece;
                                           print_piece(piece, plain);
                                       },
                                   .waiting =
                                       [] {
                                           std::fputs("vbctl: the model is not ready yet, waiting for it "
                                                      "(Ctrl-C ends this)\n",
                                                      stderr);
                                       }});
    if (!ends_with_newline(answer) || (waited && *waited == Waited::interrupted)) {
        print_piece("\n", false);
    }
    if (answer.empty()) {
        conversation_.pop_back(); // as if it had not been asked
    } else {
        conversation_.push_back({.role = "assistant", .content = std::move(answer)});
    }
    return waited;
}

int Chat::answer_once(ChatClient& client, std::string question) {
    const auto waited = ask(client, std::move(question));
    if (!waited) { return fail(waited.error()); }
    if (std::ferror(stdout) != 0) { return fail(base::system_error("write to", "standard output").error()); }
    return *waited == Waited::interrupted ? interrupted_status : int{succeeded};
}

int Chat::converse(ChatClient& client) {
    const std::size_t beginning = conversation_.size();
    std::fputs("/new begins a new conversation, /quit or Ctrl-D ends; Ctrl-C stops an answer\n", stderr);
    while (std::ferror(stdout) == 0) {
        std::fputs("> ", stderr);
        const auto waited = client.wait_for(STDIN_FILENO);
        if (!waited) { return fail(waited.error()); }
        if (*waited == Waited::interrupted) {
            std::fputc('\n', stderr);
            return interrupted_status;
        }
        char line[4096]; // a terminal gives one line at a time, and none is longer
        const ssize_t count = ::read(STDIN_FILENO, line, sizeof line);
        if (count <= 0) {
            std::fputc('\n', stderr);
            return succeeded;
        }
        std::string question(line, static_cast<std::size_t>(count));
        while (!question.empty() && (question.back() == '\n' || question.back() == ' ')) {
            question.pop_back();
        }
        if (question.empty()) { continue; }
        if (question == "/quit") { return succeeded; }
        if (question == "/new") {
            conversation_.resize(beginning);
            continue;
        }
        // What fails once may succeed next time: the runtime may be starting again.
        if (const auto answered = ask(client, std::move(question)); !answered) { fail(answered.error()); }
    }
    return fail(base::system_error("write to", "standard output").error());
}

int Chat::run() {
    std::signal(SIGPIPE, SIG_IGN); // of the connection; a closed standard output is an error as any other
    std::optional<std::string> question;
    for (const std::string& word : words_) {
        question = question ? *question + " " + word : word;
    }
    if (!question && ::isatty(STDIN_FILENO) != 1) {
        auto text = read_all(STDIN_FILENO, "standard input");
        if (!text) { return fail(text.error()); }
        question = *std::move(text);
    }
    if (question && question->find_first_not_of(" \t\r\n") == std::string::npos) {
        return fail(
            {.status = failed, .text = "there is no question: give one as MESSAGE or on standard input"});
    }
    auto client = connect();
    if (!client) { return fail(client.error()); }
    if (!system_.empty()) { conversation_.push_back({.role = "system", .content = system_}); }
    return question ? answer_once(*client, *std::move(question)) : converse(*client);
}

void add_chat(CLI::App& app, Action& chosen) {
    const auto chat = std::make_shared<Chat>(app);
    app.get_subcommand("chat")->callback([&chosen, chat] { chosen = [chat] { return chat->run(); }; });
}

} // namespace vb::vbctl
