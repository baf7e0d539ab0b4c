#include "cli/text/output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "cli/text/progress.h"

namespace smtptape {

StandardOutput::StandardOutput() {
  constexpr int kPipeBytes = 1 << 20;
  // Not a pipe, or more than this user may have: it stays as it is.
  [[maybe_unused]] const int result = ::fcntl(STDOUT_FILENO, F_SETPIPE_SZ, kPipeBytes);
  is_terminal_ = ::isatty(STDOUT_FILENO) != 0;
}

void StandardOutput::write(std::string_view bytes) {
  const auto lock = is_terminal_ ? Progress::quiet() : std::unique_lock<std::mutex>();
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno == EPIPE) throw OutputClosed{};
      if (errno != EAGAIN) throw system_error("writing standard output", errno);
      wait_until_ready(STDOUT_FILENO, POLLOUT);
      continue;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void StandardOutput::write_json(std::string_view lines) {
  if (!is_terminal()) return write(lines);
  write(visible_json(lines));
}

void say_raw(std::string_view text) {
  std::string line(text);
  line.push_back('\n');
  const auto lock = Progress::quiet();
  try {
    write_all(STDERR_FILENO, line, "standard error");
  } catch (const Error&) {
    // Whether anybody hears us can't be told to anybody.
  }
}

void say(std::string_view text) {
  say_raw("smtptape: " + visible(text));
}

void say_lines(std::string_view text) {
  for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(end + 1)) {
    end = text.find('\n');
    say(text.substr(0, end));
    if (end == std::string_view::npos) return;
  }
}

namespace {

// A pipe that is ready takes so much at once; longer lines lose their end.
constexpr std::size_t kLongestLine = PIPE_BUF - 64;

bool can_be_told() {
  pollfd error{STDERR_FILENO, POLLOUT, 0};
  return ::poll(&error, 1, 0) == 1 && (error.revents & POLLOUT) != 0;
}

}  // namespace

void say_without_waiting(std::string_view text) {
  static std::mutex mutex;
  static std::uint64_t missed = 0;  // by mutex
  const std::lock_guard lock(mutex);
  for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(end + 1)) {
    end = text.find('\n');
    if (missed > 0 && can_be_told()) {
      say(counted(std::exchange(missed, 0), "line") +
          " could not be written here: nobody was reading");
    }
    if (missed == 0 && can_be_told()) {
      say(text.substr(0, std::min(end, kLongestLine)));
    } else {
      ++missed;
    }
    if (end == std::string_view::npos) return;
  }
}

std::optional<std::string> progress_unless_shown(std::string_view command) {
  if (::isatty(STDOUT_FILENO) != 0) return std::nullopt;
  return std::string(command);
}

ColorChoice parse_color(std::string_view text) {
  if (text == "tty" || text == "auto") return ColorChoice::Terminal;
  if (text == "yes" || text == "always") return ColorChoice::Always;
  if (text == "no" || text == "never") return ColorChoice::Never;
  throw UsageError("--color: \"" + std::string(text) + "\" is none of tty, yes, no");
}

bool use_color(ColorChoice choice) {
  switch (choice) {
    case ColorChoice::Always: return true;
    case ColorChoice::Never: return false;
    case ColorChoice::Terminal: break;
  }
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  if (terminal != nullptr && std::strcmp(terminal, "dumb") == 0) return false;
  return is_terminal();
}

namespace {
bool paged = false;
}  // namespace

bool is_terminal() {
  return paged || ::isatty(STDOUT_FILENO) != 0;
}

void set_paged(bool now) {
  paged = now;
}

}  // namespace smtptape
