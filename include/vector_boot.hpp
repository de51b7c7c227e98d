/// @file
/// vector_boot.h for C++23: the handles as objects that end themselves, failures as std::expected. Header only; all
/// of it goes through the C interface, whose rules hold here too. Needs no exceptions; callbacks must not throw.
#pragma once

#include "vector_boot.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace vector_boot {

/// Why something failed.
struct Error {
    std::int32_t status = VB_OK; ///< VB_ERROR_*
    std::string message;         ///< vb_error_last()

    bool operator==(const Error&) const = default;
};

/// What a function made, or why it did not.
template <class Value = void>
using Result = std::expected<Value, Error>;

namespace detail {

template <auto free>
struct Free {
    template <class Handle>
    void operator()(Handle* handle) const noexcept {
        free(handle);
    }
};

inline std::unexpected<Error> failure(std::int32_t status) {
    return std::unexpected(Error{status, vb_error_last()});
}

inline Result<> result(std::int32_t status) {
    if (status < 0) { return failure(status); }
    return {};
}

} // namespace detail

/// The bytes of a vb_buffer as an array of `Value`.
template <class Value>
class Buffer {
  public:
    explicit Buffer(vb_buffer* buffer) noexcept : buffer_(buffer) {}

    std::span<const Value> view() const noexcept {
        return {static_cast<const Value*>(vb_buffer_data(buffer_.get())),
                vb_buffer_size(buffer_.get()) / sizeof(Value)};
    }
    auto begin() const noexcept { return view().begin(); }
    auto end() const noexcept { return view().end(); }
    std::size_t size() const noexcept { return view().size(); }
    const Value& operator[](std::size_t index) const noexcept { return view()[index]; }

  private:
    std::unique_ptr<vb_buffer, detail::Free<vb_buffer_free>> buffer_;
};

namespace detail {

inline Result<std::string> text(std::int32_t status, vb_buffer* out) {
    if (status < 0) { return failure(status); }
    const Buffer<char> buffer(out);
    return std::string(buffer.begin(), buffer.end());
}

} // namespace detail

/// What came of an answer since the last piece; valid until the next one is asked for.
struct Piece {
    std::string_view text;                   ///< whole characters
    std::span<const vb_chosen_token> tokens; ///< with RequestOptions::alternatives only
};

/// How an answer is to be, as vb_request_options.
struct RequestOptions {
    std::uint32_t max_tokens = 0;
    float temperature = 0;
    std::uint32_t top_k = 0;
    float top_p = 0;
    float min_p = 0;
    float repeat_penalty = 0;
    float frequency_penalty = 0;
    float presence_penalty = 0;
    std::uint32_t penalty_tokens = 0;
    std::optional<std::uint32_t> seed{};
    bool slides = false;
    std::optional<std::uint32_t> alternatives{}; ///< Piece::tokens are there, each with so many others
    std::chrono::milliseconds deadline{};
    std::string grammar{};
    std::string schema{};
    std::vector<std::string> stop{};
    std::vector<vb_logit_bias> logit_bias{};
    std::function<void()> news{}; ///< in Model::dispatch(): Request::next(piece, 0ms) has something to say
};

/// One answer under way; the end of the object cancels it, unless it is over.
class Request {
  public:
    enum class Next : unsigned char { piece, end, nothing_yet };

    /// Waits for the next piece; with a timeout, no longer than that.
    Result<Next> next(Piece& piece) { return next_within(-1, piece); }
    Result<Next> next(Piece& piece, std::chrono::milliseconds timeout) {
        constexpr std::int64_t most = INT32_MAX;
        const std::int64_t count = timeout.count();
        return next_within(static_cast<std::int32_t>(count < 0 ? 0 : count > most ? most : count), piece);
    }

    /// Every piece to `function`, which returns nothing, or false to cancel.
    template <class Function>
    Result<> for_each(Function&& function) {
        Piece piece;
        for (;;) {
            const Result<Next> got = next(piece);
            if (!got) { return std::unexpected(got.error()); }
            if (*got == Next::end) { return {}; }
            if constexpr (std::is_void_v<decltype(function(piece))>) {
                function(piece);
            } else if (!function(piece)) {
                cancel();
            }
        }
    }

    /// What is left of the answer, whole.
    Result<std::string> text() {
        std::string whole;
        return for_each([&whole](const Piece& piece) { whole += piece.text; }).transform([&] {
            return std::move(whole);
        });
    }

    /// `for (const Piece& piece : request)`; it ends with the answer, or with an error: see error().
    class Iterator {
      public:
        using value_type = Piece;
        using difference_type = std::ptrdiff_t;

        explicit Iterator(Request& request) : request_(&request) { ++*this; }
        const Piece& operator*() const noexcept { return piece_; }
        Iterator& operator++() {
            const Result<Next> got = request_->next(piece_);
            is_over_ = !got || *got == Next::end;
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t /*end*/) const noexcept { return is_over_; }

