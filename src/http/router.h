// Which handler answers which path. What no handler answers is told so here: 404, 405, OPTIONS.
#pragma once

#include "http/exchange.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace vb::http {

class Router {
  public:
    using Handler = std::function<void(Exchange&)>;
    // Of a path below a folder: gets what comes after it, never empty.
    using FolderHandler = std::function<void(Exchange&, std::string_view rest)>;

    // GET answers HEAD as well.
    void add(Method method, std::string path, Handler handler);
    void add_folder(Method method, std::string folder, FolderHandler handler); // "/v1/models/"

    void route(Exchange& exchange) const;
    // The path or folder that answers this path; "other" if there is none.
    std::string_view route_of(std::string_view path) const;

  private:
    // Of one path, in the order of the methods' names.
    struct Handlers {
        FolderHandler get, post;
    };

    static void answer(Exchange& exchange, const Handlers& handlers, std::string_view rest);

    std::map<std::string, Handlers, std::less<>> paths_;
    std::map<std::string, Handlers, std::less<>> folders_;
};

} // namespace vb::http
