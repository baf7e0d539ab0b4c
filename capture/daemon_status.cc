// What the daemon says of itself.
#include <algorithm>

#include "capture/daemon.h"

namespace smtptape {

std::string Daemon::connected_text() const {
  const auto connected = std::count_if(sources_.begin(), sources_.end(), [](const Source& source) {
    return source.subscription->is_connected();
  });
  std::string text = std::to_string(connected) + " of " + std::to_string(sources_.size()) +
                     (sources_.size() == 1 ? " source" : " sources") + " connected";
  for (const RecorderReport& report : writer_->reports()) {
    if (!report.trouble.empty()) return text + "; " + report.trouble;
  }
  return text;
}

RecorderStatus Daemon::status() const {
  RecorderStatus status;
  status.version = options_.version;
  status.started = started_;
  status.now = this_moment().real;
  const std::vector<RecorderReport> reports = writer_->reports();
  for (std::size_t index = 0; index < sources_.size(); ++index) {
    SourceStatus& source = status.sources.emplace_back();
    sources_[index].subscription->tell(source);
    const RecorderReport& report = reports[index];
    source.ledger = report.ledger;
    source.received_bytes = report.bytes;
    source.last_event_at = report.last_event_at;
    source.receive_delay = report.delay;
    source.open_sessions = report.open_sessions;
    source.writing = report.trouble.empty();
    source.disk_trouble = report.trouble;
    source.write_errors = report.write_errors;
    source.tape = report.tape;
    source.tape_bytes = report.tape_bytes;
    source.tapes_sealed = report.tapes_sealed;
  }
  const KeeperReport kept = keeper_->report();
  status.store = options_.store.string();
  status.store_tapes = kept.totals.tapes;
  status.store_bytes = kept.totals.bytes;
  status.store_free_bytes = kept.free_bytes;
  status.store_oldest = kept.totals.oldest;
  for (const auto& [reason, bytes] : kept.pruned_bytes)
    status.pruned.push_back({reason, bytes});
  status.queue_limit = queue_.most_bytes();
  status.syncs = sync_.durations();
  for (const RecorderReport& report : reports)
    status.flushes += report.flushes;
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
