#include "cli/text/status_text.h"

#include <array>
#include <cstdio>

#include "base/counted.h"
#include "base/time_spec.h"
#include "cli/text/ledger_text.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

constexpr std::size_t kNameColumn = 14;

std::string row(std::string_view name, const std::string& value) {
  std::string line = "  " + std::string(name);
  line.resize(kNameColumn, ' ');
  return line + visible(value) + "\n";
}

// As people read it: three digits, no zeros behind the point.
std::string short_number(double value) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), value < 99.95 ? "%.3g" : "%.0f", value);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string ago(std::int64_t then, std::int64_t now) {
  constexpr double kNanos = 1e9;
  const double seconds = static_cast<double>(now - then) / kNanos;
  return show_time(then) + " (" + show_seconds(seconds) + " ago)";
}

std::string connection(const SourceStatus& source, std::int64_t now) {
  return (source.connected ? "connected to " : "NOT CONNECTED to ") + source.endpoint + " since " +
         ago(source.since, now);
}

std::string reconnects(const SourceStatus& source) {
  std::string text;
  for (const ReconnectCount& reconnect : source.reconnects) {
    text += (text.empty() ? "" : ", ") + reconnect.reason + " " + std::to_string(reconnect.count);
  }
  return text;
}

std::string disk(const SourceStatus& source) {
  std::string text = source.writing ? "takes what comes" : "NOT WRITING: " + source.disk_trouble;
  if (source.is_stalled()) {
    text = "STANDS STILL: nothing was written for " +
           show_seconds(static_cast<double>(*source.stalled_for) / 1e9);
  }
  if (source.write_errors > 0) text += "; " + counted(source.write_errors, "error") + " so far";
  return text;
}

std::string text_of(const SourceStatus& source, const RecorderStatus& status) {
  std::string out = visible(source.name) + ": " + visible(connection(source, status.now)) + "\n";
  out += row("rate",
             short_number(source.events_per_second) + " events a second, " +
                 counted(source.open_sessions, "open session"));
  out += row("ledger", text_of(source.ledger, true));
  out +=
      row("last event", source.last_event_at ? ago(*source.last_event_at, status.now) : "none yet");
  out += row("delay", show_delays(source.receive_delay));
  std::string queue = show_size(source.queue_bytes) + " of " + show_size(status.queue_limit);
  if (source.waits_for) {
    queue += ", the oldest waits for " + show_seconds(static_cast<double>(*source.waits_for) / 1e9);
  }
  out += row("queue", queue + (source.dropping ? "; FULL: what comes is lost" : ""));
  out +=
      row("tape", source.tape.empty() ? "none" : source.tape + ", " + show_size(source.tape_bytes));
  out += row("disk", disk(source));
  const std::string again = reconnects(source);
  if (!again.empty()) out += row("reconnects", again);
  if (!source.last_error.empty()) {
    out += row("last error",
               source.last_error +
                   (source.last_error_at ? ", " + ago(*source.last_error_at, status.now) : ""));
  }
  return out;
}

}  // namespace

std::string show_seconds(double seconds) {
  constexpr double kMinute = 60;
  constexpr double kHour = 60 * kMinute;
  constexpr double kDay = 24 * kHour;
  constexpr double kWhole = 2;  // of a unit, before the next is used
  if (seconds < 1) return short_number(seconds * 1000) + " ms";
  if (seconds < kWhole * kMinute) return short_number(seconds) + " s";
  if (seconds < kWhole * kHour) return short_number(seconds / kMinute) + " min";
  if (seconds < kWhole * kDay) return short_number(seconds / kHour) + " h";
  return short_number(seconds / kDay) + " days";
}

std::string show_delays(const DurationHistogram& histogram) {
  constexpr double kMost = 0.99;
  std::uint64_t total = 0;
  for (const std::uint64_t count : histogram.counts)
    total += count;
  if (total == 0) return "none yet";
  const std::string mean = ", mean " + show_seconds(histogram.sum / static_cast<double>(total));
  std::uint64_t within = 0;
  for (std::size_t i = 0; i < DurationHistogram::kUpTo.size(); ++i) {
    within += histogram.counts[i];
    if (static_cast<double>(within) >= kMost * static_cast<double>(total)) {
      return "99 % within " + show_seconds(DurationHistogram::kUpTo[i]) + mean;
    }
  }
  return "more than 1 % over " + show_seconds(DurationHistogram::kUpTo.back()) + mean;
}

std::vector<std::string> not_ready(const RecorderStatus& status) {
  std::vector<std::string> reasons;
  for (const SourceStatus& source : status.sources) {
    if (!source.is_ready()) reasons.push_back(source.name + ": " + why_not_ready(source));
  }
  return reasons;
}

std::string status_text(const RecorderStatus& status) {
  std::string out = visible(status.version) + ", running since " + ago(status.started, status.now) +
                    (status.is_ready() ? "" : ", NOT READY") + "\n";
  std::string store;
  if (status.store_tapes > 0) store = counted(status.store_tapes, "tape") + ", ";
  store += show_size(status.store_bytes) + " in " + status.store + ", " +
           show_size(status.store_free_bytes) + " free";
  if (status.store_oldest) store += ", oldest event " + ago(*status.store_oldest, status.now);
  out += row("store", store);
  out += row("writes", show_delays(status.flushes));
  out += row("syncs", show_delays(status.syncs));
  std::string pruned;
  for (const PrunedBytes& by_reason : status.pruned) {
    pruned += (pruned.empty() ? "" : ", ") + by_reason.reason + " " + show_size(by_reason.bytes);
  }
  if (!pruned.empty()) out += row("deleted", pruned);
  if (status.sources.size() > 1) {
    out += row("all sources", text_of(status.ledger(), true));
  }
  for (const SourceStatus& source : status.sources)
    out += text_of(source, status);
  return out;
}

}  // namespace smtptape
