// Chats with a model: each line of the standard input is a question, the answer comes as it is made.
//
//   cmake -B build && cmake --build build && build/chat model.gguf
#include <vector_boot.hpp>

#include <cstdlib>
#include <format>
#include <iostream>
#include <print>
#include <string>

using vector_boot::Error;
using vector_boot::Model;
using vector_boot::Piece;
using vector_boot::Result;
using vector_boot::Session;

// [{"role":"user","content":"..."}]
std::string message(std::string_view text) {
    std::string json = R"([{"role":"user","content":")";
    for (const char byte : text) {
        const bool is_plain = static_cast<unsigned char>(byte) >= ' ' && byte != '"' && byte != '\\';
        json += is_plain ? std::string(1, byte) : std::format("\\u{:04x}", byte);
    }
    return json + R"("}])";
}

Result<> chat(const std::string& path) {
    Result<Model> model = Model::open(path);
    if (!model) { return std::unexpected(model.error()); }
    Result<Session> session = model->session();
    if (!session) { return std::unexpected(session.error()); }

    for (std::string line; std::getline(std::cin, line);) {
        auto request = session->chat(message(line), {.max_tokens = 256});
        if (!request) { return std::unexpected(request.error()); }
        for (const Piece& piece : *request) {
            std::cout << piece.text << std::flush;
        }
        if (request->error()) { return std::unexpected(*request->error()); }
        std::cout << std::endl;
    }
    return {};
}

int main(int argc, char** argv) {
    if (argc != 2) {
        std::println(stderr, "usage: {} MODEL.gguf", argv[0]);
        return 2;
    }
    const Result<> done = chat(argv[1]);
    if (!done) { std::println(stderr, "{}: {}", vb_status_name(done.error().status), done.error().message); }
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
