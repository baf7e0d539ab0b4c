#include "base/net/request_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace smtptape {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

// After accept(2) has failed: what is missing may come back, and asking at once would only spin.
constexpr milliseconds kAcceptPause{100};

// An answer that somebody owes us.
struct Owed {
  explicit Owed(const asio::any_io_executor& executor) : come(executor) {}
  std::optional<std::string> text;
  asio::steady_timer come;  // cancelled when the text is there
};

// One connection.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
  Peer(const asio::any_io_executor& executor, const asio::generic::stream_protocol& family, int fd)
      : socket_(executor, family, fd),
        deadline_(executor),
        owed_(std::make_shared<Owed>(executor)) {}

  asio::awaitable<std::optional<Request>> read(const RequestServerOptions& options);
  asio::awaitable<std::string> answer(const RequestServerOptions& options);
  // And reads what still comes, so that the answer is not lost in a reset.
  asio::awaitable<void> send(std::string text, milliseconds within);
  [[nodiscard]] Reply reply() const;

  void stop() {
    stopped_ = true;
    end_waits();
  }

  // Who is to blame when it takes long: the peer before and after it is we.
  enum class Phase : std::uint8_t { Asking, Waiting, Taking };
  [[nodiscard]] Phase phase() const { return phase_; }

 private:
  struct Got {
    error_code error;
    std::size_t size = 0;
  };

  void expires_after(milliseconds time);
  asio::awaitable<Got> read_some(asio::mutable_buffer into);
  void end_waits() {
    error_code ignored;
    socket_.cancel(ignored);
    owed_->come.cancel();
    deadline_.cancel();
  }

  asio::generic::stream_protocol::socket socket_;
  asio::steady_timer deadline_;
  std::shared_ptr<Owed> owed_;  // with whoever answers
  Phase phase_ = Phase::Asking;
  bool timed_out_ = false;
  bool stopped_ = false;
};

}  // namespace

// ---- one connection ----

namespace {

// The handler may have been on its way when the peer went, or when the deadline was moved.
void Peer::expires_after(milliseconds time) {
  timed_out_ = false;
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this()](const error_code& error) {
    const std::shared_ptr<Peer> peer = weak.lock();
    if (error || !peer || peer->deadline_.expiry() > steady_clock::now()) return;
    peer->timed_out_ = true;
    error_code ignored;
    peer->socket_.cancel(ignored);
  });
}

asio::awaitable<Peer::Got> Peer::read_some(asio::mutable_buffer into) {
  Got got;
  if (stopped_ || timed_out_) {
    got.error = asio::error::operation_aborted;
    co_return got;
  }
  auto [error, size] = co_await socket_.async_read_some(into, kNoThrow);
  got.error = error;
  got.size = size;
  co_return got;
}

asio::awaitable<std::optional<Request>> Peer::read(const RequestServerOptions& options) {
  expires_after(options.request_within);
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const Got got = co_await read_some(asio::buffer(buffer));
    if (stopped_) co_return std::nullopt;
    if (timed_out_) co_return Request{Request::End::TooSlow, {}};
    if (got.error) co_return std::nullopt;
    const std::size_t known = text.size();
    text.append(buffer.data(), got.size);
    // The mark may have begun in what was known.
    const std::size_t from = known - std::min(known, options.end_mark.size() - 1);
    const std::size_t mark = text.find(options.end_mark, from);
    const std::size_t size =
        mark == std::string::npos ? text.size() : mark + options.end_mark.size();
    if (size > options.most_bytes) co_return Request{Request::End::TooLong, {}};
    if (mark == std::string::npos) continue;
    text.resize(size);
    co_return Request{Request::End::Complete, std::move(text)};
  }
}

Reply Peer::reply() const {
  return
      [owed = std::weak_ptr<Owed>(owed_), executor = owed_->come.get_executor()](std::string text) {
        asio::post(executor, [owed, text = std::move(text)]() mutable {
          const std::shared_ptr<Owed> still = owed.lock();
          if (!still || still->text) return;
          still->text = std::move(text);
          still->come.cancel();
        });
      };
}

asio::awaitable<std::string> Peer::answer(const RequestServerOptions& options) {
  phase_ = Phase::Waiting;
  const std::shared_ptr<Owed> owed = owed_;
  owed->come.expires_after(options.answer_within);
  if (!owed->text && !stopped_) {
    auto [cancelled] = co_await owed->come.async_wait(kNoThrow);
    static_cast<void>(cancelled);  // then the text is there, or we stop
  }
  co_return owed->text.value_or(options.no_answer);
}

asio::awaitable<void> Peer::send(std::string text, milliseconds within) {
  if (stopped_) co_return;
  phase_ = Phase::Taking;
  expires_after(within);
  error_code failed;
  // Part by part: between two of them nothing waits that could be cancelled.
  for (std::size_t sent = 0; sent < text.size() && !failed;) {
    if (stopped_ || timed_out_) co_return;
    const asio::const_buffer rest = asio::buffer(text) + sent;
    auto [error, size] = co_await socket_.async_write_some(rest, kNoThrow);
    sent += size;
    failed = error;
  }
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  std::array<char, 4096> unread{};
  while (!failed) {
    const Got got = co_await read_some(asio::buffer(unread));
    failed = got.error;
  }
}

}  // namespace

