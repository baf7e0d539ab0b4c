#include "capture/capture.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.h"
#include "base/thread_name.h"
#include "base/time_spec.h"
#include "capture/capture_clock.h"
#include "capture/event_queue.h"
#include "capture/feed_client.h"
#include "capture/last_tape.h"
#include "capture/store.h"

namespace smtptape {

namespace asio = boost::asio;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

// ---- the writer thread ----

class WriterThread {
 public:
  // `on_done` is called on the writer thread when it takes nothing more before the queue's end.
  WriterThread(Recorder& recorder,
               EventQueue& queue,
               const CaptureClock& clock,
               std::function<void()> on_done)
      : recorder_(recorder), queue_(queue), clock_(clock), on_done_(std::move(on_done)) {}
  ~WriterThread() {
    if (!thread_.joinable()) return;
    queue_.end();
    thread_.join();
  }
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  void start() {
    thread_ = std::thread([this] { run(); });
  }
  // Nothing more comes.  Gives back what went wrong.
  std::exception_ptr join() {
    queue_.end();
    if (thread_.joinable()) thread_.join();
    return failure_;
  }

 private:
  void run() {
    name_this_thread("tape-writer");
    try {
      record_all();
      recorder_.finish(clock_.now());
    } catch (...) {
      failure_ = std::current_exception();
      on_done_();
    }
  }

  void record_all() {
    bool told = false;
    FrameChunk chunk;
    for (;;) {
      std::optional<EventQueue::TimePoint> deadline;
      if (const auto due = recorder_.next_tick()) deadline = clock_.steady_at(*due);
      const EventQueue::Taken taken = queue_.take(chunk, deadline);
      if (taken == EventQueue::Taken::End) return;
      if (taken == EventQueue::Taken::Chunk) recorder_.record(chunk);
      recorder_.tick(clock_.now());
      if (recorder_.full() && !std::exchange(told, true)) on_done_();
    }
  }

  Recorder& recorder_;
  EventQueue& queue_;
  const CaptureClock& clock_;
  std::function<void()> on_done_;
  std::exception_ptr failure_;
  std::thread thread_;
};

// ---- the network thread ----

// Was anything lost when the feed ended so?
bool ended_well(const FeedEnd& end) {
  if (end.mid_message) return false;
  return end.kind == FeedEnd::Kind::Stopped || end.kind == FeedEnd::Kind::Closed ||
         end.kind == FeedEnd::Kind::CloseFrame;
}

// Connects, again and again, and puts what arrives into the queue.  All on the context's thread.
class Subscription : public FrameSink {
 public:
  Subscription(asio::io_context& context,
               const CaptureOptions& options,
               EventQueue& queue,
               const CaptureClock& clock,
               const SayLine& say)
      : context_(context),
        options_(options),
        queue_(queue),
        clock_(clock),
        say_(say),
        pause_(context) {}

  // Called at the first success, before any frame.
  std::function<void(std::int64_t)> on_first_open;

  // Until the end that was asked for.  Throws when there was no connection at all.
  asio::awaitable<void> run();
  void stop() {
    stopped_ = true;
    if (client_) client_->stop();
    pause_.cancel();
  }

  [[nodiscard]] bool was_open() const { return was_open_; }

  void on_open() override;
  Flow on_frames(std::span<const WsMessage> frames) override {
    if (stopped_) return Flow::Stop;
    queue_.push(frames, clock_.now());
    return Flow::Continue;
  }

 private:
  [[nodiscard]] FeedOptions feed_options() const;
  void note_end(const FeedEnd& end);
  void push_disconnected(std::int64_t until);

