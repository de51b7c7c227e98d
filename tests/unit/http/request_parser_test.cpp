#include "http/request_parser.h"

#include <gtest/gtest.h>

namespace vb::http {

namespace {

constexpr Limits limits{.body = 100, .headers = 1000, .target = 100};

// Fed whole, and then byte by byte: what comes out must be the same.
class Parsed {
  public:
    explicit Parsed(const std::string& bytes, const Limits& within = limits) {
        for (const std::size_t step : {bytes.size(), std::size_t{1}}) {
            RequestParser parser(within);
            int status = 0;
            for (std::size_t at = 0; at < bytes.size() && status == 0 && !parser.is_complete();) {
                const auto taken = parser.feed(std::string_view(bytes).substr(at, step));
                if (taken) {
                    at += *taken;
                } else {
                    status = taken.error().status;
                    EXPECT_FALSE(taken.error().message.empty());
                }
            }
            const bool complete = parser.is_complete();
            if (step != 1 || bytes.size() == 1) {
                status_ = status, complete_ = complete, request_ = parser.take();
            } else {
                EXPECT_EQ(status, status_) << bytes;
                EXPECT_EQ(complete, complete_) << bytes;
                const Request again = parser.take();
                if (complete) { EXPECT_EQ(again.path + again.body, request_.path + request_.body); }
            }
        }
    }
    // 0: no fault.
    int status() const { return status_; }
    bool complete() const { return complete_; }
    const Request& operator*() const { return request_; }
    const Request* operator->() const { return &request_; }

