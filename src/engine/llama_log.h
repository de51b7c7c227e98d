// What libllama says, which it says only to one callback of the whole process and never in its return values.
// While a LlamaLog lives, the lines of the thread that made it go to our log, and the last error is kept, so
// that "the model was refused" can say why. Lines of threads without a LlamaLog are dropped.
#pragma once

#include "base/log.h"

#include <string>

namespace vb::engine {

class LlamaLog {
  public:
    explicit LlamaLog(const base::Log& log);
    ~LlamaLog();
    LlamaLog(const LlamaLog&) = delete;
    LlamaLog& operator=(const LlamaLog&) = delete;

    // The last error line, without libllama's function name; or that there was none.
    std::string reason() const;

    // A piece of a line, as libllama's callback gets it.
    void add(base::Level level, std::string_view piece);

  private:
    const base::Log* log_;
    LlamaLog* outer_;
    base::Level level_ = base::Level::debug;
    std::string line_;
    std::string error_;
};

} // namespace vb::engine
