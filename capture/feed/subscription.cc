#include "capture/feed/subscription.h"

#include <algorithm>
#include <random>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.h"
#include "base/time_spec.h"

namespace smtptape {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t kSlow = kNanosPerSecond;

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

// Was anything lost when the feed ended so?
bool ended_well(const FeedEnd& end) {
  if (end.mid_message) return false;
  return end.kind == FeedEnd::Kind::Stopped || end.kind == FeedEnd::Kind::Closed ||
         end.kind == FeedEnd::Kind::CloseFrame;
}

double chance() {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace

void RateMeter::add(std::uint64_t events, Now now) {
  const std::int64_t second = now.steady / kNanosPerSecond;
  const auto slot = static_cast<std::size_t>(second % (kSeconds + 1));
  if (seconds_[slot] != second) {
    seconds_[slot] = second;
    counts_[slot] = 0;
  }
  counts_[slot] += events;
}

double RateMeter::per_second(Now now) const {
  const std::int64_t second = now.steady / kNanosPerSecond;
  std::uint64_t events = 0;
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    if (seconds_[slot] < second && seconds_[slot] >= second - kSeconds) events += counts_[slot];
  }
  return static_cast<double>(events) / static_cast<double>(kSeconds);
}

Subscription::Subscription(asio::io_context& context,
                           const CaptureOptions& options,
                           std::size_t index,
                           EventQueue& queue)
    : context_(context),
      options_(options),
      index_(index),
      queue_(queue),
      pause_(context),
      policy_(options.shortest_pause, options.longest_pause),
      since_(this_moment()) {
}

FeedOptions Subscription::feed_options() const {
  FeedOptions feed;
  feed.endpoint = source().endpoint;
  feed.access = source().access;
  feed.request = to_json(source().request);
  feed.max_frame = options_.max_frame;
  feed.connect_within = options_.connect_within;
  return feed;
}

// What this machine lacks now, descriptors or threads, it may have again at the next attempt.
asio::awaitable<FeedEnd> Subscription::follow() {
  FeedEnd end;
  try {
    client_.emplace(context_.get_executor(), feed_options());
    end = co_await client_->run(*this);
  } catch (const std::exception& error) {
    end.kind = connected_ ? FeedEnd::Kind::Reset : FeedEnd::Kind::Unreachable;
    end.opened = connected_;
    end.reason = error.what();
  }
  client_.reset();  // and with it what it held of a message, before a pause that may be long
  co_return end;
}

asio::awaitable<void> Subscription::run() {
  std::string broken;
  while (!stopped_) {
    const FeedEnd end = co_await follow();
    if (end.kind == FeedEnd::Kind::Stopped || stopped_) break;
    const bool goes_on = options_.at_the_end == AtTheEnd::TryAgain;
    if (!was_open_ && !goes_on) throw Error(describe(end, source().endpoint));
    const std::chrono::nanoseconds lived(connected_ ? this_moment().steady - since_.steady : 0);
    note_end(end);
    if (!goes_on) {
      if (!ended_well(end)) broken = last_error_;
      break;
    }
    co_await pause(lived);
  }
  const Now now = this_moment();
  if (!was_open_ && !lost_at_) note_slow_connection(now);
  if (lost_at_) push_disconnected(now);
  connected_ = false;
  if (!broken.empty()) throw Error("the feed was not recorded to its end: " + broken);
}

asio::awaitable<void> Subscription::pause(std::chrono::nanoseconds lived) {
  pause_.expires_after(policy_.pause_after(lived, chance()));
  auto [cancelled] = co_await pause_.async_wait(kNoThrow);
  static_cast<void>(cancelled);  // then stopped_ says why
}

void Subscription::stop() {
  stopped_ = true;
  if (client_) client_->stop();
  pause_.cancel();
}

void Subscription::tell_outage() {
  const Now now = this_moment();
  if (!was_open_ && !lost_at_) note_slow_connection(now);
  if (!lost_at_) return;
  const std::string how = lost_how_;
  push_disconnected(now);
  lost_at_ = now.real;
  lost_how_ = how;
}

FrameSink::Flow Subscription::on_frames(std::span<const WsMessage> frames) {
  if (stopped_) return Flow::Stop;
  const Now now = this_moment();
  give_back();  // what was put together goes into the queue, or is skipped
  queue_.push(index_, frames, arriving(now));
  rate_.add(events_among(frames), now);
  heard_ = now;
  if (hooks_.on_frames) hooks_.on_frames();
  return Flow::Continue;
}

bool Subscription::may_take(std::uint64_t more) {
  if (!queue_.reserve(index_, more)) return false;
  reserved_ += more;
  return true;
}

void Subscription::give_back() {
  if (reserved_ > 0) queue_.release(index_, std::exchange(reserved_, 0));
}

void Subscription::on_open() {
  const Now now = this_moment();
  const bool first = !std::exchange(was_open_, true);
  if (first && !lost_at_) note_slow_connection(now);
  connected_ = true;
  since_ = heard_ = now;
  if (first && hooks_.on_first_open) hooks_.on_first_open(now);
  if (lost_at_) push_disconnected(now);
  if (first) {
    say("connected to " + source().endpoint.target);
  } else {
    say("connected to " + source().endpoint.target + " again");
  }
  if (hooks_.on_change) hooks_.on_change();
}

// An orderly end of the feed that was waited for loses nothing.
void Subscription::note_end(const FeedEnd& end) {
  give_back();
  const Now now = this_moment();
  const bool goes_on = options_.at_the_end == AtTheEnd::TryAgain;
  const bool was_connected = std::exchange(connected_, false);
  if (!goes_on && ended_well(end)) return;
  std::string how = describe(end, source().endpoint);
  if (!end.expected_fingerprint.empty()) {
    how += "; nothing is recorded since " + show_time(lost_at_.value_or(since_.real));
  }
  ++reconnects_[reason_word(end)];
  const bool new_trouble = how != last_error_ || was_connected;
  last_error_ = how;
  last_error_at_ = now.real;
  if (new_trouble) say(how + (goes_on ? "; trying again" : ""));
  if (was_connected) {
    since_ = now;
    if (hooks_.on_change) hooks_.on_change();
  }
  if (lost_at_) return;
  lost_at_ = was_connected ? time_of_end(end, heard_, now) : since_.real;
  lost_how_ = std::move(how);
}

// The first attempt, when it neither failed nor was quick: nothing was recorded meanwhile.
void Subscription::note_slow_connection(Now now) {
  if (options_.at_the_end == AtTheEnd::Stop || now.steady - since_.steady < kSlow) return;
  lost_at_ = since_.real;
  lost_how_ = "connecting to " + source().endpoint.target + ": no answer yet";
}

void Subscription::push_disconnected(Now until) {
  Gap gap;
  gap.cause = GapCause::Disconnected;
  gap.from = *lost_at_;
  gap.until = until.real;
  gap.detail = std::move(lost_how_);
  lost_at_.reset();
  queue_.push(index_, std::move(gap), arriving(until));
}

std::size_t Subscription::bytes_held() const {
  return client_ ? client_->bytes_held() : 0;
}

void Subscription::tell(SourceStatus& status) const {
  status.name = source().name;
  status.endpoint = source().endpoint.target;
  status.connected = connected_;
  status.since = since_.real;
  status.last_error = last_error_;
  status.last_error_at = last_error_at_;
  for (const auto& [reason, count] : reconnects_)
    status.reconnects.push_back({reason, count});
  status.events_per_second = rate_.per_second(this_moment());
}

void Subscription::say(const std::string& line) const {
  if (!hooks_.say) return;
  hooks_.say(options_.sources.size() > 1 ? source().name + ": " + line : line);
}

}  // namespace smtptape
