#include "capture/watch/metrics.h"

#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <utility>

#include "format/wire/json.h"

namespace smtptape {

namespace {

using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

constexpr std::array kCauses{GapCause::QueueFull,
                             GapCause::Disk,
                             GapCause::Oversize,
                             GapCause::Lag,
                             GapCause::Disconnected,
                             GapCause::NotRecording};
static_assert(kCauses.size() == kGapCauses);

std::string number(double value) {
  std::array<char, 352> text{};  // the largest double
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return {text.data(), end.ptr};
}

// A scraper refuses the whole page for one label that is not UTF-8.
void append_label_value(std::string& out, std::string_view value) {
  const bool good = is_utf8(value);
  for (const char c : value) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '"': out += "\\\""; break;
      case '\n': out += "\\n"; break;
      default: out.push_back(good || static_cast<unsigned char>(c) < 0x80 ? c : '?');
    }
  }
}

const Loss& loss_of(const Ledger& ledger, GapCause cause) {
  const auto& losses = is_upstream(cause) ? ledger.upstream : ledger.lost;
  return losses[static_cast<std::size_t>(cause) - 1];
}

}  // namespace

// Writes the samples of one series.
class SampleWriter {
 public:
  SampleWriter(std::string& out, const Series& series) : out_(out), series_(series) {}

  void add(Labels labels, std::uint64_t value) { sample("", labels, {}, std::to_string(value)); }
  void add(Labels labels, double value) { sample("", labels, {}, number(value)); }
  // A moment, in seconds; nothing when there is none.
  void add_time(Labels labels, const std::optional<std::int64_t>& nanos) {
    if (nanos) add(labels, static_cast<double>(*nanos / 1'000'000) / 1e3);
  }
  void add(Labels labels, const DurationHistogram& histogram) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      total += histogram.counts[i];
      const bool last = i == DurationHistogram::kUpTo.size();
      sample("_bucket",
             labels,
             last ? "+Inf" : number(DurationHistogram::kUpTo[i]),
             std::to_string(total));
    }
    sample("_sum", labels, {}, number(histogram.sum));
    sample("_count", labels, {}, std::to_string(total));
  }

 private:
  void sample(std::string_view suffix,
              Labels labels,
              std::string_view up_to,
              std::string_view value) {
    out_.append(kMetricsPrefix).append(series_.name).append(suffix);
    char before = '{';
    const auto label = [&](std::string_view name, std::string_view text) {
      out_.push_back(std::exchange(before, ','));
      out_.append(name).append("=\"");
      append_label_value(out_, text);
      out_.push_back('"');
    };
    for (const auto& [name, text] : labels)
      label(name, text);
    if (!up_to.empty()) label("le", up_to);
    if (before == ',') out_.push_back('}');
    out_.append(" ").append(value).push_back('\n');
  }

  std::string& out_;
  const Series& series_;
};

