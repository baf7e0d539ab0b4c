#include "capture/stop_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "base/error.h"

namespace smtptape {

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};

std::atomic<const StopSignal*> to_be_stopped{nullptr};
std::atomic<bool> was_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void smtptape_on_stop_signal(int number) {
  const int saved = errno;
  if (was_asked.exchange(true)) ::_exit(128 + number);
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
  was_asked = false;
  handle_with(&smtptape_on_stop_signal);
}

StopOnSignals::~StopOnSignals() {
  handle_with(SIG_DFL);
  to_be_stopped = nullptr;
}

}  // namespace smtptape
