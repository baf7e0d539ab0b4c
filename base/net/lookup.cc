#include "base/net/lookup.h"

#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace smtptape {

using boost::asio::ip::tcp;

bool is_about_the_name(int getaddrinfo_status) {
  return getaddrinfo_status == EAI_NONAME || getaddrinfo_status == EAI_NODATA ||
         getaddrinfo_status == EAI_ADDRFAMILY || getaddrinfo_status == 0;
}

Lookup::Lookup(std::string host, std::uint16_t port)
    : host_(std::move(host)), port_(std::to_string(port)), event_(eventfd(0, EFD_CLOEXEC)) {
  if (!event_) throw system_error("making an eventfd", errno);
}

Lookup::~Lookup() {
  if (found_ != nullptr) freeaddrinfo(found_);
}

void Lookup::run() {
  status_ = look_up(false);
  system_error_ = errno;
  finished_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  // Nothing can be done about a failure, and an eventfd at 0 has none.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

int Lookup::wake_descriptor() const {
  const int copy = dup(event_.get());
  if (copy < 0) throw system_error("copying an eventfd", errno);
  return copy;
}

std::vector<tcp::endpoint> Lookup::addresses() const {
  std::vector<tcp::endpoint> all;
  for (const addrinfo* info = found_; info != nullptr; info = info->ai_next) {
    tcp::endpoint address;
    if (info->ai_addrlen > address.capacity()) continue;
    std::memcpy(address.data(), info->ai_addr, info->ai_addrlen);
    address.resize(info->ai_addrlen);
    all.push_back(address);
  }
  return all;
}

bool Lookup::name_is_unknown() const {
  return is_about_the_name(status_);
}

std::string Lookup::why() const {
  if (status_ == EAI_SYSTEM) return std::generic_category().message(system_error_);
  return status_ == 0 ? "no addresses" : gai_strerror(status_);
}

int Lookup::look_up(bool only_as_address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = only_as_address ? AI_NUMERICHOST : 0;
  return getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found_);
}

}  // namespace smtptape
