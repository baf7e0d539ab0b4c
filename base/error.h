// How failure travels: a failed operation throws Error, each layer adds its words once
// (with_context), and main, or the task that owns a connection, reports one line.
//
// Not errors: damage in a file (a report), loss (a gap record), the end (std::optional).
// Text: lower case, no full stop; what was being done, to what, why, with the number seen and the
// number allowed.
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace smtptape {

// Exit codes of the program; docs/user-guide.md lists them for its users.
enum class Exit : int {
  Done = 0,
  Failed = 1,
  Usage = 2,
  Incomplete = 3,   // done, but something within the answer is missing or unreadable
  NoRoom = 4,       // a recorder that was told to stop when there is no room
  KcliPanic = 101,  // only with --as-live
};

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what, Exit exit = Exit::Failed)
      : std::runtime_error(what), exit_(exit) {}
  [[nodiscard]] Exit exit() const { return exit_; }

 private:
  Exit exit_;
};

// Wrong options or configuration: ends with exit code 2.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& what) : Error(what, Exit::Usage) {}
};

// "doing: strerror(errno)", for system calls that have just failed.
[[nodiscard]] Error system_error(const std::string& doing, int error_number);

// Runs `work`; an Error that leaves it gains "doing: " in front.
template <class Work>
auto with_context(const std::string& doing, Work&& work) -> std::invoke_result_t<Work> {
  try {
    return std::forward<Work>(work)();
  } catch (const Error& error) {
    throw Error(doing + ": " + error.what(), error.exit());
  }
}

// An invariant of our own is broken: say which and abort, in release builds too.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace smtptape

#define SMTPTAPE_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::smtptape::check_failed(#condition, __FILE__, __LINE__))
