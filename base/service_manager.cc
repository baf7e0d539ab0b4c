#include "base/service_manager.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "base/visible_text.h"

namespace smtptape {

namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::error_code error_of(int number) {
  return {number, std::generic_category()};
}

// Digits and nothing else, not 0.
std::optional<std::int64_t> positive_number(std::string_view text) {
  constexpr std::size_t kMostDigits = 18;
  if (text.empty() || text.size() > kMostDigits) return std::nullopt;
  std::int64_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + (digit - '0');
  }
  return number == 0 ? std::nullopt : std::optional(number);
}

std::optional<std::chrono::microseconds> interval_of(
    const ServiceManager::Environment& environment) {
  // A process that inherited the variables is not the one that is watched.
  const std::string& pid = environment.watchdog_pid;
  if (!pid.empty() && positive_number(pid) != ::getpid()) return std::nullopt;
  const std::optional<std::int64_t> allowed = positive_number(environment.watchdog_usec);
  if (!allowed) return std::nullopt;
  return std::chrono::microseconds(std::max<std::int64_t>(*allowed / 2, 1));
}

// In one line, and no character cut in two.  What is no UTF-8 systemd would not show at all.
std::string status_line(std::string_view line) {
  const std::string text = visible(line);
  std::size_t size = std::min(text.size(), ServiceManager::kMostStatus);
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  while (size > 0 && size < text.size() && continues(size))
    --size;
  return "STATUS=" + text.substr(0, size);
}

std::string monotonic_usec() {
  ::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000);
}

}  // namespace

ServiceManager::Environment ServiceManager::environment_of_process() {
  return {variable("NOTIFY_SOCKET"), variable("WATCHDOG_USEC"), variable("WATCHDOG_PID")};
}

ServiceManager::ServiceManager(const Environment& environment)
    : is_there_(!environment.notify_socket.empty()) {
  if (!is_there_) return;
  unusable_ = find(environment.notify_socket);
  alive_interval_ = interval_of(environment);
}

std::error_code ServiceManager::find(std::string_view notify_socket) {
  const bool is_abstract = notify_socket.starts_with('@');
  if (!is_abstract && !notify_socket.starts_with('/')) return error_of(EAFNOSUPPORT);
  // The name of a file ends with a zero; that of an abstract socket begins with one.
  if (notify_socket.size() >= sizeof address_.sun_path) return error_of(ENAMETOOLONG);
  address_.sun_family = AF_UNIX;
  std::memcpy(address_.sun_path, notify_socket.data(), notify_socket.size());
  if (is_abstract) address_.sun_path[0] = '\0';
  address_size_ = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) +
                                           notify_socket.size() + (is_abstract ? 0 : 1));

  socket_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket_) return error_of(errno);
  const ::timeval most_wait{kMostWait.count(), 0};
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &most_wait, sizeof most_wait) != 0) {
    return error_of(errno);
  }
  return {};
}

std::error_code ServiceManager::tell(const std::string& lines, Wait wait) const {
  if (!is_there_) return {};
  if (unusable_) return unusable_;
  const int flags = MSG_NOSIGNAL | (wait == Wait::No ? MSG_DONTWAIT : 0);
  ::ssize_t sent = 0;
  do {
    sent = ::sendto(socket_.get(),
                    lines.data(),
                    lines.size(),
                    flags,
                    reinterpret_cast<const ::sockaddr*>(&address_),
                    address_size_);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? error_of(errno) : std::error_code();
}

std::error_code ServiceManager::ready(std::string_view status) const {
  return tell("READY=1\n" + status_line(status), Wait::ALittle);
}

std::error_code ServiceManager::reloading() const {
  return tell("RELOADING=1\nMONOTONIC_USEC=" + monotonic_usec(), Wait::ALittle);
}

std::error_code ServiceManager::stopping() const {
  return tell("STOPPING=1", Wait::ALittle);
}

std::error_code ServiceManager::status(std::string_view line) const {
  return tell(status_line(line), Wait::No);
}

std::error_code ServiceManager::alive() const {
  return tell("WATCHDOG=1", Wait::No);
}

}  // namespace smtptape
