#include "tests/support/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <spawn.h>
#include <termios.h>

namespace smtptape::testing {

namespace {

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  explicit Pipe(Output output = Output::Pipe) {
    if (output == Output::Terminal) {
      open_terminal();
    } else if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw std::runtime_error("pipe failed");
    }
  }
  ~Pipe() {
    close_read();
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  // Bytes come out as they go in.
  void open_terminal() {
    ends[0] = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[0] < 0 || ::grantpt(ends[0]) != 0 || ::unlockpt(ends[0]) != 0)
      throw std::runtime_error("no terminal");
    std::array<char, 64> name{};
    if (::ptsname_r(ends[0], name.data(), name.size()) != 0)
      throw std::runtime_error("no terminal");
    ends[1] = ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios settings{};
    if (ends[1] < 0 || ::tcgetattr(ends[1], &settings) != 0)
      throw std::runtime_error("no terminal");
    ::cfmakeraw(&settings);
    ::tcsetattr(ends[1], TCSANOW, &settings);
  }
  void close_read() { close_end(0); }
  void close_write() { close_end(1); }
  void close_end(std::size_t which) {
    if (ends[which] >= 0) ::close(ends[which]);
    ends[which] = -1;
  }
};

// Moves bytes until both outputs have ended; false when the time is over.
bool exchange(Pipe& in,
              Pipe& out,
              Pipe& err,
              std::string_view input,
              Ran& ran,
              std::chrono::steady_clock::time_point deadline) {
  ::fcntl(in.ends[1], F_SETFL, O_NONBLOCK);
  if (input.empty()) in.close_write();
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 3> wanted{
        {{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}, {in.ends[1], POLLOUT, 0}}};
    if (::poll(wanted.data(), wanted.size(), static_cast<int>(left.count())) <= 0) continue;
    std::array<char, 65536> buffer{};
    const auto drain = [&](Pipe& from, std::string& to) {
      const ssize_t got = ::read(from.ends[0], buffer.data(), buffer.size());
      if (got <= 0) return from.close_read();
      to.append(buffer.data(), static_cast<std::size_t>(got));
    };
    if (wanted[0].revents != 0) drain(out, ran.out);
    if (wanted[1].revents != 0) drain(err, ran.err);
    if (wanted[2].revents != 0) {
      const ssize_t written = ::write(in.ends[1], input.data(), input.size());
      if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
      if (written < 0 || input.empty()) in.close_write();
    }
  }
  return true;
}

}  // namespace

Ran run_program(const std::filesystem::path& program,
                const std::vector<std::string>& arguments,
                std::string_view standard_input,
                std::chrono::seconds within,
                Output output) {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe in;
  Pipe out(output);
  Pipe err;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.ends[0], 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
  ::posix_spawn_file_actions_adddup2(&actions, err.ends[1], 2);
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), program.string());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int failed =
      ::posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot run " + program.string());
  in.close_read();
  out.close_write();
  err.close_write();
  Ran ran;
  if (!exchange(in, out, err, standard_input, ran, std::chrono::steady_clock::now() + within)) {
    ::kill(child, SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ran.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c != '\'') words.back().push_back(c);
  }
  return words;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace smtptape::testing
