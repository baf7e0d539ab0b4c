// One source's feed: connected, followed, connected again after each end; what arrives goes into
// the queue, and each time without a connection becomes a gap.
//
// On the network thread.  It never waits for anything but the network and its own pauses.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "capture/capture.h"
#include "capture/feed/feed_client.h"
#include "capture/feed/reconnect.h"
#include "capture/record/clocks.h"
#include "capture/record/event_queue.h"
#include "capture/watch/status.h"

namespace smtptape {

// Events a second over the last whole seconds.
class RateMeter {
 public:
  void add(std::uint64_t events, Now now);
  [[nodiscard]] double per_second(Now now) const;

 private:
  static constexpr std::int64_t kSeconds = 10;
  std::array<std::uint64_t, kSeconds + 1> counts_{};
  std::array<std::int64_t, kSeconds + 1> seconds_{};  // which second a count is of
};

class Subscription : public FrameSink {
 public:
  struct Hooks {
    // At the first connection, before any frame.
    std::function<void(Now now)> on_first_open;
    std::function<void()> on_change;  // connected, or no longer
    std::function<void()> on_frames;  // something was queued
    SayLine say;
  };
  // `index`: of the source in the queue and the options.  The references outlive it.
  Subscription(boost::asio::io_context& context,
               const CaptureOptions& options,
               std::size_t index,
               EventQueue& queue);

  // Before run().
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  // Until the end that was asked for.  With AtTheEnd::Stop it throws Error when there was no
  // connection at all, and when that which was there broke: then the rest of the feed is missing.
  boost::asio::awaitable<void> run();
  void stop();
  // When there is no connection now: tells of the time without one up to now, so that the tapes do.
  void tell_outage();

  [[nodiscard]] bool was_open() const { return was_open_; }
  [[nodiscard]] bool is_connected() const { return connected_; }
  // Of a message that is being put together.
  [[nodiscard]] std::size_t bytes_held() const;
  // What is known here; the rest stays as it is.
  void tell(SourceStatus& status) const;

  void on_open() override;
  Flow on_frames(std::span<const WsMessage> frames) override;
  // A message that is being put together takes from the queue's budget.
  bool may_take(std::uint64_t more) override;

 private:
  [[nodiscard]] FeedOptions feed_options() const;
  [[nodiscard]] const SourceOptions& source() const { return options_.sources[index_]; }
  boost::asio::awaitable<void> pause(std::chrono::nanoseconds lived);
  // One connection, from its beginning to its end.
  boost::asio::awaitable<FeedEnd> follow();
  void note_end(const FeedEnd& end);
  void note_slow_connection(Now now);
  void push_disconnected(Now until);
  void give_back();
  void say(const std::string& line) const;

  boost::asio::io_context& context_;
  const CaptureOptions& options_;
  const std::size_t index_;
  EventQueue& queue_;
  Hooks hooks_;
  boost::asio::steady_timer pause_;
  ReconnectPolicy policy_;
  std::optional<FeedClient> client_;
  bool stopped_ = false;
  bool was_open_ = false;
  bool connected_ = false;
  Now since_;                            // connected, or not
  Now heard_;                            // from the server, the last time
  std::optional<std::int64_t> lost_at_;  // ns since 1970: not connected since
  std::string lost_how_;
  std::string last_error_;
  std::optional<std::int64_t> last_error_at_;
  std::map<std::string, std::uint64_t> reconnects_;  // by reason: a small set of words
  RateMeter rate_;
  std::uint64_t reserved_ = 0;  // bytes of the queue's budget
};

}  // namespace smtptape
