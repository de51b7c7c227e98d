// The keywords of a request as vb_request_options, with what those point to.
#pragma once

#include "python/interpreter.h"

#include "vector_boot.h"

#include <cstdint>
#include <string>
#include <vector>

namespace vb::python {

class RequestOptions {
  public:
    RequestOptions() = default;
    RequestOptions(const RequestOptions&) = delete; // view() points into this
    RequestOptions& operator=(const RequestOptions&) = delete;

    // From a dict of keywords; None is the default everywhere. False and an exception where one is unknown or of
    // another type; whether a value makes sense the library says.
    bool read(PyObject* keywords);

    // Valid as long as this.
    const vb_request_options& view() noexcept;

    void set_news(vb_news_callback news, void* data) noexcept {
        options_.news = news;
        options_.news_data = data;
    }

  private:
    struct Keyword;
    static const Keyword keywords[];

    bool read_one(PyObject* name, PyObject* value);
    bool read_max_tokens(PyObject* value);
    bool read_seed(PyObject* value);
    bool read_deadline(PyObject* value);
    bool read_slides(PyObject* value);
    bool read_logprobs(PyObject* value);
    bool read_stop(PyObject* value);
    bool read_grammar(PyObject* value);
    bool read_schema(PyObject* value);
    bool read_logit_bias(PyObject* value);
    template <float vb_request_options::* field>
    bool read_float(PyObject* value);
    template <std::uint32_t vb_request_options::* field>
    bool read_unsigned(PyObject* value);

    vb_request_options options_ = VB_REQUEST_OPTIONS_INIT;
    const char* reading_ = ""; // the keyword at hand
    std::string grammar_;
    std::string schema_;
    std::vector<std::string> stop_;
    std::vector<const char*> stop_pointers_;
    std::vector<vb_logit_bias> logit_bias_;
};

} // namespace vb::python
