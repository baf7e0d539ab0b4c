#include "replay/playback.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.h"
#include "base/net/connection.h"
#include "base/net/handshake.h"
#include "base/text_buffer.h"
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
        pause_(context),
        reader_(WsRole::Server, kLargestRequest),
        pace_(options.pace),
        faults_(options.faults) {}

  asio::awaitable<void> run();
  void stop() {
    connection_.stop();
    pause_.cancel();
  }
  [[nodiscard]] const Played& played() const { return played_; }

 private:
  // Nothing: the client is refused, or gone.
  asio::awaitable<std::optional<TraceRequest>> read_request();
  asio::awaitable<std::optional<std::string>> read_first_frame(std::string early);
  [[nodiscard]] std::optional<std::string> as_request(const WsMessage& first);

  // Notices that the client leaves, also while nothing is sent to it.
  asio::awaitable<void> watch();
  [[nodiscard]] bool says_goodbye(std::string_view bytes);

  asio::awaitable<void> play(TraceRequest request);
  // False when there is no use in going on.
  asio::awaitable<bool> send_all(const TraceRequest& request, AllowList& filter);
  asio::awaitable<bool> send(Broadcast& broadcast, bool terse);
  asio::awaitable<void> catch_up(Broadcast& broadcast);
  asio::awaitable<bool> wait_for(Pace::Clock::time_point due);
  asio::awaitable<bool> wait_until(Pace::Clock::time_point due);
  asio::awaitable<bool> break_off(const Event& event);
  asio::awaitable<bool> flush();
  [[nodiscard]] std::unique_ptr<EventSource> open_source();
  [[nodiscard]] bool read(Broadcast& broadcast);
  void append(const Event& event);

  const ServeOptions& options_;
  const PlaybackHooks& hooks_;
  std::stop_token stop_;
  Connection connection_;
  asio::steady_timer pause_;
  WsFrameReader reader_;
  bool left_ = false;  // the client
  Pace pace_;
  Faults faults_;
  bool stalled_ = false;  // as it was told to, once
  bool slow_ = false;     // the client has made us wait
  TextBuffer frame_;
  std::string unsent_;
  Played played_;
};