  asio::io_context& context_;
  const CaptureOptions& options_;
  EventQueue& queue_;
  const CaptureClock& clock_;
  const SayLine& say_;
  asio::steady_timer pause_;
  std::optional<FeedClient> client_;
  bool stopped_ = false;
  bool was_open_ = false;
  std::optional<std::int64_t> lost_at_;  // not connected since
  std::string lost_how_;
};

FeedOptions Subscription::feed_options() const {
  FeedOptions feed;
  feed.endpoint = options_.endpoint;
  feed.access = options_.access;
  feed.request = to_json(options_.request);
  feed.max_frame = options_.max_frame;
  feed.connect_within = options_.connect_within;
  return feed;
}

asio::awaitable<void> Subscription::run() {
  while (!stopped_) {
    client_.emplace(context_.get_executor(), feed_options());
    FeedEnd end = co_await client_->run(*this);
    if (end.kind == FeedEnd::Kind::Stopped || stopped_) break;
    if (!was_open_) throw Error(describe(end, options_.endpoint));
    note_end(end);
    if (options_.at_the_end == AtTheEnd::Stop) break;
    pause_.expires_after(options_.try_again_after);
    auto [cancelled] = co_await pause_.async_wait(kNoThrow);
    static_cast<void>(cancelled);  // then stopped_ says why
  }
  if (lost_at_) push_disconnected(clock_.now());
}

void Subscription::on_open() {
  const std::int64_t now = clock_.now();
  if (!std::exchange(was_open_, true)) on_first_open(now);
  if (!lost_at_) return;
  push_disconnected(now);
  say_("connected to " + options_.endpoint.target + " again");
}

// An orderly end of the feed that was waited for loses nothing.
void Subscription::note_end(const FeedEnd& end) {
  const bool goes_on = options_.at_the_end == AtTheEnd::TryAgain;
  if (lost_at_ || (!goes_on && ended_well(end))) return;
  lost_at_ = clock_.now();
  lost_how_ = describe(end, options_.endpoint);
  if (end.mid_message) lost_how_ += " in the middle of a frame";
  say_(lost_how_ + (goes_on ? "; trying again" : ""));
}

void Subscription::push_disconnected(std::int64_t until) {
  Gap gap;
  gap.cause = GapCause::Disconnected;
  gap.from = *lost_at_;
  gap.until = until;
  gap.detail = std::move(lost_how_);
  lost_at_.reset();
  queue_.push(std::move(gap), until);
}

RecorderOptions recorder_options(const CaptureOptions& options,
                                 const std::string& source,
                                 const SayLine& say) {
  RecorderOptions to;
  to.source = source;
  to.url = options.endpoint.url();
  to.request = to_json(options.request);
  to.writer = options.writer;
  to.levels = options.levels;
  to.batch_bytes = options.batch_bytes;
  to.group_bytes = options.group_bytes;
  to.rotate_size = options.rotate_size;
  to.rotate_interval = options.rotate_interval.count();
  to.flush_interval = options.flush_interval.count();
  if (options.most_events) to.most_events = *options.most_events;
  to.say = say;
  return to;
}

// A frame of the largest size fits beside the one that the writer has in hand.
std::uint64_t queue_bytes(const CaptureOptions& options) {
  return std::max(kDefaultQueueBytes, 2 * options.max_frame + kMiB);
}

std::string plural(std::uint64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

const Loss& loss_of(const std::array<Loss, kGapCauses>& losses, GapCause cause) {
  return losses[static_cast<std::size_t>(cause) - 1];
}

// " (queue full 3, oversize 1)", or nothing.
std::string lost_by_cause(const Ledger& ledger) {
  std::string out;
  for (const GapCause cause : {GapCause::QueueFull, GapCause::Disk, GapCause::Oversize}) {
    const Loss& loss = loss_of(ledger.lost, cause);
    if (loss.count == 0) continue;
    out += (out.empty() ? " (" : ", ") + std::string(gap_cause_name(cause)) + " " +
           std::to_string(loss.count);
  }
  return out.empty() ? out : out + ")";
}

// Follows the feed, with a timer and the request to stop beside it.
class NetworkLoop {
 public:
  NetworkLoop(asio::io_context& context, Subscription& subscription, const StopSignal& stop)
      : context_(context),
        subscription_(subscription),
        stop_(context, ::dup(stop.fd())),
        time_is_up_(context) {}

  void stop_after(std::chrono::nanoseconds time) {
    time_is_up_.expires_after(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(time));
    time_is_up_.async_wait([this](const boost::system::error_code& error) {
      if (!error) subscription_.stop();
    });
  }

  // Gives back what went wrong.
  std::exception_ptr run() {
    stop_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& error) {
                       if (!error) subscription_.stop();
                     });
    std::exception_ptr failure;
    asio::co_spawn(context_, subscription_.run(), [&](std::exception_ptr thrown) {
      failure = std::move(thrown);
      context_.stop();
    });
    context_.run();
    return failure;
  }

 private:
  asio::io_context& context_;
  Subscription& subscription_;
  asio::posix::stream_descriptor stop_;
  asio::steady_timer time_is_up_;
};

}  // namespace

std::string default_source_name(const Endpoint& endpoint) {
  const std::string& host = endpoint.host;
  if (!endpoint.is_loopback()) return host;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return host;
  return name.data();
}

CaptureTotals run_capture(const CaptureOptions& options,
                          const StopSignal& stop,
                          const SayLine& say) {
  const std::string source =
      options.source.empty() ? default_source_name(options.endpoint) : options.source;
  const Store store(options.store);
  const UniqueFd lock = store.lock_source(source);
  const std::optional<LastTape> last = find_last_tape(store, source);

  AllowList filter(options.request, options.honour);
  SyncThread sync(options.sync_interval);
  Recorder recorder(store,
                    sync,
                    recorder_options(options, source, say),
                    filter.needs_local_help() ? &filter : nullptr);
  const CaptureClock clock;
  EventQueue queue(queue_bytes(options));
  asio::io_context context(1);
  Subscription subscription(context, options, queue, clock, say);
  NetworkLoop network(context, subscription, stop);
  WriterThread writer(recorder, queue, clock, [&context, &subscription] {
    asio::post(context, [&subscription] { subscription.stop(); });
  });
  subscription.on_first_open = [&](std::int64_t now) {
    recorder.begin(last, now);
    writer.start();
    if (options.most_time) network.stop_after(*options.most_time);
  };

  const std::exception_ptr network_failure = network.run();
  const std::exception_ptr writer_failure = writer.join();
  if (subscription.was_open()) say(ledger_line(recorder.totals(), store.directory()));
  if (writer_failure) std::rethrow_exception(writer_failure);
  if (network_failure) std::rethrow_exception(network_failure);
  return recorder.totals();
}

std::string ledger_line(const CaptureTotals& totals, const std::filesystem::path& store) {
  const Ledger& ledger = totals.ledger;
  std::string out =
      std::to_string(ledger.received) + " received = " + std::to_string(ledger.stored) +
      " stored + " + std::to_string(ledger.not_selected) + " not selected + " +
      std::to_string(ledger.total_lost().count) + " lost" + lost_by_cause(ledger) + "; ";
  const Loss& lag = loss_of(ledger.upstream, GapCause::Lag);
  if (lag.gaps > 0) out += "lag: " + std::to_string(lag.count) + " missed upstream; ";
  const Loss& off = loss_of(ledger.upstream, GapCause::Disconnected);
  if (off.gaps > 0) out += "disconnected " + plural(off.gaps, "time") + "; ";
  return out + plural(totals.tapes, "tape") + ", " + show_size(totals.bytes) + " in " +
         store.string();
}

}  // namespace smtptape