      private:
        Request* request_;
        Piece piece_{};
        bool is_over_ = false;
    };
    Iterator begin() { return Iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }
    /// Why next() last failed; nothing if it did not.
    const std::optional<Error>& error() const noexcept { return error_; }

    void cancel() noexcept { vb_request_cancel(handle()); } ///< vb_request_cancel()

    /// vb_request_get_result(): nothing before the end was told.
    std::optional<vb_result> result() const {
        vb_result result = VB_RESULT_INIT;
        if (vb_request_get_result(handle(), &result) != VB_OK) { return std::nullopt; }
        return result;
    }

    vb_request* handle() const noexcept { return handle_.get(); } ///< for vector_boot.h; it stays ours

  private:
    friend class Model;
    friend class Session;

    // Calls `begin` with the C options, whose pointers are into `options`.
    template <class Begin>
    static Result<Request> make(const RequestOptions& options, Begin begin) {
        Request request;
        vb_request_options given = VB_REQUEST_OPTIONS_INIT;
        given.max_tokens = options.max_tokens;
        given.temperature = options.temperature;
        given.top_k = options.top_k;
        given.top_p = options.top_p;
        given.min_p = options.min_p;
        given.repeat_penalty = options.repeat_penalty;
        given.frequency_penalty = options.frequency_penalty;
        given.presence_penalty = options.presence_penalty;
        given.penalty_tokens = options.penalty_tokens;
        given.has_seed = options.seed ? 1 : 0;
        given.seed = options.seed.value_or(0);
        given.slides = options.slides ? 1 : 0;
        given.logprobs = options.alternatives ? *options.alternatives + 1 : 0;
        given.deadline_ms =
            options.deadline.count() > 0 ? static_cast<std::uint64_t>(options.deadline.count()) : 0;
        given.grammar = options.grammar.empty() ? nullptr : options.grammar.c_str();
        given.schema = options.schema.empty() ? nullptr : options.schema.c_str();
        std::vector<const char*> stop;
        for (const std::string& text : options.stop) {
            stop.push_back(text.c_str());
        }
        given.stop = stop.data();
        given.stop_count = stop.size();
        given.logit_bias = options.logit_bias.data();
        given.logit_bias_count = options.logit_bias.size();
        if (options.news) {
            request.news_ = std::make_unique<std::function<void()>>(options.news);
            given.news = [](vb_request*, void* news) { (*static_cast<std::function<void()>*>(news))(); };
            given.news_data = request.news_.get();
        }
        vb_request* handle = nullptr;
        if (const std::int32_t status = begin(&given, &handle); status < 0) {
            return detail::failure(status);
        }
        request.handle_.reset(handle);
        return request;
    }

    Result<Next> next_within(std::int32_t timeout, Piece& piece) {
        vb_piece got = VB_PIECE_INIT;
        const std::int32_t status = vb_request_next(handle(), timeout, &got);
        piece = {.text = {got.text != nullptr ? got.text : "", got.length},
                 .tokens = {got.tokens, got.token_count}};
        error_.reset();
        if (status < 0) {
            error_ = Error{status, vb_error_last()};
            return std::unexpected(*error_);
        }
        return status == VB_OK ? Next::piece : status == VB_END ? Next::end : Next::nothing_yet;
    }

    std::unique_ptr<std::function<void()>> news_; // before the handle, which ends first
    std::unique_ptr<vb_request, detail::Free<vb_request_free>> handle_;
    std::optional<Error> error_;
};

/// A conversation that keeps its messages: vb_session.
class Session {
  public:
    explicit Session(vb_session* handle) noexcept : handle_(handle) {}

    Result<Request> chat(const std::string& messages, const RequestOptions& options = {}) {
        return Request::make(options, [&](const vb_request_options* given, vb_request** out) {
            return vb_session_chat(handle(), messages.c_str(), given, out);
        });
    }
    Result<std::string> messages() const {
        vb_buffer* out = nullptr;
        const auto status = vb_session_messages(handle(), &out);
        return detail::text(status, out);
    }
    Result<> save(const std::string& path) { return detail::result(vb_session_save(handle(), path.c_str())); }

    vb_session* handle() const noexcept { return handle_.get(); } ///< for vector_boot.h; it stays ours

  private:
    std::unique_ptr<vb_session, detail::Free<vb_session_free>> handle_;
};

/// How a model is opened, as vb_model_options.
struct ModelOptions {
    std::uint32_t context = 0;
    std::uint32_t threads = 0;
    std::uint32_t parallel = 0;
    std::uint32_t kept = 0;
    std::string cache{};
    std::function<bool(float)> progress{}; ///< false gives up
    std::function<void(std::int32_t level, std::string_view text)> log{};
    std::int32_t log_level = 0; ///< VB_LOG_*
};

