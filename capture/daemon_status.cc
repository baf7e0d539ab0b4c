// What the daemon says of itself.
#include <algorithm>

#include <boost/asio/post.hpp>

#include "base/counted.h"
#include "capture/daemon.h"

namespace asio = boost::asio;

namespace smtptape {

namespace {

// What arrives and what is dropped is counted where it happens, so that it is true also while
// nothing is written.
void tell_queue(const QueueFigures& queue, Now now, SourceStatus& source) {
  source.received_bytes = queue.received_bytes;
  source.queue_bytes = queue.bytes_held;
  source.ledger.received = std::max(source.ledger.received, queue.received);
  Loss& dropped = source.ledger.lost[static_cast<std::size_t>(GapCause::QueueFull) - 1];
  dropped.count = std::max(dropped.count, queue.dropped);
  dropped.gaps = std::max(dropped.gaps, queue.drops);
  source.dropping = queue.dropping;
  const auto age = [now](std::int64_t since) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(now.steady - since, 0));
  };
  if (queue.waits_since) source.waits_for = age(*queue.waits_since);
  if (queue.stalled_since) source.stalled_for = age(*queue.stalled_since);
}

}  // namespace

std::string Daemon::connected_text() const {
  const auto connected = std::count_if(sources_.begin(), sources_.end(), [](const Source& source) {
    return source.subscription->is_connected();
  });
  std::string text =
      std::to_string(connected) + " of " + counted(sources_.size(), "source") + " connected";
  for (const SourceStatus& source : status().sources) {
    SourceStatus of = source;
    of.connected = true;  // that is told already
    if (!of.is_ready()) {
      return text + "; " + (sources_.size() == 1 ? "" : of.name + ": ") + why_not_ready(of);
    }
  }
  return text;
}

void Daemon::say_of(std::size_t index, const std::string& line) const {
  say_(options_.sources.size() > 1 ? options_.sources[index].name + ": " + line : line);
}

void Daemon::tell_first_drop(std::size_t index) {
  say_of(index, "the queue is full: writing is too slow, and what comes is lost and counted");
  tell_service();
}

// On a worker, usually.
void Daemon::tell_last_drop(std::size_t index, const EventQueue::Dropped& dropped) {
  const std::int64_t seconds = (dropped.until.steady - dropped.from.steady) / kNanosPerSecond + 1;
  say_of(index,
         counted(dropped.frames, "event") + (dropped.frames == 1 ? " was" : " were") +
             " lost within " + std::to_string(seconds) +
             " s because the queue was full; recording goes on");
  asio::post(context_, [this] { tell_service(); });
}

// Armed while something waits only: a recorder that is idle does not wake.
void Daemon::watch_health() {
  if (std::exchange(watches_health_, true)) return;
  health_.expires_after(std::chrono::seconds(1));
  health_.async_wait([this](const boost::system::error_code& error) {
    watches_health_ = false;
    if (!error) look_at_health();
  });
}

void Daemon::look_at_health() {
  bool waits = false;
  const std::vector<SourceStatus> now = status().sources;
  for (std::size_t index = 0; index < now.size(); ++index) {
    waits = waits || now[index].stalled_for || now[index].dropping || !now[index].writing;
    const bool stalled = now[index].is_stalled();
    if (std::exchange(sources_[index].told_stalled, stalled) == stalled) continue;
    say_of(
        index,
        stalled ? why_not_ready(now[index]) + ": does the disk stand still?" : "writing goes on");
  }
  tell_service();
  if (waits) watch_health();
}

RecorderStatus Daemon::status() const {
  RecorderStatus status;
  status.version = options_.version;
  status.started = started_;
  const Now now = this_moment();
  status.now = now.real;
  const std::vector<RecorderReport> reports = workers_->reports();
  for (std::size_t index = 0; index < sources_.size(); ++index) {
    SourceStatus& source = status.sources.emplace_back();
    sources_[index].subscription->tell(source);
    const RecorderReport& report = reports[index];
    source.ledger = report.tapes.ledger;
    source.last_event_at = report.last_event_at;
    source.receive_delay = report.delay;
    source.open_sessions = report.open_sessions;
    source.writing = report.tapes.trouble.empty();
    source.disk_trouble = report.tapes.trouble;
    source.write_errors = report.tapes.write_errors;
    source.tape = report.tapes.tape;
    source.tape_bytes = report.tapes.tape_bytes;
    source.tapes_sealed = report.tapes.tapes_sealed;
    tell_queue(queue_.figures(index), now, source);
  }
  const KeeperReport kept = keeper_->report();
  status.store = options_.store.string();
  status.store_tapes = kept.totals.tapes;
  status.store_bytes = kept.totals.bytes;
  status.store_free_bytes = kept.free_bytes;
  status.store_wanted_free_bytes = kept.wanted_free_bytes;
  status.store_oldest = kept.totals.oldest;
  for (const auto& [reason, bytes] : kept.pruned_bytes)
    status.pruned.push_back({reason, bytes});
  status.queue_limit = queue_.most_bytes();
  status.syncs = disk_.durations();
  for (const RecorderReport& report : reports)
    status.flushes += report.tapes.flushes;
  return status;
}

CaptureTotals Daemon::totals() const {
  CaptureTotals all;
  for (const auto& recorder : recorders_) {
    all.ledger += recorder->totals().ledger;
    all.tapes += recorder->totals().tapes;
    all.bytes += recorder->totals().bytes;
  }
  return all;
}

void Daemon::tell_ledger() const {
  const bool any_open = std::any_of(sources_.begin(), sources_.end(), [](const Source& source) {
    return source.subscription->was_open();
  });
  if (!any_open && options_.at_the_end == AtTheEnd::Stop) return;
  if (sources_.size() > 1) {
    for (std::size_t index = 0; index < sources_.size(); ++index)
      say_(options_.sources[index].name + ": " +
           ledger_line(recorders_[index]->totals(), store_.directory()));
  }
  say_(ledger_line(totals(), store_.directory()));
}

}  // namespace smtptape