  private:
    int status_ = 0;
    bool complete_ = false;
    Request request_;
};

Parsed get(const std::string& target) { return Parsed("GET " + target + " HTTP/1.1\r\nHost: t\r\n\r\n"); }
Parsed post(const std::string& headers, const std::string& body = {}) {
    return Parsed("POST /x HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n" + body);
}

TEST(RequestParserTest, WholeRequest) {
    const Parsed request = post("Content-Length: 5\r\nX-Empty:\r\nX-Two: a b \r\n", "hello");
    ASSERT_TRUE(request.complete());
    EXPECT_EQ(request->method, Method::post);
    EXPECT_EQ(request->method_name, "POST");
    EXPECT_EQ(request->path, "/x");
    EXPECT_EQ(request->body, "hello");
    EXPECT_TRUE(request->keeps_connection);
    ASSERT_NE(request->header("x-two"), nullptr);
    EXPECT_EQ(*request->header("x-two"), "a b");
    ASSERT_NE(request->header("X-Empty"), nullptr);
    EXPECT_EQ(*request->header("X-Empty"), "");
    EXPECT_EQ(request->header("X-Three"), nullptr);
    EXPECT_EQ(*request->header("host"), "t");
}

TEST(RequestParserTest, ChunkedBody) {
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    const Parsed request =
        post(chunked, "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nHost: late\r\nX-Trailer: 1\r\n\r\n");
    ASSERT_TRUE(request.complete());
    EXPECT_EQ(request->body, "abcde");
    EXPECT_EQ(request->header("X-Trailer"), nullptr);
    EXPECT_EQ(post(chunked, "3\r\nabcde\r\n0\r\n\r\n").status(), 400);
    EXPECT_EQ(post(chunked, "x\r\n").status(), 400);
    EXPECT_EQ(post(chunked, "-1\r\n").status(), 400);
    EXPECT_EQ(post(chunked, "FFFFFFFFFFFFFFFFF\r\n").status(), 400);
    EXPECT_EQ(post(chunked, "70\r\n" + std::string(112, 'x')).status(), 413);
    EXPECT_EQ(post(chunked, "1;" + std::string(2000, 'x')).status(), 400);
    EXPECT_EQ(post(chunked, "0\r\nX: " + std::string(2000, 'x')).status(), 431);
}

TEST(RequestParserTest, WhatHidesAnotherRequestIsRefused) {
    EXPECT_EQ(post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n").status(), 400);
    EXPECT_EQ(post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n").status(), 400);
    EXPECT_EQ(post("Content-Length: 3\r\nContent-Length: 4\r\n").status(), 400);
    EXPECT_EQ(post("Content-Length: +3\r\n").status(), 400);
    EXPECT_EQ(post("Content-Length: 0x3\r\n").status(), 400);
    EXPECT_EQ(post("Content-Length: 3 4\r\n").status(), 400);
    EXPECT_EQ(post("Content-Length:\r\n").status(), 400);
    EXPECT_EQ(post("Content-Length: 99999999999999999999999\r\n").status(), 400);
    EXPECT_EQ(post("Transfer-Encoding: gzip\r\n").status(), 501);
    EXPECT_EQ(post("Transfer-Encoding: gzip, chunked\r\n").status(), 501);
    EXPECT_EQ(post("Transfer-Encoding: chunked, chunked\r\n").status(), 400);
    EXPECT_EQ(post("Transfer-Encoding : chunked\r\n").status(), 400);
    EXPECT_EQ(post("X: a\r\n b\r\n").status(), 400);
    EXPECT_EQ(post("X: a\nY: b\r\n").status(), 400);
    EXPECT_EQ(Parsed("POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").status(), 400);
    EXPECT_EQ(Parsed("GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status(), 400);
    EXPECT_EQ(Parsed("GET /x HTTP/1.1\r\n\r\n").status(), 400);
}

TEST(RequestParserTest, LimitsHaveStatusesOfTheirOwn) {
    EXPECT_EQ(post("Content-Length: 101\r\n").status(), 413);
    EXPECT_EQ(post("Content-Length: 100\r\n").status(), 0);
    EXPECT_EQ(get("/" + std::string(100, 'x')).status(), 414);
    EXPECT_EQ(get("/" + std::string(99, 'x')).status(), 0);
    EXPECT_EQ(post("X: " + std::string(1000, 'x') + "\r\n").status(), 431);
    std::string many;
    for (int count = 0; count < 40; ++count) {
        many += "X:\r\n";
    }
    EXPECT_EQ(post(many).status(), 431);
}

TEST(RequestParserTest, Expectations) {
    RequestParser parser(limits);
    ASSERT_TRUE(
        parser.feed("POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n"));
    EXPECT_TRUE(parser.has_head() && parser.is_expecting());
    ASSERT_TRUE(parser.feed("h"));
    EXPECT_FALSE(parser.is_expecting());
    EXPECT_EQ(post("Content-Length: 2\r\nExpect: tea\r\n").status(), 417);
    EXPECT_EQ(post("Content-Length: 200\r\nExpect: 100-continue\r\n").status(), 413);
}

TEST(RequestParserTest, Versions) {
    EXPECT_FALSE(Parsed("GET / HTTP/1.0\r\n\r\n")->keeps_connection);
    EXPECT_TRUE(Parsed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")->keeps_connection);
    EXPECT_FALSE(Parsed("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")->keeps_connection);
    for (const char* const version : {"HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0"}) {
        EXPECT_EQ(Parsed(std::string("GET / ") + version + "\r\nHost: t\r\n\r\n").status(), 505) << version;
    }
    EXPECT_EQ(Parsed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status(), 505);
    EXPECT_EQ(Parsed("GET / HTP/1.1\r\n\r\n").status(), 400);
    EXPECT_EQ(Parsed("GET /\r\n\r\n").status(), 505); // HTTP/0.9's form
}

TEST(RequestParserTest, Methods) {
    const Parsed known = Parsed("DELETE / HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_TRUE(known.complete());
    EXPECT_EQ(known->method, Method::other);
    EXPECT_EQ(known->method_name, "DELETE");
    EXPECT_EQ(Parsed("BREW / HTTP/1.1\r\n").status(), 405);
    EXPECT_EQ(Parsed("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").status(), 405);
    EXPECT_EQ(Parsed("{\"a\":1}").status(), 400);
    EXPECT_EQ(Parsed("\x16\x03\x01").status(), 400);
    EXPECT_EQ(Parsed("GE\x01T / HTTP/1.1\r\n").status(), 400);
}

TEST(RequestParserTest, Targets) {
    EXPECT_EQ(get("/a%20b%2Fc")->path, "/a b/c");
    EXPECT_EQ(get("/%c3%A4")->path, "/\xC3\xA4");
    EXPECT_EQ(get("http://example.org/v1?x=1")->path, "/v1");
    EXPECT_EQ(get("HTTP://example.org")->path, "/");
    EXPECT_EQ(get("http://example.org?x=1")->query("x"), "1");
    for (const char* const wrong : {"/%", "/%4", "/%zz", "/%00", "/%0a", "/%7f", "/%ff", "/%c0%80", "/a#b",
                                    "*", "x", "ftp://h/", "/?%", "/?x=%ff", "/\xC3\xA4", "/\t", "/\x01"}) {
        EXPECT_EQ(get(wrong).status(), 400) << wrong;
    }
    EXPECT_EQ(Parsed(std::string("GET /\0 HTTP/1.1\r\n", 18)).status(), 400);
    EXPECT_EQ(Parsed("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n")->path, "*");
}

TEST(RequestParserTest, Queries) {
    const Parsed request = get("/x?a=1&b=x+y%26z&empty=&bare&a=2&=no&&%61b=c");
    EXPECT_EQ(request->query("a"), "1");
    EXPECT_EQ(request->query("b"), "x y&z");
    EXPECT_EQ(request->query("empty"), "");
    EXPECT_EQ(request->query("bare"), "");
    EXPECT_EQ(request->query("ab"), "c");
    EXPECT_EQ(request->query("c"), std::nullopt);
    EXPECT_EQ(get("/x")->query("a"), std::nullopt);
}

TEST(RequestParserTest, OneAfterAnother) {
    const std::string bytes = "\r\nGET /a HTTP/1.1\r\nHost: t\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
                              "POST /b HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nx"
                              "HEAD /c HTTP/1.1\r\nHost: t\r\n\r\n\x01";
    RequestParser parser(limits);
    std::string_view rest = bytes;
    std::string paths, bodies;
    for (int count = 0; count < 3; ++count) {
        EXPECT_FALSE(parser.is_begun());
        const auto taken = parser.feed(rest);
        ASSERT_TRUE(taken) << taken.error().message;
        ASSERT_TRUE(parser.is_complete());
        rest.remove_prefix(*taken);
        const Request request = parser.take();
        paths += request.path;
        bodies += request.body;
    }
    EXPECT_EQ(paths, "/a/b/c");
    EXPECT_EQ(bodies, "x");
    ASSERT_FALSE(parser.feed(rest));
    EXPECT_EQ(parser.take().method, Method::other);
    EXPECT_FALSE(parser.feed("GET / HTTP/1.1\r\n\r\n")) << "after a fault nothing is a request";
}

} // namespace

} // namespace vb::http
