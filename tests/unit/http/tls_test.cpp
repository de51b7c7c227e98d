// The server behind TLS, asked by a client of OpenSSL.
#include "server_test.h"

#include <cstdio>
#include <filesystem>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace vb::http {

namespace {

template <auto Free>
struct FreeBy {
    template <class Object>
    void operator()(Object* object) const noexcept {
        Free(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using File = std::unique_ptr<std::FILE, FreeBy<std::fclose>>;

Key write_key(const std::string& path) {
    Key key(EVP_EC_gen("P-256"));
    const File file(std::fopen(path.c_str(), "we"));
    EXPECT_EQ(PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
    return key;
}

void write_certificate(const std::string& path, EVP_PKEY* key) {
    const Certificate certificate(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key);
    EXPECT_GT(X509_sign(certificate.get(), key, EVP_sha256()), 0);
    const File file(std::fopen(path.c_str(), "we"));
    EXPECT_EQ(PEM_write_X509(file.get(), certificate.get()), 1);
}

class TlsTest : public ServerTest {
  protected:
    void SetUp() override {
        ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
        certificate_ = folder_ + "/certificate";
        key_ = folder_ + "/key";
        write_certificate(certificate_, write_key(key_).get());
        auto tls = load_tls(certificate_, key_);
        ASSERT_TRUE(tls) << base::describe(tls.error()).view();
        tls_ = std::move(*tls);
        start({.handshake = std::chrono::seconds(1)});
    }
    void TearDown() override {
        stop();
        std::filesystem::remove_all(folder_);
    }

    std::string folder_ = "/tmp/vector_boot_tls_XXXXXX";
    std::string certificate_, key_;
};

class TlsClient {
  public:
    explicit TlsClient(std::uint16_t port, int version = 0)
        : context_(SSL_CTX_new(TLS_client_method())),
          socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval patience{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        if (version != 0) {
            SSL_CTX_set_security_level(context_.get(), 0);
            SSL_CTX_set_max_proto_version(context_.get(), version);
        }
        session_.reset(SSL_new(context_.get()));
        SSL_set_fd(session_.get(), socket_.get());
        connected_ = SSL_connect(session_.get()) == 1;
    }
    bool connected() const { return connected_; }
    std::string version() const { return SSL_get_version(session_.get()); }
    void send(std::string_view bytes) const {
        EXPECT_EQ(SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())),
                  static_cast<int>(bytes.size()));
    }
    // Up to this text, or to the end if it is empty.
    std::string read_to(std::string_view end) const {
        std::string all;
        char bytes[16384];
        while (end.empty() || !all.ends_with(end)) {
            const int got = SSL_read(session_.get(), bytes, sizeof bytes);
            if (got <= 0) { break; }
            all.append(bytes, static_cast<std::size_t>(got));
        }
        return all;
    }
    bool was_ended() const { return (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
    void close() { socket_.reset(); }

  private:
    std::unique_ptr<SSL_CTX, FreeBy<SSL_CTX_free>> context_;
    base::UniqueFd socket_;
    std::unique_ptr<SSL, FreeBy<SSL_free>> session_;
    bool connected_ = false;
};

constexpr char live[] = "GET /live HTTP/1.1\r\nHost: t\r\n\r\n";
constexpr char live_body[] = R"({"status":"ok"})";

std::string streamed_request() {
    const std::string body = streamed_chat;
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

TEST_F(TlsTest, RequestsAndStreams) {
    const TlsClient client(port_);
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.version(), "TLSv1.3");
    for (int round = 0; round < 2; ++round) {
        client.send(live);
        EXPECT_TRUE(client.read_to(live_body).starts_with("HTTP/1.1 200 OK\r\n"));
    }
    client.send(streamed_request());
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.text(std::string(300'000, 'x'));
    call.finish();
    EXPECT_GT(client.read_to("data: [DONE]\n\n\r\n0\r\n\r\n").size(), 300'000U);
}

TEST_F(TlsTest, TheEndIsSaid) {
    const TlsClient client(port_);
    client.send("noise\r\n\r\n");
    EXPECT_TRUE(client.read_to("").contains(R"({"error":{)"));
    EXPECT_TRUE(client.was_ended());
}

TEST_F(TlsTest, AClientThatGoesIsNoticed) {
    TlsClient client(port_);
    client.send(streamed_request());
    const auto call = backend_.next();
    client.close();
    EXPECT_TRUE(backend_.wait_cancelled(call.ticket));
}

TEST_F(TlsTest, OldVersionsAndPlainTextAreRefused) {
    EXPECT_TRUE(TlsClient(port_, TLS1_2_VERSION).connected());
    EXPECT_FALSE(TlsClient(port_, TLS1_1_VERSION).connected());
    Client plain = connected();
    plain.send(live);
    EXPECT_FALSE(plain.drain().contains("200"));
    const Client silent = connected();
    EXPECT_TRUE(silent.closed()) << "the handshake has a deadline";
    EXPECT_TRUE(TlsClient(port_).connected());
}

TEST_F(TlsTest, FaultyFilesAreNamed) {
    const auto fault = [](const std::string& certificate, const std::string& key) {
        const auto tls = load_tls(certificate, key);
        return tls ? std::string() : std::string(base::describe(tls.error()).view());
    };
    EXPECT_EQ(fault("/nothing", key_), "use the certificate /nothing: No such file or directory (ENOENT)");
    EXPECT_TRUE(fault(certificate_, "/nothing").starts_with("use the private key /nothing"));
    EXPECT_TRUE(fault(key_, key_).starts_with("use the certificate " + key_)) << fault(key_, key_);
    const std::string other = folder_ + "/other";
    write_key(other);
    EXPECT_TRUE(fault(certificate_, other).contains("mismatch")) << fault(certificate_, other);
}

} // namespace

} // namespace vb::http
