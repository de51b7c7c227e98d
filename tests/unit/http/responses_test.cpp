#include "http/response_request.h"
#include "server_test.h"

namespace vb::http {

namespace {

using ResponsesTest = ServerTest;

constexpr char path[] = "/v1/responses";

engine::Messages messages(const std::string& fields) {
    const auto request = parse_response_request("{" + fields + "}");
    EXPECT_TRUE(request) << request.error().message;
    return request ? std::get<engine::Messages>(request->engine.front().prompt) : engine::Messages{};
}
std::string refused(const std::string& fields) {
    const auto request = parse_response_request("{" + fields + "}");
    return request ? "accepted" : request.error().param.value_or("no field");
}
std::string refused_beside(const std::string& fields) { return refused(R"("input":"Hi",)" + fields); }

TEST(ResponseRequestTest, InputBecomesMessages) {
    EXPECT_EQ(messages(R"("input":"Hi\n")").json, R"([{"role":"user","content":"Hi\n"}])");
    EXPECT_EQ(
        messages(
            R"("instructions":"Be brief.","input":[{"role":"developer","content":"a"},)"
            R"({"type":"message","role":"user","content":[{"type":"input_text","text":"b"},{"type":"input_text","text":"c"}]},)"
            R"({"type":"reasoning","summary":[]},)"
            R"({"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"d"}]}])")
            .json,
        R"([{"role":"system","content":"Be brief."},{"role":"system","content":"a"},{"role":"user","content":"bc"},)"
        R"({"role":"assistant","content":"d"}])");
}

TEST(ResponseRequestTest, CallsAndTheirResultsBecomeMessages) {
    EXPECT_EQ(
        messages(
            R"("input":[{"role":"user","content":"a"},)"
            R"({"type":"function_call","call_id":"1","name":"f","arguments":"{}"},)"
            R"({"type":"function_call","call_id":"2","name":"g","arguments":"{\"x\":1}"},)"
            R"({"type":"function_call_output","call_id":"1","output":"one"},)"
            R"({"type":"function_call_output","call_id":"2","output":[{"type":"input_text","text":"two"}]}])")
            .json,
        R"([{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[)"
        R"({"id":"1","type":"function","function":{"name":"f","arguments":"{}"}},)"
        R"({"id":"2","type":"function","function":{"name":"g","arguments":"{\"x\":1}"}}]},)"
        R"({"role":"tool","content":"one","tool_call_id":"1"},{"role":"tool","content":"two","tool_call_id":"2"}])");
}

TEST(ResponseRequestTest, ToolsAreTurnedIntoThoseOfChat) {
    const engine::Messages read = messages(
        R"("input":"a","tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},)"
        R"({"type":"function","name":"g"}],"tool_choice":{"type":"function","name":"g"},"parallel_tool_calls":false)");
    EXPECT_EQ(
        read.tools,
        R"([{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}},)"
        R"({"type":"function","function":{"name":"g"}}])");
    EXPECT_EQ(read.tool, "g");
    EXPECT_EQ(read.tool_choice, engine::ToolChoice::required);
    EXPECT_FALSE(read.calls_in_parallel);
}

TEST(ResponseRequestTest, Fields) {
    const auto request = parse_response_request(
        R"({"input":"a","max_output_tokens":9,"temperature":0.5,"top_p":0.25,"truncation":"auto","top_logprobs":3,)"
        R"("include":["message.output_text.logprobs"],"text":{"format":{"type":"json_schema","name":"n","schema":{"a":1}}},)"
        R"("reasoning":{"effort":"low"},"store":true,"stream":true})");
    ASSERT_TRUE(request) << request.error().message;
    const engine::Request& engine = request->engine.front();
    EXPECT_EQ(engine.max_tokens, 9U);
    EXPECT_EQ(engine.sampling.temperature, 0.5F);
    EXPECT_EQ(engine.sampling.top_p, 0.25F);
    EXPECT_EQ(engine.sampling.schema, R"({"a":1})");
    EXPECT_EQ(engine.alternatives, 3U);
    EXPECT_TRUE(engine.slides);
    EXPECT_TRUE(request->stream);
}