// ---- the server ----

struct RequestServer::Impl {
  Impl(const asio::any_io_executor& executor, UniqueFd fd, RequestServerOptions wanted, Handler to)
      : options(std::move(wanted)),
        handler(std::move(to)),
        family(family_of(fd.get())),
        listening(executor, fd.get()),
        wake(executor) {
    static_cast<void>(fd.release());  // `listening` has it
  }

  static asio::generic::stream_protocol family_of(int fd) {
    int family = 0;
    socklen_t size = sizeof family;
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) family = AF_UNSPEC;
    return {family, 0};
  }

  static asio::awaitable<void> accept_all(std::shared_ptr<Impl> self);
  static asio::awaitable<void> serve(std::shared_ptr<Impl> self, std::shared_ptr<Peer> peer);
  static bool begin(const std::shared_ptr<Impl>& self, UniqueFd fd);
  void end(const std::shared_ptr<Peer>& peer) {
    std::erase(peers, peer);
    wake.cancel();
  }
  // Below the bound, or somebody goes for it.
  bool make_room();

  RequestServerOptions options;
  Handler handler;
  asio::generic::stream_protocol family;
  asio::posix::stream_descriptor listening;
  asio::steady_timer wake;                   // of accept_all(), when it waits for room
  std::vector<std::shared_ptr<Peer>> peers;  // the oldest first
  bool stopped = false;
};

// Connections that say nothing must not keep out those that ask.
bool RequestServer::Impl::make_room() {
  if (peers.size() < options.most_connections) return true;
  for (const Peer::Phase phase : {Peer::Phase::Asking, Peer::Phase::Taking}) {
    const auto oldest = std::find_if(
        peers.begin(), peers.end(), [phase](const auto& peer) { return peer->phase() == phase; });
    if (oldest == peers.end()) continue;
    (*oldest)->stop();
    peers.erase(oldest);
    return true;
  }
  return false;
}

asio::awaitable<void> RequestServer::Impl::accept_all(std::shared_ptr<Impl> self) {
  while (!self->stopped) {
    auto [error] =
        co_await self->listening.async_wait(asio::posix::stream_descriptor::wait_read, kNoThrow);
    if (self->stopped) co_return;
    if (!self->make_room()) {
      self->wake.expires_at(steady_clock::time_point::max());
      auto [cancelled] = co_await self->wake.async_wait(kNoThrow);
      static_cast<void>(cancelled);
      continue;
    }
    UniqueFd fd;
    if (!error) {
      fd = UniqueFd(::accept4(
          self->listening.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    }
    if (fd && begin(self, std::move(fd))) continue;
    self->wake.expires_after(kAcceptPause);
    auto [cancelled] = co_await self->wake.async_wait(kNoThrow);
    static_cast<void>(cancelled);
  }
}

// False: it can't be served; what is missing may be there again after a pause.
bool RequestServer::Impl::begin(const std::shared_ptr<Impl>& self, UniqueFd fd) {
  const asio::any_io_executor executor = self->wake.get_executor();
  std::shared_ptr<Peer> peer;
  try {
    peer = std::make_shared<Peer>(executor, self->family, fd.get());
  } catch (const std::exception&) {
    return false;
  }
  static_cast<void>(fd.release());
  self->peers.push_back(peer);
  asio::co_spawn(executor, serve(self, peer), [self, peer](const std::exception_ptr& thrown) {
    self->end(peer);
    if (thrown) std::rethrow_exception(thrown);
  });
  return true;
}

asio::awaitable<void> RequestServer::Impl::serve(std::shared_ptr<Impl> self,
                                                 std::shared_ptr<Peer> peer) {
  std::optional<Request> request = co_await peer->read(self->options);
  if (!request || self->stopped) co_return;
  self->handler(std::move(*request), peer->reply());
  std::string answer = co_await peer->answer(self->options);
  if (self->stopped) co_return;
  co_await peer->send(std::move(answer), self->options.sent_within);
}

RequestServer::RequestServer(const asio::any_io_executor& executor,
                             UniqueFd listening,
                             RequestServerOptions options,
                             Handler handler)
    : impl_(std::make_shared<Impl>(
          executor, std::move(listening), std::move(options), std::move(handler))) {
  asio::co_spawn(executor, Impl::accept_all(impl_), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

RequestServer::~RequestServer() {
  stop();
}

void RequestServer::stop() {
  if (impl_->stopped) return;
  impl_->stopped = true;
  impl_->handler = nullptr;
  error_code ignored;
  impl_->listening.close(ignored);
  impl_->wake.cancel();
  for (const std::shared_ptr<Peer>& peer : impl_->peers)
    peer->stop();
}

}  // namespace smtptape
