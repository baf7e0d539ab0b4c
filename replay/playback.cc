#include "replay/playback.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include "base/error.h"
#include "base/net/connection.h"
#include "base/net/handshake.h"
#include "filters/allow_list.h"
#include "format/limits.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"

namespace smtptape {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::string_view kPath = "/api/admin/trace-smtp-client/v1";
constexpr std::uint64_t kLargestRequest = kMiB;
constexpr std::size_t kWriteBuffer = 256 * kKiB;
// A pause that isn't worth an extra write.
constexpr std::chrono::milliseconds kShortestPause{1};
constexpr std::chrono::milliseconds kFarewell{1'000};  // for a client that was refused
constexpr std::size_t kLongestReason = 300;

tcp::socket adopt(asio::io_context& context, UniqueFd fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw system_error("asking for a client's address", errno);
  }
  tcp::socket socket(context);
  socket.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd.release());
  return socket;
}

class Playback {
 public:
  Playback(asio::io_context& context,
           UniqueFd client,
           const ServeOptions& options,
           const PlaybackHooks& hooks,
           std::stop_token stop)
      : options_(options),
        hooks_(hooks),
        stop_(std::move(stop)),
        connection_(adopt(context, std::move(client))),
        pace_(options.speed) {}

  asio::awaitable<void> run();
  void stop() { connection_.stop(); }
  [[nodiscard]] const Played& played() const { return played_; }

 private:
  // Nothing: the client is refused, or gone.
  asio::awaitable<std::optional<TraceRequest>> read_request();
  asio::awaitable<std::optional<std::string>> read_first_frame(std::string early);
  [[nodiscard]] std::optional<std::string> as_request(const WsMessage& first);

  asio::awaitable<void> play(TraceRequest request);
  // False when there is no use in going on.
  asio::awaitable<bool> send(EventBatch& batch, AllowList& filter, bool terse);
  asio::awaitable<bool> wait_for(const Event& event);
  asio::awaitable<bool> flush();
  [[nodiscard]] bool read(EventSource& source, EventBatch& batch);
  void append(const Event& event);

  const ServeOptions& options_;
  const PlaybackHooks& hooks_;
  std::stop_token stop_;
  Connection connection_;
  Pace pace_;
  std::string frame_;
  std::string unsent_;
  Played played_;
};

asio::awaitable<void> Playback::run() {
  connection_.expires_after(options_.request_within);
  std::optional<TraceRequest> request = co_await read_request();
  if (request) {
    hooks_.on_begin();
    co_await play(std::move(*request));
  }
  // One that takes nothing would only be waited for again.
  const bool drain = played_.end != Played::End::Stalled;
  if (drain) co_await connection_.finish(request ? options_.drained_within : kFarewell);
  connection_.close();
}

// ---- what the client wants ----

