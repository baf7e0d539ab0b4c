#include "base/net/connection.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.h"
#include "base/net/lookup.h"
#include "base/net/tls_session.h"

namespace smtptape {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

// kumod sends nothing while no mail flows, so it is TCP that asks whether it is still there.
constexpr int kKeepAliveIdleSeconds = 15;
constexpr int kKeepAliveIntervalSeconds = 5;
constexpr int kKeepAliveProbes = 3;
// Nothing is probed while something of ours is under way; so that may not take longer, either.
constexpr int kUnansweredMilliseconds =
    1000 * (kKeepAliveIdleSeconds + kKeepAliveIntervalSeconds * kKeepAliveProbes);
static_assert(milliseconds(kUnansweredMilliseconds) == kVanishedWithin);

}  // namespace

milliseconds connect_share(milliseconds time_left, std::size_t addresses_left) {
  if (time_left <= milliseconds::zero()) return milliseconds::zero();
  return time_left / static_cast<milliseconds::rep>(addresses_left);
}

namespace {

// What is asked of a TlsSession, over and over until it is done.
struct TlsCall {
  enum class What : std::uint8_t { ShakeHands, Read, Write };
  What what = What::ShakeHands;
  std::span<char> into;
  std::string_view from;
};

TlsSession::Step make_call(TlsSession& tls, const TlsCall& call) {
  switch (call.what) {
    case TlsCall::What::ShakeHands: return tls.shake_hands();
    case TlsCall::What::Read: return tls.read(call.into);
    case TlsCall::What::Write: return tls.write(call.from);
  }
  SMTPTAPE_CHECK(false && "unknown call");
  return {};
}

}  // namespace

struct Connection::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(const asio::any_io_executor& executor)
      : socket(executor), timer(executor), gathering(executor) {}
  explicit Impl(tcp::socket accepted)
      : socket(std::move(accepted)),
        timer(socket.get_executor()),
        gathering(socket.get_executor()) {}

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
  void set_low_water(int bytes);
  void watch_low_water();
  asio::awaitable<void> gather(int bytes, milliseconds within);
  [[nodiscard]] Transfer read_now(std::span<char> into);
  void set_option(int level, int name, int value);
  void prepare_socket();
  asio::awaitable<Transfer> drive(TlsCall call);
  asio::awaitable<error_code> wait_as(TlsSession::Step::Next next);
  asio::awaitable<LookupAnswer> look_up(std::string host);
  [[nodiscard]] ConnectOutcome end_by(const LookupAnswer& without_addresses) const;
  asio::awaitable<error_code> try_addresses(std::vector<tcp::endpoint> addresses,
                                            steady_clock::time_point deadline);
  asio::awaitable<error_code> try_address(tcp::endpoint address);

  tcp::socket socket;
  asio::steady_timer timer;
  asio::steady_timer gathering;
  std::size_t read_last = 0;  // while gathering
  int low_water = 1;          // below that the socket says nothing of what arrives
  bool watched = false;       // whether it is reached
  std::optional<TlsSession> tls;
  std::optional<Lookup> lookup;
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
  gathering.cancel();
  if (lookup) lookup->cancel();
}

void Connection::Impl::set_low_water(int bytes) {
  if (std::exchange(low_water, bytes) != bytes) set_option(SOL_SOCKET, SO_RCVLOWAT, bytes);
}

// One wait for all pauses in which it is not reached: to begin one anew costs two calls.
void Connection::Impl::watch_low_water() {
  if (std::exchange(watched, true)) return;
  socket.async_wait(tcp::socket::wait_read, [weak = weak_from_this()](const error_code& error) {
    const std::shared_ptr<Impl> self = weak.lock();
    if (!self) return;
    self->watched = false;
    if (error != asio::error::operation_aborted) self->gathering.cancel();
  });
}

asio::awaitable<void> Connection::Impl::gather(int bytes, milliseconds within) {
  set_low_water(bytes);
  watch_low_water();
  const auto now = steady_clock::now().time_since_epoch();
  gathering.expires_at(steady_clock::time_point((now / within + 1) * within));
  auto [error] = co_await gathering.async_wait(kNoThrow);
  static_cast<void>(error);  // early or not: the next read says what is there
}

// Nothing, and no error: nothing is there.
Transfer Connection::Impl::read_now(std::span<char> into) {
  Transfer transfer;
  transfer.error = interruption();
  if (transfer.error) return transfer;
  if (tls) {
    const TlsSession::Step step = tls->read(into);
    return {step.error, step.size};
  }
  transfer.size = socket.read_some(asio::buffer(into.data(), into.size()), transfer.error);
  if (transfer.error == asio::error::would_block) transfer.error = {};
  return transfer;
}

// These are wishes: a socket that refuses them still works.
void Connection::Impl::set_option(int level, int name, int value) {
  ::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
}

