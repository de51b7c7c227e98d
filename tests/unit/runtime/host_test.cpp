// A program in the runtime's process: the engine that booted, through the C interface.
#include "capi/awaited.h"
#include "capi/host.h"
#include "vector_boot_machine.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace vb {

namespace {

constexpr char question[] = R"([{"role":"user","content":"Hello"}])";

class Machine final : public capi::Host {
  public:
    explicit Machine(const char* model)
        : engine_({.model = model}, timeline_, log_, [this](engine::State state) { settled_.bring(state); }) {
        capi::set_host(this);
    }
    ~Machine() { capi::set_host(nullptr); }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    engine::Engine& engine() noexcept override { return engine_; }
    bool wait_until_settled(std::chrono::milliseconds patience) override {
        return settled_.wait_for(patience);
    }
    void ready() override { said += "ready\n"; }
    void set_status(std::string_view text) override { said += std::string(text) + "\n"; }
    void alive(std::chrono::milliseconds patience) override {
        said += std::to_string(patience.count()) + "\n";
    }
    std::string device(std::string_view name) const override {
        return name == "sensor" ? "file:" + std::string(VB_TINY_MODEL) : std::string();
    }
    std::string timeline() const override { return "the timeline"; }
    base::Result<> serve() override { return base::failure("serve", "it", "not in this test"); }

    std::string said;

  private:
    trace::Timeline timeline_;
    base::Log log_{-1, "test"};
    capi::Awaited<engine::State> settled_;
    engine::Engine engine_;
};

// The status of the whole answer.
std::int32_t run(vb_model* model, std::uint32_t max_tokens) {
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.max_tokens = max_tokens;
    vb_request* request = nullptr;
    const std::int32_t asked = vb_model_chat(model, question, &options, &request);
    const std::int32_t answered = asked < 0 ? asked : vb_request_run(request, nullptr, nullptr);
    vb_request_free(request);
    return answered;
}

TEST(HostTest, ALibraryOnItsOwnHasNone) {
    EXPECT_EQ(vb_machine_is_booted(), 0);
    EXPECT_EQ(vb_machine_ready(), VB_OK);
    EXPECT_EQ(vb_machine_set_status("text"), VB_OK);
    EXPECT_EQ(vb_machine_watchdog(10), VB_OK);
    EXPECT_EQ(vb_machine_serve(), VB_ERROR_ARGUMENT);
    EXPECT_NE(std::string(vb_error_last()).find("nothing booted"), std::string::npos);
    vb_buffer* timeline = nullptr;
    ASSERT_EQ(vb_machine_timeline(&timeline), VB_OK);
    EXPECT_STREQ(static_cast<const char*>(vb_buffer_data(timeline)), R"({"traceEvents":[]})");
    vb_buffer_free(timeline);
    vb_model* model = nullptr;
    EXPECT_EQ(vb_model_open(nullptr, nullptr, &model), VB_ERROR_ARGUMENT);
}

TEST(HostTest, HearsWhatTheProgramSays) {
    Machine machine(VB_TINY_MODEL);
    EXPECT_EQ(vb_machine_is_booted(), 1);
    EXPECT_EQ(vb_machine_ready(), VB_OK);
    EXPECT_EQ(vb_machine_set_status("text"), VB_OK);
    EXPECT_EQ(vb_machine_set_status(nullptr), VB_ERROR_ARGUMENT);
    EXPECT_EQ(vb_machine_watchdog(10), VB_OK);
    EXPECT_EQ(machine.said, "ready\ntext\n10\n");
    EXPECT_EQ(vb_machine_serve(), VB_ERROR_RESOURCES);
    EXPECT_STREQ(vb_error_last(), "serve it: not in this test");
    EXPECT_EQ(vb_machine_timeline(nullptr), VB_ERROR_ARGUMENT);
}

TEST(HostTest, ItsEngineStaysWhenAModelIsFreed) {
    const Machine machine(VB_TINY_MODEL);
    vb_model* first = nullptr;
    vb_model* second = nullptr;
    ASSERT_EQ(vb_model_open(nullptr, nullptr, &first), VB_OK) << vb_error_last();
    ASSERT_EQ(vb_model_open(nullptr, nullptr, &second), VB_OK);
    EXPECT_STREQ(vb_model_name(first), "tiny");
    EXPECT_EQ(run(first, 4), VB_OK);

    vb_request* long_request = nullptr;
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.slides = 1; // without an end
    options.temperature = 1;
    ASSERT_EQ(vb_model_chat(first, question, &options, &long_request), VB_OK);
    vb_model_free(first);
    EXPECT_EQ(vb_request_run(long_request, nullptr, nullptr), VB_ERROR_CANCELLED);
    vb_request_free(long_request);

    EXPECT_EQ(run(second, 4), VB_OK);
    vb_model_free(second);
    ASSERT_EQ(vb_model_open(nullptr, nullptr, &first), VB_OK);
    EXPECT_EQ(run(first, 4), VB_OK);
    vb_model_free(first);
}

TEST(HostTest, AModelThatIsFreedWhileItIsAskedLosesNothing) {
    const Machine machine(VB_TINY_MODEL);
    for (int round = 0; round < 20; ++round) {
        vb_model* model = nullptr;
        ASSERT_EQ(vb_model_open(nullptr, nullptr, &model), VB_OK);
        std::atomic<int> asking = 0;
        std::thread asker([&] {
            vb_request* request = nullptr;
            vb_request_options options = VB_REQUEST_OPTIONS_INIT;
            options.slides = 1;
            options.temperature = 1;
            const std::int32_t asked = vb_model_chat(model, question, &options, &request);
            asking = 1;
            asking.notify_one();
            const std::int32_t ended = asked < 0 ? asked : vb_request_run(request, nullptr, nullptr);
            EXPECT_EQ(ended, VB_ERROR_CANCELLED);
            vb_request_free(request);
        });
        while (asking == 0) {
            asking.wait(0);
        }
        vb_model_free(model);
        asker.join();
    }
}

TEST(HostTest, AnEngineThatFailedIsTheModelsError) {
    const Machine machine("/dev/null");
    vb_model* model = nullptr;
    EXPECT_EQ(vb_model_open(nullptr, nullptr, &model), VB_ERROR_MODEL);
    EXPECT_NE(std::string(vb_error_last()).find("/dev/null"), std::string::npos);
}

} // namespace

} // namespace vb