asio::awaitable<std::optional<TraceRequest>> Playback::read_request() {
  ServerHandshake handshake = co_await upgrade_as_server(connection_, std::string(kPath));
  if (!handshake.error && handshake.status != 101) {
    hooks_.report("not a request for " + std::string(kPath) + " that can be answered; answered " +
                  std::to_string(handshake.status));
  }
  if (handshake.error || handshake.status != 101) co_return std::nullopt;
  const std::optional<std::string> json = co_await read_first_frame(std::move(handshake.rest));
  if (!json) co_return std::nullopt;
  try {
    if (!is_utf8(*json)) throw Error("not valid UTF-8");
    co_return parse_request(*json);
  } catch (const Error& error) {
    hooks_.report("its request can't be read: " +
                  printable_line(std::string_view(error.what()).substr(0, kLongestReason)));
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<std::string>> Playback::read_first_frame(std::string early) {
  WsFrameReader reader(WsRole::Server, kLargestRequest);
  std::array<char, 4096> buffer{};
  std::string_view bytes = early;
  for (;;) {
    reader.feed(bytes);
    const std::optional<WsMessage> first = reader.next();
    if (first) co_return as_request(*first);
    if (!reader.protocol_error().empty()) {
      hooks_.report("what it sent is not WebSocket: " + std::string(reader.protocol_error()));
      co_return std::nullopt;
    }
    const Transfer got = co_await connection_.read_some(buffer);
    if (got.error) co_return std::nullopt;
    bytes = {buffer.data(), got.size};
  }
}

std::optional<std::string> Playback::as_request(const WsMessage& first) {
  if (first.opcode == Opcode::Text && !first.oversize) return std::string(first.payload);
  hooks_.report(first.oversize ? "its request is too large"
                               : "its first frame is no text, so there is no request");
  return std::nullopt;
}

// ---- what it gets ----

asio::awaitable<void> Playback::play(TraceRequest request) {
  played_.end = Played::End::Complete;
  AllowList filter(request, options_.honour);
  std::unique_ptr<EventSource> source;
  try {
    source = hooks_.open_source();
  } catch (const Error& error) {
    hooks_.report(error.what());
    played_.end = Played::End::SourceFailed;
    co_return;
  }
  EventBatch batch;
  bool going_on = true;
  while (going_on && read(*source, batch))
    going_on = co_await send(batch, filter, request.terse);
}

bool Playback::read(EventSource& source, EventBatch& batch) {
  if (stop_.stop_requested()) {
    played_.end = Played::End::Stopped;
    return false;
  }
  try {
    return source.next(batch);
  } catch (const Error& error) {
    hooks_.report(error.what());
    played_.end = Played::End::SourceFailed;
    return false;
  }
}

asio::awaitable<bool> Playback::send(EventBatch& batch, AllowList& filter, bool terse) {
  for (Event& event : batch.events) {
    if (!filter.passes(event.meta, Scope::Event)) continue;
    if (event.verbatim != nullptr && event.verbatim->opcode == Opcode::Binary) {
      ++played_.left_out;
      continue;
    }
    if (terse) abbreviate(event, batch.arena);
    if (options_.speed) {
      const bool still_there = co_await wait_for(event);
      if (!still_there) co_return false;
    }
    append(event);
    if (unsent_.size() < kWriteBuffer) continue;
    const bool taken = co_await flush();
    if (!taken) co_return false;
  }
  co_return co_await flush();
}

void Playback::append(const Event& event) {
  frame_.clear();
  append_frame(frame_, event);
  append_frame_header(unsent_, Opcode::Text, frame_.size());
  unsent_.append(frame_);
  ++played_.sent;
  if (frame_.size() <= kKcliMaxFrame) return;
  hooks_.report("event " + std::to_string(event.sequence) + " is a frame of " +
                std::to_string(frame_.size()) + " bytes: kcli ends at more than " +
                std::to_string(kKcliMaxFrame));
}

asio::awaitable<bool> Playback::wait_for(const Event& event) {
  const Pace::Clock::time_point now = Pace::Clock::now();
  const Pace::Clock::time_point due = pace_.due(event.received, now);
  if (due - now < kShortestPause) co_return true;
  const bool taken = co_await flush();
  if (!taken) co_return false;
  // The thread is this client's alone: it may sleep.
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_until(lock, stop_, due, [] { return false; });
  if (stop_.stop_requested()) played_.end = Played::End::Stopped;
  co_return !stop_.stop_requested();
}

asio::awaitable<bool> Playback::flush() {
  std::string_view rest = unsent_;
  while (!rest.empty()) {
    connection_.expires_after(options_.stalled_after);
    const Transfer sent = co_await connection_.write(rest.substr(0, kWriteBuffer));
    if (sent.error) {
      played_.end = sent.error == asio::error::operation_aborted ? Played::End::Stopped
                    : sent.error == asio::error::timed_out       ? Played::End::Stalled
                                                                 : Played::End::ClientLeft;
      co_return false;
    }
    rest.remove_prefix(sent.size);
  }
  unsent_.clear();
  co_return true;
}

}  // namespace

Played play_to(UniqueFd client,
               const ServeOptions& options,
               const PlaybackHooks& hooks,
               std::stop_token stop) {
  asio::io_context context(1);
  Playback playback(context, std::move(client), options, hooks, stop);
  const std::stop_callback on_stop(stop,
                                   [&] { asio::post(context, [&playback] { playback.stop(); }); });
  std::exception_ptr failure;
  asio::co_spawn(context, playback.run(), [&](std::exception_ptr thrown) { failure = thrown; });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return playback.played();
}

}  // namespace smtptape
