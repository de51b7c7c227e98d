#include "python/request_options.h"

#include "python/json_text.h"
#include "python/values.h"

#include <cmath>
#include <limits>
#include <string_view>

namespace vb::python {

struct RequestOptions::Keyword {
    const char* name;
    bool (RequestOptions::*read)(PyObject* value);
};

const RequestOptions::Keyword RequestOptions::keywords[] = {
    {"max_tokens", &RequestOptions::read_max_tokens},
    {"temperature", &RequestOptions::read_float<&vb_request_options::temperature>},
    {"top_k", &RequestOptions::read_unsigned<&vb_request_options::top_k>},
    {"top_p", &RequestOptions::read_float<&vb_request_options::top_p>},
    {"min_p", &RequestOptions::read_float<&vb_request_options::min_p>},
    {"repeat_penalty", &RequestOptions::read_float<&vb_request_options::repeat_penalty>},
    {"frequency_penalty", &RequestOptions::read_float<&vb_request_options::frequency_penalty>},
    {"presence_penalty", &RequestOptions::read_float<&vb_request_options::presence_penalty>},
    {"penalty_tokens", &RequestOptions::read_unsigned<&vb_request_options::penalty_tokens>},
    {"seed", &RequestOptions::read_seed},
    {"stop", &RequestOptions::read_stop},
    {"grammar", &RequestOptions::read_grammar},
    {"schema", &RequestOptions::read_schema},
    {"logprobs", &RequestOptions::read_logprobs},
    {"logit_bias", &RequestOptions::read_logit_bias},
    {"deadline", &RequestOptions::read_deadline},
    {"slides", &RequestOptions::read_slides},
};

bool RequestOptions::read(PyObject* given) {
    Py_ssize_t position = 0;
    PyObject* name = nullptr;
    PyObject* value = nullptr;
    while (PyDict_Next(given, &position, &name, &value) != 0) {
        if (!read_one(name, value)) { return false; }
    }
    return true;
}

bool RequestOptions::read_one(PyObject* name, PyObject* value) {
    for (const Keyword& keyword : keywords) {
        if (PyUnicode_CompareWithASCIIString(name, keyword.name) != 0) { continue; }
        if (value == Py_None) { return true; }
        reading_ = keyword.name;
        return (this->*keyword.read)(value);
    }
    std::string known;
    for (const Keyword& keyword : keywords) {
        known += known.empty() ? "" : ", ";
        known += keyword.name;
    }
    PyErr_Format(PyExc_TypeError, "got an unexpected keyword argument '%U'; the options of a request are %s",
                 name, known.c_str());
    return false;
}

template <float vb_request_options::* field>
bool RequestOptions::read_float(PyObject* value) {
    const auto number = number_of(value, reading_);
    if (number) { options_.*field = static_cast<float>(*number); }
    return number.has_value();
}

template <std::uint32_t vb_request_options::* field>
bool RequestOptions::read_unsigned(PyObject* value) {
    const auto number = unsigned_of(value, reading_);
    if (number) { options_.*field = *number; }
    return number.has_value();
}

bool RequestOptions::read_max_tokens(PyObject* value) {
    if (!read_unsigned<&vb_request_options::max_tokens>(value)) { return false; }
    if (options_.max_tokens > 0) { return true; }
    PyErr_SetString(PyExc_ValueError,
                    "max_tokens is 0, expected 1 or more; leave it out for as many as the context holds");
    return false;
}

bool RequestOptions::read_seed(PyObject* value) {
    options_.has_seed = 1;
    return read_unsigned<&vb_request_options::seed>(value);
}

bool RequestOptions::read_deadline(PyObject* value) {
    const auto seconds = number_of(value, reading_);
    if (!seconds) { return false; }
    if (std::isnan(*seconds)) {
        PyErr_SetString(PyExc_ValueError, "deadline is nan, expected seconds");
        return false;
    }
    constexpr double longest = 1e15; // milliseconds: for ever
    const double milliseconds = std::ceil(*seconds * 1000);
    if (milliseconds >= longest) { return true; }
    // What is left of somebody's time may be nothing: then it is over at once.
    options_.deadline_ms = milliseconds < 1 ? 1 : static_cast<std::uint64_t>(milliseconds);
    return true;
}

bool RequestOptions::read_slides(PyObject* value) {
    const int is_true = PyObject_IsTrue(value);
    if (is_true >= 0) { options_.slides = static_cast<std::uint32_t>(is_true); }
    return is_true >= 0;
}

bool RequestOptions::read_logprobs(PyObject* value) {
    if (PyBool_Check(value)) {
        options_.logprobs = value == Py_True ? 1 : 0;
        return true;
    }
    const auto alternatives = unsigned_of(value, reading_);
    if (!alternatives) { return false; }
    constexpr std::uint32_t most = 20;
    if (*alternatives > most) {
        PyErr_Format(PyExc_ValueError, "logprobs is %u, expected at most %u alternatives", *alternatives,
                     most);
        return false;
    }
    options_.logprobs = *alternatives == 0 ? 0 : *alternatives + 1;
    return true;
}

bool RequestOptions::read_stop(PyObject* value) {
    const bool is_one = PyUnicode_Check(value);
    const Ref list(is_one ? PyList_New(0) : PySequence_List(value));
    if (!list) { return refuse_type(value, "stop", "a str or a list of str"); }
    if (is_one && PyList_Append(list.get(), value) < 0) { return false; }
    const Py_ssize_t size = PyList_Size(list.get());
    for (Py_ssize_t index = 0; index < size; ++index) {
        auto text = c_text_of(PyList_GetItem(list.get(), index), is_one ? "stop" : "stop: each of the list");
        if (!text) { return false; }
        stop_.push_back(*std::move(text));
    }
    for (const std::string& text : stop_) {
        stop_pointers_.push_back(text.c_str());
    }
    return true;
}

bool RequestOptions::read_grammar(PyObject* value) {
    auto text = c_text_of(value, reading_);
    if (!text) { return false; }
    grammar_ = *std::move(text);
    return true;
}

bool RequestOptions::read_schema(PyObject* value) {
    if (!PyUnicode_Check(value) && !PyDict_Check(value)) {
        return refuse_type(value, "schema", "a dict or JSON text");
    }
    auto text = PyDict_Check(value) ? json_text(value, reading_) : c_text_of(value, reading_);
    if (!text) { return false; }
    schema_ = *std::move(text);
    return true;
}

bool RequestOptions::read_logit_bias(PyObject* value) {
    if (!PyDict_Check(value)) {
        return refuse_type(value, "logit_bias", "a dict of token numbers and numbers");
    }
    Py_ssize_t position = 0;
    PyObject* key = nullptr;
    PyObject* one = nullptr;
    while (PyDict_Next(value, &position, &key, &one) != 0) {
        const auto token = unsigned_of(key, "logit_bias: a token");
        if (!token) { return false; }
        const auto bias = number_of(one, "logit_bias: a bias");
        if (!bias) { return false; }
        // What no int32_t holds is no token of any model; the library refuses the largest one for that.
        constexpr std::uint32_t largest = std::numeric_limits<std::int32_t>::max();
        logit_bias_.push_back(
            {static_cast<std::int32_t>(*token < largest ? *token : largest), static_cast<float>(*bias)});
    }
    return true;
}

const vb_request_options& RequestOptions::view() noexcept {
    options_.grammar = grammar_.empty() ? nullptr : grammar_.c_str();
    options_.schema = schema_.empty() ? nullptr : schema_.c_str();
    options_.stop = stop_pointers_.data();
    options_.stop_count = stop_pointers_.size();
    options_.logit_bias = logit_bias_.data();
    options_.logit_bias_count = logit_bias_.size();
    return options_;
}

} // namespace vb::python