void Connection::Impl::prepare_socket() {
  set_option(SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set_option(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set_option(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
  set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  error_code ignored;
  socket.non_blocking(true, ignored);
}

asio::awaitable<error_code> Connection::Impl::wait_as(TlsSession::Step::Next next) {
  const bool to_read = next == TlsSession::Step::Next::WaitToRead;
  const auto readiness = to_read ? tcp::socket::wait_read : tcp::socket::wait_write;
  auto [error] = co_await socket.async_wait(readiness, kNoThrow);
  co_return reason_for(error);
}

// Ends with the first success: of a write that may be a part.
asio::awaitable<Transfer> Connection::Impl::drive(TlsCall call) {
  Transfer transfer;
  bool waited = false;
  for (;;) {
    transfer.error = interruption();
    if (transfer.error) co_return transfer;
    const TlsSession::Step step = make_call(*tls, call);
    transfer.error = step.error;
    transfer.size = step.size;
    if (step.next == TlsSession::Step::Next::Failed) co_return transfer;
    if (step.next == TlsSession::Step::Next::Done) break;
    waited = true;
    transfer.error = co_await wait_as(step.next);
    if (transfer.error) co_return transfer;
  }
  // A peer that always has more must not keep deadlines and stop() from their turn.
  if (!waited) co_await asio::post(socket.get_executor(), asio::use_awaitable);
  co_return transfer;
}

asio::awaitable<LookupAnswer> Connection::Impl::look_up(std::string host) {
  LookupAnswer answer;
  answer.addresses = addresses_written_out(host);
  if (!answer.addresses.empty() || stopped) co_return answer;
  lookup.emplace(timer.get_executor(), host);
  const bool answered = co_await lookup->wait();
  answer = answered ? lookup->answer() : no_answer();
  lookup.reset();
  co_return answer;
}

ConnectOutcome Connection::Impl::end_by(const LookupAnswer& without_addresses) const {
  ConnectOutcome outcome;
  if (stopped) {
    outcome.kind = ConnectOutcome::Kind::Failed;
    outcome.error = asio::error::operation_aborted;
    return outcome;
  }
  outcome.kind = without_addresses.name_is_unknown ? ConnectOutcome::Kind::NameNotFound
                                                   : ConnectOutcome::Kind::LookupFailed;
  outcome.why = without_addresses.why;
  return outcome;
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
  LookupAnswer found = co_await impl_->look_up(std::move(host));
  if (found.addresses.empty()) co_return impl_->end_by(found);
  for (tcp::endpoint& address : found.addresses)
    address.port(port);
  ConnectOutcome outcome;
  outcome.error = co_await impl_->try_addresses(std::move(found.addresses), deadline);
  if (outcome.error) outcome.kind = ConnectOutcome::Kind::Failed;
  // Not of those that are accepted: whoever reads slowly there is still there.
  impl_->set_option(IPPROTO_TCP, TCP_USER_TIMEOUT, kUnansweredMilliseconds);
  co_return outcome;
}

asio::awaitable<Transfer> Connection::start_tls(std::shared_ptr<const TlsContext> context,
                                                std::string host) {
  impl_->tls.emplace(std::move(context), host, impl_->socket.native_handle());
  const TlsCall call;
  co_return co_await impl_->drive(call);
}

TlsTrouble Connection::tls_trouble() const {
  return impl_->tls ? impl_->tls->trouble() : TlsTrouble();
}

asio::awaitable<Transfer> Connection::read_some(std::span<char> into) {
  if (impl_->watched) impl_->socket.cancel();
  impl_->set_low_water(1);
  if (impl_->tls) {
    TlsCall call;
    call.what = TlsCall::What::Read;
    call.into = into;
    co_return co_await impl_->drive(call);
  }
  Transfer transfer;
  transfer.error = impl_->interruption();
  if (transfer.error) co_return transfer;
  const asio::mutable_buffer buffer(into.data(), into.size());
  auto [error, size] = co_await impl_->socket.async_read_some(buffer, kNoThrow);
  transfer.error = impl_->reason_for(error);
  transfer.size = size;
  co_return transfer;
}

asio::awaitable<Transfer> Connection::read_gathered(std::span<char> into,
                                                    int enough,
                                                    milliseconds within) {
  const bool flows = impl_->read_last > 0;
  Transfer transfer;
  if (impl_->read_last == into.size()) {  // there is more; deadlines and stop() get their turn
    co_await asio::post(executor(), asio::use_awaitable);
  } else if (flows) {
    co_await impl_->gather(enough, within);
  }
  if (flows) transfer = impl_->read_now(into);
  if (transfer.size == 0 && !transfer.error) transfer = co_await read_some(into);
  impl_->read_last = transfer.size;
  co_return transfer;
}

asio::awaitable<Transfer> Connection::write(std::string_view bytes) {
  Transfer transfer;
  if (impl_->tls) {
    TlsCall call;
    call.what = TlsCall::What::Write;
    while (!transfer.error && transfer.size < bytes.size()) {
      call.from = bytes.substr(transfer.size);
      const Transfer part = co_await impl_->drive(call);
      transfer.error = part.error;
      transfer.size += part.size;
    }
    co_return transfer;
  }
  // Part by part: between two of them nothing waits that stop() or the deadline could cancel.
  while (transfer.size < bytes.size()) {
    transfer.error = impl_->interruption();
    if (transfer.error) break;
    const std::string_view rest = bytes.substr(transfer.size);
    const asio::const_buffer buffer(rest.data(), rest.size());
    auto [error, size] = co_await impl_->socket.async_write_some(buffer, kNoThrow);
    transfer.size += size;
    transfer.error = impl_->reason_for(error);
    if (error) break;
  }
  co_return transfer;
}

std::size_t Connection::write_now(std::string_view bytes) {
  if (impl_->tls) return impl_->tls->write(bytes).size;
  error_code ignored;  // what is wrong with the connection, the next read will say
  return impl_->socket.write_some(asio::buffer(bytes.data(), bytes.size()), ignored);
}

asio::awaitable<void> Connection::finish(milliseconds within) {
  expires_after(within);
  if (impl_->tls) impl_->tls->say_goodbye();
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
  if (impl_->tls) impl_->tls->say_goodbye();
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
