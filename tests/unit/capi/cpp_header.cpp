// Compiled without exceptions, never run: all of the header's templates once.
#include "vector_boot.hpp"

vector_boot::Result<std::size_t> use_everything(const std::string& path) {
    using namespace vector_boot;
    auto model =
        Model::open(path, {.progress = [](float) { return true; }, .log = [](int, std::string_view) {}});
    if (!model) { return std::unexpected(model.error()); }
    std::size_t length = 0;
    if (auto request = model->chat("[]", {.news = [] {}})) {
        for (const Piece& piece : *request) {
            length += piece.text.size();
        }
        if (request->error()) { return std::unexpected(*request->error()); }
        if (!request->for_each([](const Piece&) { return false; })) { length += 1; }
        if (auto text = request->text()) { length += text->size(); }
    }
    if (auto tokens = model->tokenize("text")) {
        length += model->complete(*tokens).has_value() ? tokens->size() : 0;
    }
    if (auto floats = model->embed({"text"})) { length += floats->size(); }
    if (auto session = model->session(); session && session->save("file")) { length += 1; }
    return length;
}
