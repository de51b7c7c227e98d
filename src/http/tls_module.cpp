// The module that http/tls.h loads: OpenSSL under libevent's streams.
#include "http/tls.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <new>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace vb::http {

namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

class OpenSslTls final : public Tls {
  public:
    explicit OpenSslTls(Context context) noexcept : context_(std::move(context)) {}

    bufferevent* accept(event_base* base, int socket) override {
        SSL* const session = SSL_new(context_.get());
        if (session == nullptr) { return nullptr; }
        bufferevent* const stream = bufferevent_openssl_socket_new(
            base, socket, session, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
        if (stream == nullptr) {
            SSL_free(session);
            return nullptr;
        }
        // Many clients just close. A request is known to be whole by its length.
        bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
        return stream;
    }
    void end(bufferevent* stream) noexcept override {
        // One more record, to a socket that has just taken all that there was. If it has no room for this, the
        // client sees the end of the connection instead.
        SSL_shutdown(bufferevent_openssl_get_ssl(stream));
        ERR_clear_error();
    }

  private:
    const Context context_;
};

base::Error openssl_error(const char* operation, const char* file) {
    // The first says what OpenSSL met, the others where it was.
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* const reason = ERR_reason_error_string(code);
    return {.operation = operation,
            .object = file,
            .number = ERR_SYSTEM_ERROR(code) ? ERR_GET_REASON(code) : 0,
            .detail = ERR_SYSTEM_ERROR(code) ? ""
                      : reason != nullptr    ? reason
                                             : "OpenSSL does not say why"};
}

} // namespace

} // namespace vb::http

extern "C" __attribute__((visibility("default"))) vb::http::Tls*
vector_boot_open_tls(const char* certificate, const char* private_key, vb::base::Error& error) {
    using namespace vb::http;
    Context context(SSL_CTX_new(TLS_server_method()));
    if (!context) { throw std::bad_alloc(); }
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    // Resumption would need keys that are kept and changed; a renegotiation is a client's way to cost time.
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS); // of idle connections, of which there are many
    if (SSL_CTX_use_certificate_chain_file(context.get(), certificate) != 1) {
        error = openssl_error("use the certificate", certificate);
        return nullptr;
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), private_key, SSL_FILETYPE_PEM) != 1) {
        error = openssl_error("use the private key",
                              private_key); // says as well where it is not the certificate's
        return nullptr;
    }
    return new OpenSslTls(std::move(context));
}