/// A model that is loaded and answers: vb_model. Each function is the vb_model_ function of its name.
class Model {
  public:
    static Result<Model> open(const std::string& path, ModelOptions options = {}) {
        Model model;
        vb_model_options given = VB_MODEL_OPTIONS_INIT;
        given.context = options.context;
        given.threads = options.threads;
        given.parallel = options.parallel;
        given.kept = options.kept;
        given.cache = options.cache.empty() ? nullptr : options.cache.c_str();
        given.log_level = options.log_level;
        if (options.progress) {
            given.progress = [](float loaded, void* progress) -> std::int32_t {
                return (*static_cast<std::function<bool(float)>*>(progress))(loaded) ? 0 : 1;
            };
            given.progress_data = &options.progress;
        }
        if (options.log) {
            model.log_ = std::make_unique<Log>(std::move(options.log));
            given.log = [](std::int32_t level, const char* text, std::size_t length, void* log) {
                (*static_cast<Log*>(log))(level, {text, length});
            };
            given.log_data = model.log_.get();
        }
        vb_model* handle = nullptr;
        if (const auto status = vb_model_open(path.c_str(), &given, &handle); status < 0) {
            return detail::failure(status);
        }
        model.handle_.reset(handle);
        return model;
    }

    std::string_view name() const noexcept { return vb_model_name(handle()); }
    Result<vb_model_info> info() const {
        vb_model_info info = VB_MODEL_INFO_INIT;
        return detail::result(vb_model_get_info(handle(), &info)).transform([&] { return info; });
    }

    Result<Request> chat(const std::string& messages, const RequestOptions& options = {}) {
        return Request::make(options, [&](const vb_request_options* given, vb_request** out) {
            return vb_model_chat(handle(), messages.c_str(), given, out);
        });
    }
    Result<Request> complete(std::string_view text, const RequestOptions& options = {}) {
        return Request::make(options, [&](const vb_request_options* given, vb_request** out) {
            return vb_model_complete(handle(), text.data(), text.size(), given, out);
        });
    }
    Result<Request> complete(std::span<const std::int32_t> tokens, const RequestOptions& options = {}) {
        return Request::make(options, [&](const vb_request_options* given, vb_request** out) {
            return vb_model_complete_tokens(handle(), tokens.data(), tokens.size(), given, out);
        });
    }

    Result<Buffer<std::int32_t>> tokenize(std::string_view text, bool special = true) const {
        vb_buffer* out = nullptr;
        const auto status = vb_model_tokenize(handle(), text.data(), text.size(), special ? 1 : 0, &out);
        return detail::result(status).transform([&] { return Buffer<std::int32_t>(out); });
    }
    Result<std::string> detokenize(std::span<const std::int32_t> tokens, bool special = true) const {
        vb_buffer* out = nullptr;
        const auto status =
            vb_model_detokenize(handle(), tokens.data(), tokens.size(), special ? 1 : 0, &out);
        return detail::text(status, out);
    }
    Result<std::string> render(const std::string& messages) const {
        vb_buffer* out = nullptr;
        const auto status = vb_model_render(handle(), messages.c_str(), &out);
        return detail::text(status, out);
    }
    /// One after the other, info().embedding floats each.
    Result<Buffer<float>> embed(const std::vector<std::string>& texts) {
        std::vector<const char*> given;
        for (const std::string& text : texts) {
            given.push_back(text.c_str());
        }
        vb_buffer* out = nullptr;
        const auto status = vb_model_embed(handle(), given.data(), given.size(), &out);
        return detail::result(status).transform([&] { return Buffer<float>(out); });
    }

    Result<Session> session() {
        vb_session* out = nullptr;
        return detail::result(vb_session_open(handle(), &out)).transform([&] { return Session(out); });
    }
    Result<Session> load_session(const std::string& path) {
        vb_session* out = nullptr;
        return detail::result(vb_session_load(handle(), path.c_str(), &out)).transform([&] {
            return Session(out);
        });
    }

    /// Readable while requests with `news` have some: then call dispatch(), which says how many had.
    Result<int> fd() const { return number(vb_model_fd(handle())); }
    Result<int> dispatch() { return number(vb_model_dispatch(handle())); }

    vb_model* handle() const noexcept { return handle_.get(); } ///< for vector_boot.h; it stays ours

  private:
    using Log = std::function<void(std::int32_t, std::string_view)>;

    static Result<int> number(std::int32_t status) {
        if (status < 0) { return detail::failure(status); }
        return status;
    }

    std::unique_ptr<Log> log_; // before the handle, which ends first
    std::unique_ptr<vb_model, detail::Free<vb_model_free>> handle_;
};

} // namespace vector_boot