namespace {

using Status = RecorderStatus;

// One sample for each source, of what `get` takes from it.
template <auto kGet>
void for_each_source(const Status& status, SampleWriter& to) {
  for (const SourceStatus& source : status.sources)
    to.add({{"source", source.name}}, kGet(source));
}

template <auto kGet>
void for_each_cause(const Status& status, SampleWriter& to) {
  for (const SourceStatus& source : status.sources) {
    for (const GapCause cause : kCauses) {
      to.add({{"source", source.name}, {"cause", metric_label(cause)}},
             kGet(loss_of(source.ledger, cause)));
    }
  }
}

void write_reconnects(const Status& status, SampleWriter& to) {
  for (const SourceStatus& source : status.sources) {
    for (const ReconnectCount& reconnect : source.reconnects)
      to.add({{"source", source.name}, {"reason", reconnect.reason}}, reconnect.count);
  }
}

void write_last_event(const Status& status, SampleWriter& to) {
  for (const SourceStatus& source : status.sources)
    to.add_time({{"source", source.name}}, source.last_event_at);
}

void write_tapes_sealed(const Status& status, SampleWriter& to) {
  for (const SourceStatus& source : status.sources) {
    for (std::size_t i = 0; i < kSealReasons; ++i) {
      to.add({{"source", source.name}, {"reason", name_of(static_cast<SealReason>(i))}},
             source.tapes_sealed[i]);
    }
  }
}

void write_pruned(const Status& status, SampleWriter& to) {
  for (const PrunedBytes& pruned : status.pruned)
    to.add({{"reason", pruned.reason}}, pruned.bytes);
}

constexpr auto kCounter = SeriesType::Counter;
constexpr auto kGauge = SeriesType::Gauge;
constexpr auto kHistogram = SeriesType::Histogram;

// clang-format off
constexpr std::array kSeries{
    Series{"events_received_total", kCounter, "source", "Frames that arrived, the server's lag notices included.",
           for_each_source<[](const SourceStatus& s) { return s.ledger.received; }>},
    Series{"received_bytes_total", kCounter, "source", "Bytes of the frames that arrived.",
           for_each_source<[](const SourceStatus& s) { return s.received_bytes; }>},
    Series{"events_stored_total", kCounter, "source", "Frames that were written to tapes.",
           for_each_source<[](const SourceStatus& s) { return s.ledger.stored; }>},
    Series{"events_not_selected_total", kCounter, "source", "Frames that a filter on our side left out.",
           for_each_source<[](const SourceStatus& s) { return s.ledger.not_selected; }>},
    Series{"events_lost_total", kCounter, "source, cause", "Events that are missing, where it is known how many.",
           for_each_cause<[](const Loss& loss) { return loss.count; }>},
    Series{"gaps_total", kCounter, "source, cause", "Places where events are missing, also where nobody knows how many.",
           for_each_cause<[](const Loss& loss) { return loss.gaps; }>},
    Series{"lag_notices_total", kCounter, "source", "Times that the server said it dropped events for us.",
           for_each_source<[](const SourceStatus& s) { return loss_of(s.ledger, GapCause::Lag).gaps; }>},
    Series{"connected", kGauge, "source", "1: connected to the source.",
           for_each_source<[](const SourceStatus& s) { return std::uint64_t{s.connected}; }>},
    Series{"reconnects_total", kCounter, "source, reason", "Connections that ended or failed, by reason.", write_reconnects},
    Series{"last_event_timestamp_seconds", kGauge, "source", "When the newest frame arrived.", write_last_event},
    Series{"receive_delay_seconds", kHistogram, "source", "From an event's own time to its arrival.",
           for_each_source<[](const SourceStatus& s) { return s.receive_delay; }>},
    Series{"queue_bytes", kGauge, "source", "Frames that wait for the writer.",
           for_each_source<[](const SourceStatus& s) { return s.queue_bytes; }>},
    Series{"queue_age_seconds", kGauge, "source", "How long the oldest of the frames that wait has waited.",
           for_each_source<[](const SourceStatus& s) { return static_cast<double>(s.waits_for.value_or(0)) / 1e9; }>},
    Series{"dropping", kGauge, "source", "1: the queue is full, and what comes is lost.",
           for_each_source<[](const SourceStatus& s) { return std::uint64_t{s.dropping}; }>},
    Series{"queue_limit_bytes", kGauge, "", "What may wait of all sources; more is lost.",
           [](const Status& s, SampleWriter& to) { to.add({}, s.queue_limit); }},
    Series{"open_sessions", kGauge, "source", "Sessions that have begun and not ended.",
           for_each_source<[](const SourceStatus& s) { return s.open_sessions; }>},
    Series{"writing", kGauge, "source", "1: the disk takes what comes.",
           for_each_source<[](const SourceStatus& s) { return std::uint64_t{s.writing}; }>},
    Series{"write_errors_total", kCounter, "source", "Writes and syncs that failed.",
           for_each_source<[](const SourceStatus& s) { return s.write_errors; }>},
    Series{"tapes_sealed_total", kCounter, "source, reason", "Tapes that were ended, by reason.", write_tapes_sealed},
    Series{"flush_seconds", kHistogram, "", "How long it takes to write a batch.",
           [](const Status& s, SampleWriter& to) { to.add({}, s.flushes); }},
    Series{"sync_seconds", kHistogram, "", "How long the disk takes to confirm what was written.",
           [](const Status& s, SampleWriter& to) { to.add({}, s.syncs); }},
    Series{"store_bytes", kGauge, "", "Size of the store.",
           [](const Status& s, SampleWriter& to) { to.add({}, s.store_bytes); }},
    Series{"store_free_bytes", kGauge, "", "Free space of the store's file system.",
           [](const Status& s, SampleWriter& to) { to.add({}, s.store_free_bytes); }},
    Series{"store_wanted_free_bytes", kGauge, "", "Free space below which tapes are deleted, or recording pauses.",
           [](const Status& s, SampleWriter& to) { to.add({}, s.store_wanted_free_bytes); }},
    Series{"store_oldest_timestamp_seconds", kGauge, "", "When the oldest event of the store arrived.",
           [](const Status& s, SampleWriter& to) { to.add_time({}, s.store_oldest); }},
    Series{"pruned_bytes_total", kCounter, "reason", "Bytes of tapes that were deleted, by the limit that asked for it.", write_pruned},
    Series{"start_timestamp_seconds", kGauge, "", "When the recorder was started.",
           [](const Status& s, SampleWriter& to) { to.add_time({}, s.started); }},
    Series{"build_info", kGauge, "version", "Always 1.",
           [](const Status& s, SampleWriter& to) { to.add({{"version", s.version}}, std::uint64_t{1}); }},
};
// clang-format on

}  // namespace

std::string_view name_of(SeriesType type) {
  switch (type) {
    case SeriesType::Counter: return "counter";
    case SeriesType::Gauge: return "gauge";
    case SeriesType::Histogram: return "histogram";
  }
  return "";
}

std::string_view metric_label(GapCause cause) {
  switch (cause) {
    case GapCause::Lag: return "lag";
    case GapCause::Disconnected: return "disconnected";
    case GapCause::NotRecording: return "not_recording";
    case GapCause::QueueFull: return "queue_full";
    case GapCause::Disk: return "disk";
    case GapCause::Oversize: return "oversize";
  }
  return "";
}

std::span<const Series> metric_series() {
  return kSeries;
}

std::string metrics_text(const RecorderStatus& status) {
  std::string out;
  for (const Series& series : kSeries) {
    const std::string name = std::string(kMetricsPrefix) + std::string(series.name);
    out.append("# HELP ").append(name).append(" ").append(series.help).append("\n");
    out.append("# TYPE ").append(name).append(" ").append(name_of(series.type)).append("\n");
    SampleWriter samples(out, series);
    series.write(status, samples);
  }
  return out;
}

}  // namespace smtptape