TEST(ResponseRequestTest, FaultsByName) {
    EXPECT_EQ(refused(""), "input");
    EXPECT_EQ(refused(R"("input":[])"), "input");
    EXPECT_EQ(refused(R"("input":3)"), "input");
    EXPECT_EQ(refused(R"("input":["a"])"), "input[0]");
    EXPECT_EQ(refused(R"("input":[{"role":"robot","content":"a"}])"), "input[0].role");
    EXPECT_EQ(refused(R"("input":[{"role":"user"}])"), "input[0].content");
    EXPECT_EQ(refused(R"("input":[{"role":"user","content":[{"type":"input_image"}]}])"),
              "input[0].content[0].type");
    EXPECT_EQ(refused(R"("input":[{"role":"user","content":[{"type":"input_text"}]}])"),
              "input[0].content[0].text");
    EXPECT_EQ(refused(R"("input":[{"type":"item_reference","id":"x"}])"), "input[0].type");
    EXPECT_EQ(refused(R"("input":[{"type":"function_call","name":"f","arguments":"{}"}])"),
              "input[0].call_id");
    EXPECT_EQ(refused(R"("input":[{"type":"function_call_output","call_id":"1"}])"), "input[0].output");
    EXPECT_EQ(refused_beside(R"("previous_response_id":"resp_1")"), "previous_response_id");
    EXPECT_EQ(refused_beside(R"("conversation":"c")"), "conversation");
    EXPECT_EQ(refused_beside(R"("background":true)"), "background");
    EXPECT_EQ(refused_beside(R"("prompt":{"id":"p"})"), "prompt");
    EXPECT_EQ(refused_beside(R"("tools":[{"type":"web_search"}])"), "tools[0].type");
    EXPECT_EQ(refused_beside(R"("tools":[{"type":"function"}])"), "tools[0].name");
    EXPECT_EQ(refused_beside(R"("tool_choice":"required")"), "tool_choice");
    EXPECT_EQ(refused_beside(R"("text":{"format":{"type":"json_schema"}})"), "text.format.schema");
    EXPECT_EQ(refused_beside(R"("text":{"format":{"type":"grammar"}})"), "text.format.type");
    EXPECT_EQ(refused_beside(R"("max_output_tokens":0)"), "max_output_tokens");
    EXPECT_EQ(refused_beside(R"("truncation":"some")"), "truncation");
    EXPECT_EQ(refused_beside(R"("instructions":[])"), "instructions");
    EXPECT_EQ(refused_beside(R"("metadata":3)"), "metadata");
    EXPECT_EQ(refused_beside(R"("include":"all")"), "accepted"); // one is a list of one
}

TEST_F(ResponsesTest, WholeAnswer) {
    Client client = connected();
    client.post(
        R"({"input":"Hi","instructions":"Be brief.","max_output_tokens":3,"temperature":0.5,"top_p":1,"metadata":{"a":"b"}})",
        path);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.text("Good ");
    call.text("day");
    call.finish();
    EXPECT_EQ(
        masked(client.reply().body),
        R"({"id":"ID","object":"response","created_at":TIME,"status":"completed","completed_at":TIME,"error":null,)"
        R"("incomplete_details":null,"instructions":"Be brief.","max_output_tokens":3,"model":"tiny/model","output":[)"
        R"({"id":"ID","type":"message","status":"completed","role":"assistant","content":[)"
        R"({"type":"output_text","text":"Good day","annotations":[],"logprobs":[]}]}],"parallel_tool_calls":true,)"
        R"("previous_response_id":null,"reasoning":{"effort":null,"summary":null},"metadata":{"a":"b"},)"
        R"("text":{"format":{"type":"text"}},"tools":[],"tool_choice":"auto","store":false,"background":false,)"
        R"("temperature":0.5,"top_p":1,"truncation":"disabled","usage":{"input_tokens":7,"input_tokens_details":)"
        R"({"cached_tokens":2,"cache_write_tokens":0},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0},)"
        R"("total_tokens":10},"user":null})");
}

TEST_F(ResponsesTest, CutOffIsIncomplete) {
    Client client = connected();
    client.post(R"({"input":"Hi"})", path);
    const auto call = backend_.next();
    call.text("Good");
    call.finish(engine::Finish::length);
    const std::string reply = client.reply().body;
    EXPECT_TRUE(reply.contains(
        R"("status":"incomplete","completed_at":null,"error":null,"incomplete_details":{"reason":"max_output_tokens"})"))
        << reply;
}

TEST_F(ResponsesTest, Calls) {
    Client client = connected();
    client.post(R"({"input":"Hi","tools":[{"type":"function","name":"f"}]})", path);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.receiver->tool_call({.index = 0, .name = "f", .arguments = "{}"});
    call.finish();
    const std::string reply = masked(client.reply().body);
    EXPECT_TRUE(reply.contains(
        R"("output":[{"id":"ID","type":"function_call","status":"completed","call_id":"ID","name":"f","arguments":"{}"}])"))
        << reply;
    EXPECT_TRUE(reply.contains(R"("tools":[{"type":"function","name":"f"}])")) << reply;
}

