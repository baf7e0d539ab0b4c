#include "cli/text/pager.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/text/output.h"

#include <spawn.h>

extern char** environ;

namespace smtptape {

namespace {

constexpr const char* kUsual = "less -FRX";

std::string pager_command() {
  for (const char* name : {"SMTPTAPE_PAGER", "PAGER"}) {
    const char* const value = std::getenv(name);
    if (value != nullptr) return value;
  }
  return kUsual;
}

bool is_dumb() {
  const char* const term = std::getenv("TERM");
  return term == nullptr || std::string_view(term) == "dumb" || *term == '\0';
}

// Our own one may not be installed; what the user named is his.
bool is_there(const std::string& command) {
  if (command != kUsual) return true;
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const std::string_view directory = rest.substr(0, rest.find(':'));
    if (::access((std::string(directory) + "/less").c_str(), X_OK) == 0) return true;
    rest.remove_prefix(std::min(rest.size(), directory.size() + 1));
  }
  return false;
}

std::optional<pid_t> spawn(const std::string& command, int input) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  sigset_t usual;
  ::sigemptyset(&usual);
  ::sigaddset(&usual, SIGINT);
  ::sigaddset(&usual, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &usual);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::array<std::string, 3> words{"sh", "-c", command};
  std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t child = 0;
  const int failed =
      ::posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  return failed == 0 ? std::optional(child) : std::nullopt;
}

}  // namespace

Pager::Pager(Paged wanted) {
  if (wanted == Paged::No || !is_terminal() || is_dumb()) return;
  const std::string command = pager_command();
  if (command.empty() || command == "cat" || !is_there(command)) return;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  terminal_ = UniqueFd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  child_ = spawn(command, read_end.get());
  if (!child_) return;
  // The pager's keys: it tells us by closing its end.
  static_cast<void>(std::signal(SIGINT, SIG_IGN));
  ::dup2(write_end.get(), STDOUT_FILENO);
  set_paged(true);
}

Pager::~Pager() {
  finish();
}

void Pager::finish() {
  if (!child_) return;
  ::dup2(terminal_.get(), STDOUT_FILENO);  // and so closes the pipe
  set_paged(false);
  int status = 0;
  while (::waitpid(*child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_.reset();
  static_cast<void>(std::signal(SIGINT, SIG_DFL));
  constexpr int kNotFound = 127;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotFound)
    say("the pager can't be run: " + pager_command() + "; --no-pager goes without");
}

}  // namespace smtptape
