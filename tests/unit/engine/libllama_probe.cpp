// Loads the model named on the command line with libllama alone, all of its CPU code, and nothing of ours: exit 0 when
// it does. What our checks are compared with.
#include <ggml-backend.h>
#include <llama.h>
#include <unistd.h>

int main(int count, char** words) {
    if (count != 2) { return 2; }
    alarm(60); // what hangs is killed
    ggml_backend_load_all();
    llama_model* const model = llama_model_load_from_file(words[1], llama_model_default_params());
    if (model == nullptr) { return 1; }
    llama_model_free(model);
    return 0;
}
