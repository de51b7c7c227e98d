#include "http/page.h"

namespace vb::http {

namespace {

// Standard in C23 and in C++26; GCC and Clang have it in every C++, and say so.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wc++26-extensions"
constexpr unsigned char index_html[] = {
#embed "index.html"
};
constexpr unsigned char style_css[] = {
#embed "style.css"
};
constexpr unsigned char main_js[] = {
#embed "main.js"
};
constexpr unsigned char server_js[] = {
#embed "server.js"
};
constexpr unsigned char chat_js[] = {
#embed "chat.js"
};
constexpr unsigned char markdown_js[] = {
#embed "markdown.js"
};
constexpr unsigned char machine_js[] = {
#embed "machine.js"
};
constexpr unsigned char icon_svg[] = {
#embed "icon.svg"
};
#pragma GCC diagnostic pop

std::string_view text_of(std::span<const unsigned char> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr char script[] = "text/javascript; charset=utf-8";

} // namespace

std::span<const PageFile> page_files() {
    static const PageFile files[] = {
        {"index.html", "text/html; charset=utf-8", text_of(index_html)},
        {"style.css", "text/css; charset=utf-8", text_of(style_css)},
        {"main.js", script, text_of(main_js)},
        {"server.js", script, text_of(server_js)},
        {"chat.js", script, text_of(chat_js)},
        {"markdown.js", script, text_of(markdown_js)},
        {"machine.js", script, text_of(machine_js)},
        {"icon.svg", "image/svg+xml", text_of(icon_svg)},
    };
    return files;
}

} // namespace vb::http
