#include "base/net/connection.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/error.h"
#include "base/io.h"

namespace smtptape {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

// A peer that vanished is noticed after about a minute: kumod sends nothing while no mail flows.
constexpr int kKeepAliveIdleSeconds = 30;
constexpr int kKeepAliveIntervalSeconds = 10;
constexpr int kKeepAliveProbes = 3;

// One lookup, shared by the thread that makes it and the coroutine that waits.  Either may be the
// last to leave.
class Lookup {
 public:
  Lookup(std::string host, std::uint16_t port)
      : host_(std::move(host)), port_(std::to_string(port)), event_(eventfd(0, EFD_CLOEXEC)) {
    if (!event_) throw system_error("making an eventfd", errno);
  }
  ~Lookup() {
    if (found_ != nullptr) freeaddrinfo(found_);
  }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // True when the host is an address, which needs no waiting.
  [[nodiscard]] bool try_as_address() { return look_up(AI_NUMERICHOST) == 0; }

  void run() {
    status_ = look_up(0);
    system_error_ = errno;
    finished_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    // Nothing can be done about a failure, and an eventfd at 0 has none.
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
  }

  // A descriptor of the caller's own, readable once run() has ended.
  [[nodiscard]] int wake_descriptor() const {
    const int copy = dup(event_.get());
    if (copy < 0) throw system_error("copying an eventfd", errno);
    return copy;
  }
  [[nodiscard]] bool finished() const { return finished_.load(std::memory_order_acquire); }

  // After run() or a successful try_as_address().
  [[nodiscard]] std::vector<tcp::endpoint> addresses() const {
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
  [[nodiscard]] std::string why() const {
    if (status_ == EAI_SYSTEM) return std::generic_category().message(system_error_);
    return status_ == 0 ? "no addresses" : gai_strerror(status_);
  }

 private:
  int look_up(int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    return getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found_);
  }

  std::string host_;
  std::string port_;
  UniqueFd event_;
  int status_ = 0;
  int system_error_ = 0;
  addrinfo* found_ = nullptr;
  std::atomic<bool> finished_ = false;
};

}  // namespace

milliseconds connect_share(milliseconds time_left, std::size_t addresses_left) {
  if (time_left <= milliseconds::zero()) return milliseconds::zero();
  return time_left / static_cast<milliseconds::rep>(addresses_left);
}

struct Connection::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(const asio::any_io_executor& executor) : socket(executor), timer(executor) {}
  explicit Impl(tcp::socket accepted) : socket(std::move(accepted)), timer(socket.get_executor()) {}

  // Set when a wait must not begin, or when its error has another reason than the socket's.
  [[nodiscard]] error_code interruption() const {
    if (stopped) return asio::error::operation_aborted;
    if (timed_out) return asio::error::timed_out;
    return {};
  }
  [[nodiscard]] error_code reason_for(const error_code& error) const {
    const error_code ours = interruption();
    return ours && error == asio::error::operation_aborted ? ours : error;
  }

  void expire_at(steady_clock::time_point deadline);
  void end_waits();
  void prepare_socket();
  asio::awaitable<bool> wait_for(std::shared_ptr<Lookup> lookup);
  asio::awaitable<error_code> try_addresses(std::vector<tcp::endpoint> addresses,
                                            steady_clock::time_point deadline);
  asio::awaitable<error_code> try_address(tcp::endpoint address);

  tcp::socket socket;
  asio::steady_timer timer;
  std::optional<asio::posix::stream_descriptor> lookup_event;
  bool timed_out = false;
  bool stopped = false;
};

void Connection::Impl::expire_at(steady_clock::time_point deadline) {
  timed_out = false;
  timer.expires_at(deadline);
  timer.async_wait([weak = weak_from_this()](const error_code& error) {
    const std::shared_ptr<Impl> self = weak.lock();
    // A handler that was already under way when the deadline moved comes too early.
    if (error || !self || self->timer.expiry() > steady_clock::now()) return;
    self->timed_out = true;
    self->end_waits();
  });
}

void Connection::Impl::end_waits() {
  error_code ignored;
  if (socket.is_open()) socket.cancel(ignored);
  if (lookup_event) lookup_event->cancel(ignored);
}

