// Several mistakes in one command line, told together: who mends one shall not meet the next only
// then.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace smtptape {

// One line for each mistake.
class UsageErrors : public UsageError {
 public:
  explicit UsageErrors(std::vector<std::string> lines)
      : UsageError(lines.front()), lines_(std::move(lines)) {}
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

class Mistakes {
 public:
  // Runs `work`; wrong usage that leaves it is kept.  Other errors come out.
  template <class Work>
  void check(Work&& work) {
    try {
      std::forward<Work>(work)();
    } catch (const UsageErrors& errors) {
      lines_.insert(lines_.end(), errors.lines().begin(), errors.lines().end());
    } catch (const Error& error) {
      if (error.exit() != Exit::Usage) throw;
      lines_.emplace_back(error.what());
    }
  }
  // Throws UsageErrors when there are some.
  void throw_if_any() const {
    if (!lines_.empty()) throw UsageErrors(lines_);
  }

 private:
  std::vector<std::string> lines_;
};

}  // namespace smtptape