asio::awaitable<void> Playback::run() {
  connection_.expires_after(options_.request_within);
  std::optional<TraceRequest> request = co_await read_request();
  if (request) {
    hooks_.on_begin();
    asio::co_spawn(connection_.executor(), watch(), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    co_await play(std::move(*request));
  }
  // One that takes nothing would only be waited for again.
  const bool drain = played_.end != Played::End::Stalled && !left_;
  if (drain) co_await connection_.finish(request ? options_.drained_within : kFarewell);
  connection_.close();
}

// ---- what the client wants ----

asio::awaitable<std::optional<TraceRequest>> Playback::read_request() {
  ServerHandshake handshake = co_await upgrade_as_server(connection_, std::string(kPath));
  if (!handshake.error && handshake.status != 101) {
    const std::string what = handshake.status == 403 ? "a web page asked (there was an Origin)"
                                                     : "not a request for " + std::string(kPath) +
                                                           " that can be answered";
    hooks_.report(what + "; answered " + std::to_string(handshake.status));
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
  std::array<char, 4096> buffer{};
  std::string_view bytes = early;
  for (;;) {
    reader_.feed(bytes);
    const std::optional<WsMessage> first = reader_.next();
    if (first) {
      std::optional<std::string> request = as_request(*first);
      left_ = says_goodbye({});  // in the same breath
      co_return request;
    }
    if (!reader_.protocol_error().empty()) {
      hooks_.report("what it sent is not WebSocket: " + std::string(reader_.protocol_error()));
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

// ---- whether it is still there ----

// Whoever ends its side has left, and so has one that says Close; what it says else is read and
// has no effect.
bool Playback::says_goodbye(std::string_view bytes) {
  if (!bytes.empty()) reader_.feed(bytes);
  while (const std::optional<WsMessage> message = reader_.next()) {
    if (message->opcode == Opcode::Close) return true;
  }
  return false;
}

asio::awaitable<void> Playback::watch() {
  std::array<char, 4096> buffer{};
  Transfer got;
  bool goodbye = false;
  while (!got.error && !goodbye) {
    got = co_await connection_.read_some(buffer);
    goodbye = says_goodbye({buffer.data(), got.size});
  }
  const bool ours =
      got.error == asio::error::operation_aborted || got.error == asio::error::timed_out;
  if (ours) co_return;
  left_ = true;
  stop();
}

// ---- what it gets ----

asio::awaitable<void> Playback::play(TraceRequest request) {
  played_.end = Played::End::Complete;
  connection_.expires_never();
  AllowList filter(request, options_.honour);
  bool again = true;
  while (again) {
    const std::uint64_t before = played_.sent;
    const bool going_on = co_await send_all(request, filter);
    // What has nothing to send would be read for ever.
    again = options_.loop && going_on && played_.sent > before;
    pace_.restart();
  }
  played_.dropped = faults_.dropped();
  played_.lagged += faults_.lagged();
}

// From the beginning to the end.
asio::awaitable<bool> Playback::send_all(const TraceRequest& request, AllowList& filter) {
  const std::unique_ptr<EventSource> source = open_source();
  if (source == nullptr) co_return false;
  Broadcast broadcast(*source, filter, pace_, faults_, options_.ring);
  bool going_on = true;
  while (going_on && read(broadcast)) {
    going_on = co_await send(broadcast, request.terse);
    // Also while nothing is chosen for long, whatever else is due has its turn.
    co_await asio::post(connection_.executor(), asio::use_awaitable);
  }
  co_return going_on&& played_.end == Played::End::Complete;
}

std::unique_ptr<EventSource> Playback::open_source() {
  try {
    return hooks_.open_source();
  } catch (const Error& error) {
    hooks_.report(error.what());
    played_.end = Played::End::SourceFailed;
    return nullptr;
  }
}

bool Playback::read(Broadcast& broadcast) {
  if (stop_.stop_requested() || left_) {
    played_.end = left_ ? Played::End::ClientLeft : Played::End::Stopped;
    return false;
  }
  try {
    return broadcast.read();
  } catch (const Error& error) {
    hooks_.report(error.what());
    played_.end = Played::End::SourceFailed;
    return false;
  }
}

asio::awaitable<bool> Playback::send(Broadcast& broadcast, bool terse) {
  const bool waits = options_.pace.speed || options_.faults.stall.count() > 0;
  for (;;) {
    const bool behind = std::exchange(slow_, false) && options_.pace.speed;
    if (behind) co_await catch_up(broadcast);
    const Pace::Clock::time_point now = waits ? Pace::Clock::now() : Pace::Clock::time_point();
    const std::optional<Broadcast::Next> next = broadcast.next(now);
    if (!next) co_return co_await flush();
    Event& event = *next->event;
    if (event.verbatim != nullptr && event.verbatim->opcode == Opcode::Binary) {
      ++played_.left_out;
      continue;
    }
    if (terse) abbreviate(event, next->batch->arena);
    if (waits) {
      const bool still_there = co_await wait_for(next->due);
      if (!still_there) co_return false;
    }
    if (played_.sent == options_.faults.disconnect_after) co_return co_await break_off(event);
    append(event);
    if (unsent_.size() < kWriteBuffer) continue;
    const bool taken = co_await flush();
    if (!taken) co_return false;
  }
}

// What was made while the client was slow; what of it is too much, it is told.
asio::awaitable<void> Playback::catch_up(Broadcast& broadcast) {
  const Pace::Clock::time_point now = Pace::Clock::now();
  while (broadcast.catch_up(now) && read(broadcast))
    co_await asio::post(connection_.executor(), asio::use_awaitable);
  const std::optional<Broadcast::Missed> missed = broadcast.take_missed();
  if (!missed) co_return;
  append(lag_notice(*missed->newest.event, missed->events, *missed->newest.batch));
  ++played_.lagged;
  played_.missed += missed->events;
}

void Playback::append(const Event& event) {
  frame_.clear();
  append_frame(frame_, event);
  append_frame_header(unsent_, Opcode::Text, frame_.size());
  unsent_.append(frame_.view());
  ++played_.sent;
  if (frame_.size() <= kKcliMaxFrame) return;
  hooks_.report("event " + std::to_string(event.sequence) + " is a frame of " +
                std::to_string(frame_.size()) + " bytes: kcli ends at more than " +
                std::to_string(kKcliMaxFrame));
}

asio::awaitable<bool> Playback::wait_for(Pace::Clock::time_point due) {
  const Pace::Clock::time_point now = Pace::Clock::now();
  if (options_.faults.stall.count() > 0 && played_.sent > 0 && !std::exchange(stalled_, true)) {
    const bool still_there = co_await wait_until(now + options_.faults.stall);
    if (!still_there) co_return false;
  }
  if (!options_.pace.speed) co_return true;
  if (due - now < kShortestPause) co_return true;
  co_return co_await wait_until(due);
}

asio::awaitable<bool> Playback::wait_until(Pace::Clock::time_point due) {
  const bool taken = co_await flush();
  if (!taken) co_return false;
  pause_.expires_at(due);
  // A stop that comes from here on finds the pause waiting: it is posted to this thread.
  if (!left_ && !stop_.stop_requested()) {
    auto [cancelled] = co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
    static_cast<void>(cancelled);
  }
  const bool stopped = left_ || stop_.stop_requested();
  if (stopped) played_.end = left_ ? Played::End::ClientLeft : Played::End::Stopped;
  co_return !stopped;
}

// As a server that dies: what it had written arrives, and the last frame is not whole.
asio::awaitable<bool> Playback::break_off(const Event& event) {
  const std::size_t whole = unsent_.size();
  append(event);
  --played_.sent;
  unsent_.resize(whole + (unsent_.size() - whole) / 2);
  const bool taken = co_await flush();
  if (taken) played_.end = Played::End::Disconnected;
  co_return false;
}

asio::awaitable<bool> Playback::flush() {
  std::string_view rest = unsent_;
  rest.remove_prefix(std::min(connection_.write_now(rest), rest.size()));
  slow_ = slow_ || !rest.empty();
  while (!rest.empty()) {
    connection_.expires_after(options_.stalled_after);
    const Transfer sent = co_await connection_.write(rest.substr(0, kWriteBuffer));
    if (sent.error) {
      const bool stopped = sent.error == asio::error::operation_aborted && !left_;
      played_.end = stopped                                ? Played::End::Stopped
                    : sent.error == asio::error::timed_out ? Played::End::Stalled
                                                           : Played::End::ClientLeft;
      co_return false;
    }
    rest.remove_prefix(sent.size);
  }
  unsent_.clear();
  connection_.expires_never();  // from here on the client waits for us
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
