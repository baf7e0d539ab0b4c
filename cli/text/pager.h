// A pager between us and the terminal, for answers that are read from their beginning.
//
// $SMTPTAPE_PAGER, else $PAGER, else less -FRX; none where standard output is no terminal, where
// TERM is dumb, or where the variable is empty or "cat".
#pragma once

#include <sys/types.h>

#include <optional>

#include "base/io.h"

namespace smtptape {

enum class Paged : bool { No, Yes };

class Pager {
 public:
  explicit Pager(Paged wanted);
  ~Pager();
  Pager(const Pager&) = delete;
  Pager& operator=(const Pager&) = delete;

  // Waits until it was read, or put away: what else there is to say comes behind it.
  void finish();

 private:
  std::optional<pid_t> child_;
  UniqueFd terminal_;  // standard output, meanwhile
};

}  // namespace smtptape
