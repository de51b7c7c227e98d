#include "python/request.h"

#include <exception>
#include <iterator>
#include <unistd.h>

namespace vb::python {
namespace {

// How soon Ctrl-C is seen while nothing comes: signals do not interrupt vb_request_next.
constexpr std::int32_t between_signals_ms = 50;

} // namespace

bool Received::read(vb_request* request, std::int32_t timeout_ms) noexcept {
    try {
        vb_piece piece = VB_PIECE_INIT;
        const std::int32_t now = vb_request_next(request, timeout_ms, &piece);
        if (now == VB_AGAIN) { return false; }
        if (now != VB_OK) {
            status = now;
            if (now < 0) { error = vb_error_last(); }
            [[maybe_unused]] const std::int32_t known = vb_request_get_result(request, &result);
            return false;
        }
        text.append(piece.text, piece.length);
        for (std::size_t index = 0; index < piece.token_count; ++index) {
            tokens.push_back(copy_of(piece.tokens[index]));
        }
        return true;
    } catch (const std::exception&) { // no memory
        status = VB_ERROR_RESOURCES;
        return false;
    }
}

void Received::add(Received&& more) {
    text += more.text;
    tokens.insert(tokens.end(), std::move_iterator(more.tokens.begin()),
                  std::move_iterator(more.tokens.end()));
    if (more.is_over()) {
        status = more.status;
        error = std::move(more.error);
        result = more.result;
    }
}

Request::Request(std::uint64_t number, std::shared_ptr<News> news) noexcept
    : number_(number), news_(std::move(news)), process_(::getpid()) {}

bool Request::is_forked() const noexcept { return ::getpid() != process_; }

void Request::begin(Reading reading) {
    if (reading == Reading::news) { options_.set_news(on_news, this); }
    const Begin begin = std::exchange(begin_, {});
    reading_ = reading;
    vb_request* handle = nullptr;
    Outcome outcome{};
    is_waiting_ = true;
    {
        const WithoutGil released;
        outcome = begin(options_.view(), &handle);
    }
    handle_ = handle;
    if (outcome.status < 0) {
        with_received([&outcome](Received& received) {
            received.status = outcome.status;
            received.error = std::move(outcome.error);
        });
    }
    stop_waiting();
}

void Request::on_news(vb_request* request, void* user_data) noexcept {
    auto& self = *static_cast<Request*>(user_data);
    const std::scoped_lock lock(self.mutex_);
    while (self.received_.read(request, 0)) {} // all that there is, or the descriptor stays readable
    self.news_->add(self.number_);
}

void Request::wait() {
    if (handle_ == nullptr) { return; }
    Received fresh;
    is_waiting_ = true;
    {
        const WithoutGil released;
        fresh.read(handle_, between_signals_ms);
    }
    with_received([&fresh](Received& received) { received.add(std::move(fresh)); });
    stop_waiting();
}

void Request::stop_waiting() {
    is_waiting_ = false;
    if (is_closed_) { free(); } // by another thread, which left this to us
}

void Request::poll() {
    if (handle_ == nullptr) { return; }
    with_received([this](Received& received) {
        if (!received.is_over()) { received.read(handle_, 0); }
    });
}

void Request::close() {
    if (is_closed_) { return; }
    is_closed_ = true;
    begin_ = {};
    if (is_waiting_) {
        vb_request_cancel(handle_);
    } else {
        free();
    }
}

void Request::free() {
    if (vb_request* const handle = std::exchange(handle_, nullptr)) {
        const WithoutGil released; // a callback on another thread may have to end first
        vb_request_free(handle);
    }
}

} // namespace vb::python
