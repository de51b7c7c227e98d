// TLS for the server's connections. What it needs of OpenSSL is in a module that is loaded only where a certificate is
// configured: linking it would cost every start of the process milliseconds.
#pragma once

#include "base/error.h"

#include <memory>
#include <string>

struct bufferevent;
struct event_base;

namespace vb::http {

class Tls {
  public:
    virtual ~Tls() = default;
    // A stream over a connected socket, which it closes with itself; null where memory has ended.
    virtual bufferevent* accept(event_base* base, int socket) = 0;
    // Tells the client that no more will come.
    virtual void end(bufferevent* stream) noexcept = 0;
};

// With the certificate chain and the private key of these PEM files.
base::Result<std::unique_ptr<Tls>> load_tls(const std::string& certificate, const std::string& private_key);

// What the module exports: opens a Tls, or returns null and says why.
using OpenTls = Tls* (*)(const char* certificate, const char* private_key, base::Error& error);
inline constexpr char open_tls_name[] = "vector_boot_open_tls";

} // namespace vb::http