// Keepalive and small writes at once are wishes: a socket that refuses them still works.
void Connection::Impl::prepare_socket() {
  const auto set = [this](int level, int name, int value) {
    ::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  error_code ignored;
  socket.non_blocking(true, ignored);
}

// False when it was given up.
asio::awaitable<bool> Connection::Impl::wait_for(std::shared_ptr<Lookup> lookup) {
  lookup_event.emplace(socket.get_executor(), lookup->wake_descriptor());
  std::thread([lookup] { lookup->run(); }).detach();
  co_await lookup_event->async_wait(asio::posix::stream_descriptor::wait_read, kNoThrow);
  lookup_event.reset();
  co_return lookup->finished();
}

asio::awaitable<error_code> Connection::Impl::try_address(tcp::endpoint address) {
  error_code error;
  if (socket.is_open()) socket.close(error);
  socket.open(address.protocol(), error);
  if (error) co_return error;
  auto [outcome] = co_await socket.async_connect(address, kNoThrow);
  co_return reason_for(outcome);
}

// The error of the last one; none when an address has answered.
asio::awaitable<error_code> Connection::Impl::try_addresses(std::vector<tcp::endpoint> addresses,
                                                            steady_clock::time_point deadline) {
  error_code error = asio::error::operation_aborted;
  std::size_t untried = addresses.size();
  for (const tcp::endpoint& address : addresses) {
    if (stopped) break;
    const auto now = steady_clock::now();
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - now);
    expire_at(now + connect_share(left, untried--));
    error = co_await try_address(address);
    if (!error) break;
  }
  expire_at(deadline);
  if (!error) prepare_socket();
  co_return error;
}

Connection::Connection(const asio::any_io_executor& executor)
    : impl_(std::make_shared<Impl>(executor)) {
}

Connection::Connection(tcp::socket accepted) : impl_(std::make_shared<Impl>(std::move(accepted))) {
  impl_->prepare_socket();
}

Connection::~Connection() = default;

asio::awaitable<ConnectOutcome> Connection::connect(std::string host,
                                                    std::uint16_t port,
                                                    milliseconds within) {
  const steady_clock::time_point deadline = steady_clock::now() + within;
  impl_->expire_at(deadline);
  ConnectOutcome outcome;
  const auto lookup = std::make_shared<Lookup>(std::move(host), port);
  bool looked_up = lookup->try_as_address();
  if (!looked_up && !impl_->stopped) looked_up = co_await impl_->wait_for(lookup);
  if (!looked_up) {
    outcome.kind = ConnectOutcome::Kind::Failed;
    outcome.error = impl_->interruption();
    co_return outcome;
  }
  std::vector<tcp::endpoint> addresses = lookup->addresses();
  if (addresses.empty()) {
    outcome.kind = ConnectOutcome::Kind::NameNotFound;
    outcome.why = lookup->why();
    co_return outcome;
  }
  outcome.error = co_await impl_->try_addresses(std::move(addresses), deadline);
  if (outcome.error) outcome.kind = ConnectOutcome::Kind::Failed;
  co_return outcome;
}

asio::awaitable<Transfer> Connection::read_some(std::span<char> into) {
  Transfer transfer;
  transfer.error = impl_->interruption();
  if (transfer.error) co_return transfer;
  const asio::mutable_buffer buffer(into.data(), into.size());
  auto [error, size] = co_await impl_->socket.async_read_some(buffer, kNoThrow);
  transfer.error = impl_->reason_for(error);
  transfer.size = size;
  co_return transfer;
}

asio::awaitable<Transfer> Connection::write(std::string_view bytes) {
  Transfer transfer;
  transfer.error = impl_->interruption();
  if (transfer.error) co_return transfer;
  const asio::const_buffer buffer(bytes.data(), bytes.size());
  auto [error, size] = co_await asio::async_write(impl_->socket, buffer, kNoThrow);
  transfer.error = impl_->reason_for(error);
  transfer.size = size;
  co_return transfer;
}

std::size_t Connection::write_now(std::string_view bytes) {
  error_code ignored;  // what is wrong with the connection, the next read will say
  return impl_->socket.write_some(asio::buffer(bytes.data(), bytes.size()), ignored);
}

asio::awaitable<void> Connection::finish(milliseconds within) {
  expires_after(within);
  error_code ignored;
  impl_->socket.shutdown(tcp::socket::shutdown_send, ignored);
  std::array<char, 4096> unread{};
  Transfer transfer;
  while (!transfer.error)
    transfer = co_await read_some(unread);
}

void Connection::close() {
  stop();
  impl_->timer.cancel();
  error_code ignored;
  impl_->socket.close(ignored);
}

void Connection::expires_after(milliseconds time) {
  impl_->expire_at(steady_clock::now() + time);
}

void Connection::expires_never() {
  impl_->timed_out = false;
  impl_->timer.expires_at(steady_clock::time_point::max());
}

asio::any_io_executor Connection::executor() const {
  return impl_->timer.get_executor();
}

void Connection::stop() {
  impl_->stopped = true;
  impl_->end_waits();
}

}  // namespace smtptape