// Of each event: its name, and of its data what stands between the type and the response or the end.
std::string events(const std::string& stream) {
    std::string found;
    for (std::size_t at = 0; at < stream.size();) {
        const std::size_t end = stream.find("\n\n", at);
        const std::string event = stream.substr(at, end - at);
        const std::string name = event.substr(7, event.find('\n') - 7);
        EXPECT_TRUE(event.contains("data: {\"type\":\"" + name + "\",\"sequence_number\":")) << event;
        const std::size_t number = event.find("\"sequence_number\":") + 18;
        const std::size_t comma = event.find(',', number);
        std::string rest = event.substr(comma + 1, event.size() - comma - 2);
        if (rest.starts_with("\"response\"")) {
            rest = rest.substr(rest.find("\"status\""),
                               rest.find("\"completed_at\"") - rest.find("\"status\"") - 1);
        }
        found += event.substr(number, comma - number) + " " + name + " " + rest + "\n";
        at = end + 2;
    }
    return found;
}

TEST_F(ResponsesTest, StreamOfTextAndACall) {
    Client client = connected();
    client.post(R"({"input":"Hi","stream":true,"tools":[{"type":"function","name":"f"}]})", path);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    EXPECT_TRUE(client.silent(50));
    call.text("One");
    call.text(" two");
    call.receiver->tool_call({.index = 0, .name = "f", .arguments = R"({"a":1})"});
    call.finish();
    const Reply reply = client.reply();
    EXPECT_EQ(reply.headers.at("Content-Type"), "text/event-stream");
    const std::string message = R"("output_index":0,"item":{"id":"ID","type":"message",)";
    const std::string part = R"("item_id":"ID","output_index":0,"content_index":0,)";
    const std::string text = R"({"type":"output_text","text":"One two","annotations":[],"logprobs":[]})";
    EXPECT_EQ(
        events(masked(reply.body)),
        "0 response.created \"status\":\"in_progress\"\n"
        "1 response.in_progress \"status\":\"in_progress\"\n"
        "2 response.output_item.added " +
            message +
            R"("status":"in_progress","role":"assistant","content":[]})"
            "\n"
            "3 response.content_part.added " +
            part +
            R"("part":{"type":"output_text","text":"","annotations":[],"logprobs":[]})"
            "\n"
            "4 response.output_text.delta " +
            part +
            R"("delta":"One","logprobs":[])"
            "\n"
            "5 response.output_text.delta " +
            part +
            R"("delta":" two","logprobs":[])"
            "\n"
            "6 response.output_text.done " +
            part +
            R"("text":"One two","logprobs":[])"
            "\n"
            "7 response.content_part.done " +
            part + R"("part":)" + text +
            "\n"
            "8 response.output_item.done " +
            message + R"("status":"completed","role":"assistant","content":[)" + text +
            "]}\n"
            R"(9 response.output_item.added "output_index":1,"item":{"id":"ID","type":"function_call","status":"in_progress","call_id":"ID","name":"f","arguments":""})"
            "\n"
            R"(10 response.function_call_arguments.delta "item_id":"ID","output_index":1,"delta":"{\"a\":1}")"
            "\n"
            R"(11 response.function_call_arguments.done "item_id":"ID","output_index":1,"name":"f","arguments":"{\"a\":1}")"
            "\n"
            R"(12 response.output_item.done "output_index":1,"item":{"id":"ID","type":"function_call","status":"completed","call_id":"ID","name":"f","arguments":"{\"a\":1}"})"
            "\n"
            "13 response.completed \"status\":\"completed\"\n");
    EXPECT_FALSE(reply.body.contains("[DONE]"));
}

TEST_F(ResponsesTest, AStreamThatIsCutOffOrFails) {
    Client client = connected();
    client.post(R"({"input":"Hi","stream":true})", path);
    const auto first = backend_.next();
    first.text("One");
    first.finish(engine::Finish::length);
    EXPECT_TRUE(events(client.reply().body).ends_with("8 response.incomplete \"status\":\"incomplete\"\n"));
    client.post(R"({"input":"Hi","stream":true})", path);
    const auto second = backend_.next();
    second.text("One");
    second.fail(engine::Fault::internal, "it broke");
    const std::string failed = client.reply().body;
    EXPECT_TRUE(events(failed).ends_with("5 response.failed \"status\":\"failed\"\n")) << failed;
    EXPECT_TRUE(failed.contains(R"("error":{"code":"server_error","message":"it broke"})")) << failed;
}

TEST_F(ResponsesTest, LogprobsWhereTheyAreIncluded) {
    Client client = connected();
    client.post(R"({"input":"Hi","include":["message.output_text.logprobs"]})", path);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.receiver->token({.chosen = {.token = 1, .logprob = -0.5F, .bytes = "a"}, .alternatives = {}});
    call.text("a");
    call.finish();
    EXPECT_TRUE(client.reply().body.contains(
        R"("logprobs":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}])"));
}

} // namespace

} // namespace vb::http
