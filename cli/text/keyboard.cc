#include "cli/text/keyboard.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <utility>

#include "base/error.h"

#include <termios.h>

namespace smtptape {

namespace {

constexpr std::array kEnding{
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// For the handlers: set before they are installed.
int terminal = -1;
termios as_it_was{};
termios as_we_want_it{};
std::atomic<std::int64_t> stopped_nanos{0};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

// Who changes the terminal from the background is stopped for it.
bool in_foreground() {
  return ::tcgetpgrp(terminal) == ::getpgrp();
}

void set_terminal(const termios& wanted) {
  if (in_foreground()) ::tcsetattr(terminal, TCSANOW, &wanted);
}

std::int64_t monotonic_now() {
  std::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// As the signal would have done it.
void happen_by_default(int number) {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  struct sigaction ours {};
  ::sigaction(number, &by_default, &ours);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, number);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(number);
  ::sigaction(number, &ours, nullptr);  // it was SIGTSTP, and we go on
}

extern "C" void smtptape_give_terminal_back(int number) {
  set_terminal(as_it_was);
  happen_by_default(number);
}

extern "C" void smtptape_stop_with_terminal(int number) {
  const int saved = errno;
  set_terminal(as_it_was);
  const std::int64_t since = monotonic_now();
  happen_by_default(number);
  stopped_nanos += monotonic_now() - since;
  set_terminal(as_we_want_it);
  errno = saved;
}

// After a stop that can't be handled, or in the foreground again.
extern "C" void smtptape_take_terminal(int /*number*/) {
  const int saved = errno;
  set_terminal(as_we_want_it);
  errno = saved;
}

// Whoever ignores a signal, or has a handler of his own, keeps that.
void handle(int number, void (*handler)(int)) {
  struct sigaction found {};
  ::sigaction(number, nullptr, &found);
  if ((found.sa_flags & SA_SIGINFO) != 0 || found.sa_handler != SIG_DFL) return;
  struct sigaction ours {};
  ours.sa_handler = handler;
  ours.sa_flags = SA_RESTART;
  ::sigaction(number, &ours, nullptr);
}

void no_longer_handle(int number, void (*handler)(int)) {
  struct sigaction found {};
  ::sigaction(number, nullptr, &found);
  if ((found.sa_flags & SA_SIGINFO) != 0 || found.sa_handler != handler) return;
  found.sa_handler = SIG_DFL;
  ::sigaction(number, &found, nullptr);
}

// Standard input, or where that is something else, the terminal that we belong to.
UniqueFd find_terminal() {
  UniqueFd input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  if (input && ::isatty(input.get()) != 0) return input;
  UniqueFd ours(::open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY));
  return ours && ::isatty(ours.get()) != 0 ? std::move(ours) : UniqueFd();
}

}  // namespace

std::unique_ptr<Keyboard> Keyboard::open() {
  UniqueFd fd = find_terminal();
  termios found{};
  if (!fd || ::tcgetattr(fd.get(), &found) != 0) return nullptr;
  if (::tcgetpgrp(fd.get()) != ::getpgrp()) return nullptr;
  return std::unique_ptr<Keyboard>(new Keyboard(std::move(fd)));
}

Keyboard::Keyboard(UniqueFd fd) : fd_(std::move(fd)) {
  SMTPTAPE_CHECK(terminal == -1);
  terminal = fd_.get();
  ::tcgetattr(terminal, &as_it_was);
  as_we_want_it = as_it_was;
  as_we_want_it.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  as_we_want_it.c_cc[VMIN] = 0;
  as_we_want_it.c_cc[VTIME] = 0;
  stopped_nanos = 0;
  for (const int number : kEnding)
    handle(number, &smtptape_give_terminal_back);
  handle(SIGTSTP, &smtptape_stop_with_terminal);
  handle(SIGCONT, &smtptape_take_terminal);
  set_terminal(as_we_want_it);
}

Keyboard::~Keyboard() {
  // First the handlers: what comes after them leaves a terminal that is as it was.
  no_longer_handle(SIGCONT, &smtptape_take_terminal);
  set_terminal(as_it_was);
  no_longer_handle(SIGTSTP, &smtptape_stop_with_terminal);
  for (const int number : kEnding)
    no_longer_handle(number, &smtptape_give_terminal_back);
  terminal = -1;
}

int Keyboard::fd() const {
  return gone_ || !in_foreground() ? -1 : fd_.get();
}

std::string Keyboard::read() {
  std::array<char, 256> keys{};
  pollfd wanted{fd(), POLLIN, 0};
  if (::poll(&wanted, 1, 0) <= 0) return {};
  gone_ = (wanted.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
  const ssize_t got = ::read(fd_.get(), keys.data(), keys.size());
  return {keys.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

std::chrono::nanoseconds Keyboard::stopped_for() {
  return std::chrono::nanoseconds(stopped_nanos.exchange(0));
}

}  // namespace smtptape
