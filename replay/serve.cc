#include "replay/serve.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <exception>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "base/net/listener.h"
#include "replay/playback.h"

namespace smtptape {
namespace {

UniqueFd make_event() {
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) throw system_error("making an eventfd", errno);
  return event;
}

std::string ending_of(const Played& played) {
  switch (played.end) {
    case Played::End::NoRequest:
    case Played::End::Complete:
    case Played::End::SourceFailed: return "";
    case Played::End::ClientLeft: return "; it left before the end";
    case Played::End::Stalled: return "; it took nothing for too long";
    case Played::End::Stopped: return "; stopped before the end";
    case Played::End::Disconnected: return "; disconnected on purpose";
  }
  return "";
}

std::string plural(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string summary(const Played& played) {
  std::string line = plural(played.sent, "event") + " sent";
  if (played.left_out > 0) {
    line += ", " + plural(played.left_out, "binary frame") + " left out";
  }
  if (played.lagged > 0) line += ", " + std::to_string(played.lagged) + " of them lag notices";
  if (played.missed > 0) line += "; it was too slow for " + plural(played.missed, "event");
  if (played.dropped > 0) line += ", " + std::to_string(played.dropped) + " dropped on purpose";
  return line + ending_of(played);
}

// accept(2) says these about a client that is gone already, or when the machine is short of
// something: no reason to end.
bool is_passing(int error) {
  switch (error) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPERM: return true;
    default: return false;
  }
}

Listener listen_within_reach(const ServeOptions& options) {
  const ListenAddress at = parse_listen_address(options.listen, "--listen");
  if (options.reach == Reach::Loopback && !at.loopback) {
    throw UsageError("--listen " + at.text + ": others than this machine could connect, and what " +
                     "is served holds passwords and messages; say --public if that is meant");
  }
  return listen_on(at);
}

}  // namespace

// The thread that runs run() accepts and buries; each client has a thread of its own.
struct Server::Impl {
  Impl(ServeOptions wanted, SourceFactory factory, Report to)
      : options(std::move(wanted)),
        open_source(std::move(factory)),
        report_line(std::move(to)),
        listener(listen_within_reach(options)),
        wake(make_event()) {}

  struct Client {
    std::atomic<bool> done = false;
    std::jthread thread;  // the last member: it ends before the others go
  };

  void accept_one();
  void begin_client(UniqueFd socket);
  void serve_client(UniqueFd socket, std::uint64_t number, std::stop_token stop);
  void count(const Played& played);
  void bury_the_dead();
  void wait() const;
  [[nodiscard]] bool accepts() const;
  [[nodiscard]] bool finished() const;

  void report(std::uint64_t client, std::string_view line);
  void signal() const {
    const std::uint64_t one = 1;
    // It fails only when the event is set already, to the brim.
    [[maybe_unused]] const ssize_t written = ::write(wake.get(), &one, sizeof one);
  }

  ServeOptions options;
  SourceFactory open_source;
  Report report_line;
  Listener listener;
  UniqueFd wake;  // something has changed: look at the flags
  std::atomic<bool> stopping = false;
  std::atomic<bool> played_one = false;  // a playback has begun

  std::mutex mutex;  // of report_line and totals
  ServeTotals totals;
  std::uint64_t accepted = 0;
  std::list<Client> clients;  // the last member: nobody uses the others when they go
};

Server::Server(ServeOptions options, SourceFactory open_source, Report report)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(open_source), std::move(report))) {
}

Server::~Server() = default;

std::uint16_t Server::port() const {
  return impl_->listener.port;
}

std::string Server::url() const {
  return "http://" + impl_->listener.host + ":" + std::to_string(port());
}

void Server::stop() {
  impl_->stopping = true;
  impl_->signal();
}

ServeTotals Server::run() {
  while (!impl_->finished()) {
    impl_->wait();
    if (impl_->accepts()) impl_->accept_one();
    impl_->bury_the_dead();
  }
  for (Impl::Client& client : impl_->clients)
    client.thread.request_stop();
  impl_->clients.clear();
  return impl_->totals;
}

bool Server::Impl::accepts() const {
  if (options.duty == Duty::FirstClient && played_one) return false;
  return clients.size() < options.most_clients;
}

bool Server::Impl::finished() const {
  const bool duty_done = options.duty == Duty::FirstClient && played_one && clients.empty();
  return stopping || duty_done;
}

void Server::Impl::wait() const {
  const short listen_for = accepts() ? POLLIN : 0;
  std::array<pollfd, 2> waits{pollfd{wake.get(), POLLIN, 0},
                              pollfd{listener.socket.get(), listen_for, 0}};
  if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
    throw system_error("waiting for clients", errno);
  }
  std::uint64_t ignored = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake.get(), &ignored, sizeof ignored);
}

void Server::Impl::accept_one() {
  UniqueFd socket(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket) {
    begin_client(std::move(socket));
  } else if (!is_passing(errno)) {
    throw system_error("accepting a client", errno);
  }
}

void Server::Impl::begin_client(UniqueFd socket) {
  const std::uint64_t number = ++accepted;
  Client& client = clients.emplace_back();
  client.thread = std::jthread(
      [this, &client, number, owned = std::move(socket)](std::stop_token stop) mutable {
        serve_client(std::move(owned), number, std::move(stop));
        client.done = true;
        signal();
      });
}

void Server::Impl::serve_client(UniqueFd socket, std::uint64_t number, std::stop_token stop) {
  PlaybackHooks hooks;
  hooks.open_source = open_source;
  hooks.report = [this, number](std::string_view line) { report(number, line); };
  hooks.on_begin = [this] {
    played_one = true;
    signal();
  };
  try {
    const Played played = play_to(std::move(socket), options, hooks, std::move(stop));
    if (played.end == Played::End::NoRequest) return;
    count(played);
    report(number, summary(played));
  } catch (const std::exception& error) {
    report(number, error.what());
  }
}

void Server::Impl::count(const Played& played) {
  const std::lock_guard lock(mutex);
  ++totals.clients;
  totals.sent += played.sent;
  totals.left_out += played.left_out;
  if (played.end == Played::End::SourceFailed) ++totals.failures;
}

void Server::Impl::bury_the_dead() {
  clients.remove_if([](const Client& client) { return client.done.load(); });
}

void Server::Impl::report(std::uint64_t client, std::string_view line) {
  const std::lock_guard lock(mutex);
  report_line("client " + std::to_string(client) + ": " + std::string(line));
}

std::string how_to_connect(std::string_view url, Reach reach) {
  std::string text = "serving on ";
  text.append(url).append(", until interrupted; to connect:\n  kcli --endpoint ");
  text.append(url).append(" trace-smtp-client\n");
  text += reach == Reach::Loopback ? "any local user of this machine can connect"
                                   : "anybody who reaches this machine can connect";
  return text + ", and sees passwords, messages and addresses";
}

}  // namespace smtptape
