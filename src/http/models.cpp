#include "http/models.h"

#include "http/json.h"

#include <array>
#include <optional>

// Named, since glaze's reflection needs types with linkage.
namespace vb::http::wire {

struct StatusWord {
    std::string_view status;
};
// As llama-server names them.
struct ModelMeta {
    std::uint32_t n_ctx, n_ctx_train, n_vocab, n_embd;
    std::uint64_t n_params, size;
};
struct Model {
    static constexpr std::array<std::string_view, 1> left_out{"meta"};
    std::string_view id;
    std::string_view object = "model";
    std::int64_t created;
    std::string_view owned_by = "vector_boot";
    std::optional<ModelMeta> meta; // once it is loaded
};
struct ModelList {
    std::string_view object = "list";
    std::array<Model, 1> data;
};

} // namespace vb::http::wire

namespace vb::http {

namespace {

wire::Model model(const Backend& backend, std::int64_t created) {
    wire::Model model{.id = backend.model_name(), .created = created, .meta = {}};
    if (backend.state() == engine::State::ready) {
        const engine::ModelInformation known = backend.information();
        model.meta = {.n_ctx = known.context,
                      .n_ctx_train = known.trained_context,
                      .n_vocab = known.vocabulary,
                      .n_embd = known.embedding,
                      .n_params = known.parameters,
                      .size = known.weights};
    }
    return model;
}

} // namespace

std::string model_json(const Backend& backend, std::int64_t created) { return json(model(backend, created)); }

std::string model_list_json(const Backend& backend, std::int64_t created) {
    return json(wire::ModelList{.data = {model(backend, created)}});
}

std::string status_json(std::string_view status) { return json(wire::StatusWord{status}); }

} // namespace vb::http
