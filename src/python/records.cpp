#include "python/records.h"

#include <initializer_list>
#include <string_view>

namespace vb::python {
namespace {

PyStructSequence_Field info_fields[] = {
    {"name", "The file's name without directory and \".gguf\"."},
    {"context", "Tokens that a prompt and its answer may have together."},
    {"trained_context", "Tokens that the model was trained for; 0 where its file does not say."},
    {"vocabulary", "How many different tokens there are."},
    {"embedding", "Floats of one embedding."},
    {"threads", "Threads that compute."},
    {"parameters", "Parameters of the model."},
    {"weights", "Bytes of the model's weights."},
    {nullptr, nullptr}};
PyStructSequence_Desc info_description{"vector_boot.ModelInfo", "What is known of a model.", info_fields, 8};

PyStructSequence_Field usage_fields[] = {
    {"prompt_tokens", "Tokens of the prompt."},
    {"cached_tokens", "How many of those did not have to be computed."},
    {"completion_tokens", "Tokens of the answer, the one that ended it included."},
    {"first_token_seconds",
     "Seconds from the call to the first text, or with `logprobs` the first token; 0 where there was none."},
    {"total_seconds", "Seconds from the call to the end."},
    {nullptr, nullptr}};
PyStructSequence_Desc usage_description{"vector_boot.Usage", "What an answer took.", usage_fields, 5};

PyStructSequence_Field token_fields[] = {
    {"id", "The token's number in the vocabulary."},
    {"text", "Its text; U+FFFD stands for what is no whole character."},
    {"bytes", "Its bytes as they are."},
    {"logprob", "Natural logarithm of its probability, before temperature and the like."},
    {"alternatives", "The likeliest tokens at its place, the likeliest first; each a Token without any."},
    {nullptr, nullptr}};
PyStructSequence_Desc token_description{"vector_boot.Token", "One token of an answer.", token_fields, 5};

PyStructSequence_Field edge_fields[] = {
    {"is_rising", "Whether the line became active; else it became inactive."},
    {"time", "When, in seconds of time.monotonic()."},
    {"lost", "How many edges before this one nobody took in time."},
    {nullptr, nullptr}};
PyStructSequence_Desc edge_description{"vector_boot.Edge", "A GPIO line became active, or inactive.",
                                       edge_fields, 3};

PyStructSequence_Field input_event_fields[] = {
    {"type", "EV_KEY, which is 1, EV_ABS, which is 3, and so on; EV_SYN, 0, ends what came together."},
    {"code", "Which key, switch or axis."},
    {"value", "A key has 1 when it is pressed, 0 when it is let go of, 2 when it repeats."},
    {"time",
     "When, in seconds of time.monotonic(). What was asked for after the kernel dropped events has 0."},
    {nullptr, nullptr}};
PyStructSequence_Desc input_event_description{
    "vector_boot.InputEvent",
    "What was pressed, let go of or moved, in the numbers of linux/input-event-codes.h.", input_event_fields,
    4};

PyStructSequence_Field uevent_fields[] = {
    {"action",
     "`add`, `remove`, `change`, `move`, `online`, `offline`, `bind` or `unbind`; or `lost`, where there "
     "were more than the kernel had room for."},
    {"path", "The device's place below /sys."},
    {"subsystem", "Such as `pci`."},
    {"name", "Of its node below /dev; empty where it has none."},
    {nullptr, nullptr}};
PyStructSequence_Desc uevent_description{"vector_boot.Uevent", "What the kernel says of a device.",
                                         uevent_fields, 4};

bool add_record(PyObject* module, PyStructSequence_Desc& description, PyTypeObject*& type) {
    type = PyStructSequence_NewType(&description);
    if (type == nullptr) { return false; }
    return PyModule_AddType(module, type) == 0;
}

// Takes the references over, NULL ones of failed calls as well.
Ref make(PyTypeObject* type, std::initializer_list<PyObject*> fields) {
    Ref record(PyStructSequence_New(type));
    Py_ssize_t index = 0;
    bool is_whole = static_cast<bool>(record);
    for (PyObject* const field : fields) {
        if (record) {
            PyStructSequence_SetItem(record.get(), index++, field);
        } else {
            Py_XDECREF(field);
        }
        is_whole = is_whole && field != nullptr;
    }
    return is_whole ? std::move(record) : Ref();
}

PyObject* decoded(std::string_view text) {
    return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

PyObject* seconds(std::uint64_t nanoseconds) {
    return PyFloat_FromDouble(static_cast<double>(nanoseconds) / 1e9);
}

Ref make_token(const ModuleState& state, const TokenText& token, Ref alternatives) {
    if (!alternatives) { return {}; }
    return make(state.token_type,
                {PyLong_FromLong(token.id), decoded(token.text),
                 PyBytes_FromStringAndSize(token.text.data(), static_cast<Py_ssize_t>(token.text.size())),
                 PyFloat_FromDouble(static_cast<double>(token.logprob)), alternatives.release()});
}

template <class Values, class Make>
Ref make_tuple(const Values& values, Make make_one) {
    Ref tuple(PyTuple_New(static_cast<Py_ssize_t>(values.size())));
    Py_ssize_t index = 0;
    for (const auto& value : values) {
        if (!tuple) { return {}; }
        Ref one = make_one(value);
        if (!one || PyTuple_SetItem(tuple.get(), index++, one.release()) < 0) { return {}; }
    }
    return tuple;
}

TokenText copy_of(const vb_token& token) {
    return {.id = token.id, .logprob = token.logprob, .text = std::string(token.text, token.length)};
}

} // namespace

ChosenToken copy_of(const vb_chosen_token& token) {
    ChosenToken copy{.token = copy_of(token.token), .alternatives = {}};
    for (std::size_t index = 0; index < token.alternative_count; ++index) {
        copy.alternatives.push_back(copy_of(token.alternatives[index]));
    }
    return copy;
}

bool add_records(PyObject* module, ModuleState& state) {
    return add_record(module, info_description, state.info_type) &&
           add_record(module, usage_description, state.usage_type) &&
           add_record(module, token_description, state.token_type) &&
           add_record(module, edge_description, state.edge_type) &&
           add_record(module, input_event_description, state.input_event_type) &&
           add_record(module, uevent_description, state.uevent_type);
}

Ref make_info(const ModuleState& state, const vb_model* model, const vb_model_info& info) {
    return make(state.info_type,
                {decoded(vb_model_name(model)), PyLong_FromUnsignedLong(info.context),
                 PyLong_FromUnsignedLong(info.trained_context), PyLong_FromUnsignedLong(info.vocabulary),
                 PyLong_FromUnsignedLong(info.embedding), PyLong_FromUnsignedLong(info.threads),
                 PyLong_FromUnsignedLongLong(info.parameters), PyLong_FromUnsignedLongLong(info.weights)});
}

Ref make_usage(const ModuleState& state, const vb_result& result) {
    return make(state.usage_type,
                {PyLong_FromUnsignedLong(result.prompt_tokens), PyLong_FromUnsignedLong(result.cached_tokens),
                 PyLong_FromUnsignedLong(result.completion_tokens), seconds(result.first_token_ns),
                 seconds(result.total_ns)});
}

Ref make_tokens(const ModuleState& state, const std::vector<ChosenToken>& tokens) {
    return make_tuple(tokens, [&state](const ChosenToken& one) {
        return make_token(state, one.token, make_tuple(one.alternatives, [&state](const TokenText& other) {
                              return make_token(state, other, Ref(PyTuple_New(0)));
                          }));
    });
}

Ref make_edge(const ModuleState& state, const vb_gpio_edge& edge) {
    return make(state.edge_type,
                {PyBool_FromLong(edge.is_rising), seconds(edge.time_ns), PyLong_FromUnsignedLong(edge.lost)});
}

Ref make_input_event(const ModuleState& state, const vb_input_event& event) {
    return make(state.input_event_type, {PyLong_FromLong(event.type), PyLong_FromLong(event.code),
                                         PyLong_FromLong(event.value), seconds(event.time_ns)});
}

Ref make_uevent(const ModuleState& state, const vb_uevent& event) {
    return make(state.uevent_type,
                {PyUnicode_DecodeFSDefault(event.action), PyUnicode_DecodeFSDefault(event.path),
                 PyUnicode_DecodeFSDefault(event.subsystem), PyUnicode_DecodeFSDefault(event.name)});
}

} // namespace vb::python
