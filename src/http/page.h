// The web page's files, which are a part of the program: from web/, as they are there.
#pragma once

#include <span>
#include <string_view>

namespace vb::http {

struct PageFile {
    std::string_view name; // "style.css"; the page itself: "index.html"
    const char* content_type;
    std::string_view content;
};

std::span<const PageFile> page_files();

} // namespace vb::http
