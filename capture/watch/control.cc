#include "capture/watch/control.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "base/error.h"
#include "base/net/upgrade.h"
#include "capture/watch/control_client.h"
#include "capture/watch/status_json.h"
#include "format/wire/json_line.h"

namespace smtptape {

namespace {

constexpr std::string_view kControlSchema = "smtptape.control/1";

std::string answer_line(std::string_view member, std::string_view text) {
  JsonLine line;
  return line.field("schema", kControlSchema).field(member, text).object() + "\n";
}

std::string error_line(std::string_view why) {
  return answer_line("error", printable_line(why));
}

void carry_out(Order order, const ControlHandlers& handlers, const Reply& reply) {
  const OrderDone done = [reply, order](const std::string& trouble) {
    reply(trouble.empty() ? answer_line("done", name_of(order)) : error_line(trouble));
  };
  switch (order) {
    case Order::Status: return reply(status_json(handlers.status()) + "\n");
    case Order::Rotate: return handlers.rotate(done);
    case Order::Flush: return handlers.flush(done);
  }
}

void respond(const Request& request, const ControlHandlers& handlers, const Reply& reply) {
  switch (request.end) {
    case Request::End::TooLong:
      return reply(error_line("the line is over the limit of " +
                              std::to_string(kMostControlRequest) + " bytes"));
    case Request::End::TooSlow: return reply(error_line("no line came in time"));
    case Request::End::Complete: break;
  }
  try {
    carry_out(parse_order(request.text), handlers, reply);
  } catch (const std::exception& error) {
    reply(error_line(error.what()));
  }
}

RequestServerOptions server_options(const ControlServerLimits& limits) {
  RequestServerOptions options;
  options.end_mark = "\n";
  options.most_bytes = kMostControlRequest;
  options.request_within = limits.request_within;
  options.answer_within = limits.answer_within;
  options.sent_within = limits.request_within;
  options.no_answer =
      error_line("not done within " + std::to_string(limits.answer_within.count() / 1000) +
                 " seconds; the disk may be slow");
  return options;
}

// Held while a socket file is looked at and replaced, against another recorder that starts.
UniqueFd lock_directory(const std::filesystem::path& directory) {
  const std::string name = directory.empty() ? "." : directory.string();
  UniqueFd fd(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw system_error(name, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(name + ": another recorder is starting here");
  }
  return fd;
}

// Afterwards nothing stands at `path`.
void clear_the_place(const std::filesystem::path& path) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return;
    throw system_error(path.string(), errno);
  }
  if (!S_ISSOCK(there.st_mode)) {
    throw Error(path.string() + ": is in the way of the control socket, and no socket");
  }
  if (somebody_listens(path)) {
    throw Error(path.string() + ": another recorder answers there already");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw system_error(path.string(), errno);
}

}  // namespace

std::string_view name_of(Order order) {
  switch (order) {
    case Order::Status: return "status";
    case Order::Rotate: return "rotate";
    case Order::Flush: return "flush";
  }
  return "";
}

Order parse_order(std::string_view line_untrusted) {
  if (line_untrusted.find(" HTTP/") != std::string_view::npos) {
    throw Error("this is HTTP and no order; orders are JSON, one a line");
  }
  if (!is_utf8(line_untrusted)) throw Error("the line is not UTF-8");
  JsonReader reader(line_untrusted);
  std::string wanted;
  bool given = false;
  std::string key;
  if (reader.enter_object()) {
    while (reader.next_key(key)) {
      if (key != "do") throw Error("unknown member \"" + key + "\"");
      wanted.clear();
      given = reader.read_string(wanted);
    }
  }
  if (reader.failed() || !reader.at_end()) throw Error("not one JSON object: " + reader.error());
  if (!given) throw Error("the member \"do\" is missing");
  for (const Order order : {Order::Status, Order::Rotate, Order::Flush}) {
    if (wanted == name_of(order)) return order;
  }
  throw Error("\"" + wanted + "\" is none of status, rotate, flush");
}

std::filesystem::path control_path(const std::filesystem::path& store) {
  return store / "smtptape.sock";
}

ControlSocket::ControlSocket(std::filesystem::path path) : path_(std::move(path)) {
  const sockaddr_un address = unix_address(path_);
  const UniqueFd lock = lock_directory(path_.parent_path());
  clear_the_place(path_);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The file gets its mode from the descriptor, less the umask; to be sure it is set again before
  // anybody can connect, which is from listen() on.
  if (!fd || ::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw system_error("making the control socket " + path_.string(), errno);
  }
  struct stat made {};
  if (::lstat(path_.c_str(), &made) != 0) throw system_error(path_.string(), errno);
  device_ = made.st_dev;
  inode_ = made.st_ino;
  bound_ = true;
  if (::chmod(path_.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(fd.get(), SOMAXCONN) != 0) {
    const int why = errno;
    remove();
    throw system_error("listening on " + path_.string(), why);
  }
  socket_ = std::move(fd);
}

void ControlSocket::remove() {
  if (!std::exchange(bound_, false)) return;
  struct stat there {};
  if (::lstat(path_.c_str(), &there) != 0) return;
  // What can't be removed, the next recorder replaces.
  if (there.st_dev == device_ && there.st_ino == inode_) ::unlink(path_.c_str());
}

ControlServer::ControlServer(const boost::asio::any_io_executor& executor,
                             const std::filesystem::path& path,
                             ControlHandlers handlers,
                             const ControlServerLimits& limits)
    : socket_(path),
      server_(executor,
              socket_.take(),
              server_options(limits),
              [handlers = std::move(handlers)](const Request& request, const Reply& reply) {
                respond(request, handlers, reply);
              }) {
}

void ControlServer::stop() {
  server_.stop();
  socket_.remove();
}

}  // namespace smtptape
