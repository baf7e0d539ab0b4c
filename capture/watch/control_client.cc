#include "capture/watch/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/io.h"
#include "format/wire/json.h"

namespace smtptape {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Nothing when nobody listens.
UniqueFd connect_to(const std::filesystem::path& path) {
  const sockaddr_un address = unix_address(path);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw system_error("making a socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return fd;
  }
  if (errno == ENOENT || errno == ECONNREFUSED) return {};
  throw system_error("connecting to " + path.string(), errno);
}

class Deadline {
 public:
  Deadline(milliseconds within, std::string doing)
      : at_(steady_clock::now() + within), doing_(std::move(doing)) {}
  // Until the descriptor is ready for `events`.
  void wait(int fd, short events) const {
    for (;;) {
      const auto left = std::chrono::ceil<milliseconds>(at_ - steady_clock::now());
      pollfd waits{fd, events, 0};
      const int ready = left.count() <= 0 ? 0 : ::poll(&waits, 1, static_cast<int>(left.count()));
      if (ready > 0) return;
      if (ready == 0) throw Error(doing_ + ": no answer in time");
      if (errno != EINTR) throw system_error(doing_, errno);
    }
  }

 private:
  steady_clock::time_point at_;
  std::string doing_;
};

std::string read_line(int fd, const Deadline& deadline, const std::string& doing) {
  std::string line;
  std::array<char, 16 << 10> buffer{};
  for (;;) {
    deadline.wait(fd, POLLIN);
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) throw system_error(doing, errno);
    if (got == 0) throw Error(doing + ": it ended without an answer");
    line.append(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t end = line.find('\n');
    if (end != std::string::npos) return line.substr(0, end);
    if (line.size() > kMostControlAnswer) throw Error(doing + ": the answer has no end");
  }
}

// What is in the member "error", or why there is no good answer; empty: it was done.
std::string trouble_in(const std::string& line_untrusted, Order order) {
  if (!is_utf8(line_untrusted)) return "the answer is not UTF-8";
  JsonReader reader(line_untrusted);
  std::string key;
  std::string error;
  std::string done;
  if (reader.enter_object()) {
    while (reader.next_key(key)) {
      if (key == "error") {
        static_cast<void>(reader.read_string(error));
      } else if (key == "done") {
        static_cast<void>(reader.read_string(done));
      } else {
        static_cast<void>(reader.skip_value());
      }
    }
  }
  if (reader.failed() || !reader.at_end()) return "the answer is not JSON";
  if (!error.empty()) return error;
  return done == name_of(order) ? "" : "the answer does not say that it was done";
}

std::string asking(const std::filesystem::path& path) {
  return "asking the recorder at " + path.string();
}

}  // namespace

sockaddr_un unix_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path) {
    throw Error(text + ": the path of a socket has at most " +
                std::to_string(sizeof address.sun_path - 1) + " bytes, this one has " +
                std::to_string(text.size()) + "; name another one with --socket");
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

bool somebody_listens(const std::filesystem::path& path) {
  const sockaddr_un address = unix_address(path);
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw system_error("making a socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return true;
  }
  // Any other error, as when its queue is full, comes from somebody who is there.
  return errno != ENOENT && errno != ECONNREFUSED;
}

std::optional<std::string> ask_recorder(const std::filesystem::path& path,
                                        Order order,
                                        milliseconds within) {
  const UniqueFd fd = connect_to(path);
  if (!fd) return std::nullopt;
  const std::string doing = asking(path);
  const std::string request = "{\"do\":\"" + std::string(name_of(order)) + "\"}\n";
  const Deadline deadline(within, doing);
  // So few bytes a new socket takes at once.
  const ssize_t sent = ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (sent < 0) throw system_error(doing, errno);
  if (static_cast<std::size_t>(sent) != request.size()) throw Error(doing + ": it takes nothing");
  return read_line(fd.get(), deadline, doing);
}

bool order_recorder(const std::filesystem::path& path, Order order, milliseconds within) {
  const auto answer = ask_recorder(path, order, within);
  if (!answer) return false;
  const std::string trouble = trouble_in(*answer, order);
  if (!trouble.empty()) throw Error(asking(path) + ": " + trouble);
  return true;
}

}  // namespace smtptape
