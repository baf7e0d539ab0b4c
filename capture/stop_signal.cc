#include "capture/stop_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>

#include "base/error.h"

namespace smtptape {

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};

std::atomic<const StopSignal*> to_be_stopped{nullptr};
// timeout(1) sends its signal to the program and then to the whole group: one wish.
constexpr std::int64_t kOneWish = 100'000'000;

struct FirstSignal {
  std::atomic<int> number{0};
  std::atomic<std::int64_t> at{0};  // ns of the monotonic clock
};
FirstSignal first;
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

std::int64_t monotonic_now() {
  std::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

extern "C" void smtptape_on_stop_signal(int number) {
  const int saved = errno;
  int none = 0;
  if (first.number.compare_exchange_strong(none, number)) {
    first.at = monotonic_now();
  } else if (none != number || monotonic_now() - first.at > kOneWish) {
    ::_exit(128 + number);
  }
  if (const StopSignal* const stop = to_be_stopped.load()) stop->request();
  errno = saved;
}

void handle_with(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (const int number : kSignals)
    ::sigaction(number, &action, nullptr);
}

}  // namespace

StopSignal::StopSignal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!fd_) throw system_error("making an event descriptor", errno);
}

void StopSignal::request() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof(one));
}

bool StopSignal::requested() const {
  pollfd wanted{fd_.get(), POLLIN, 0};
  return ::poll(&wanted, 1, 0) > 0;
}

StopOnSignals::StopOnSignals(const StopSignal& stop) {
  SMTPTAPE_CHECK(to_be_stopped.exchange(&stop) == nullptr);
  first.number = 0;
  handle_with(&smtptape_on_stop_signal);
}

StopOnSignals::~StopOnSignals() {
  handle_with(SIG_DFL);
  to_be_stopped = nullptr;
}

}  // namespace smtptape
