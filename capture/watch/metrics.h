// What a running recorder tells to Prometheus: the text format 0.0.4, made from one table.
//
// No label holds anything that was recorded: only the source, a cause, a reason, our version.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "capture/watch/status.h"

namespace smtptape {

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

enum class SeriesType : std::uint8_t { Counter, Gauge, Histogram };
[[nodiscard]] std::string_view name_of(SeriesType type);  // "counter"

class SampleWriter;

// A row of the table.
struct Series {
  std::string_view name;  // without "smtptape_"
  SeriesType type = SeriesType::Gauge;
  std::string_view labels;  // "source, cause"
  std::string_view help;
  void (*write)(const RecorderStatus& status, SampleWriter& samples) = nullptr;
};
inline constexpr std::string_view kMetricsPrefix = "smtptape_";
[[nodiscard]] std::span<const Series> metric_series();

[[nodiscard]] std::string metrics_text(const RecorderStatus& status);

// The label of a cause: "queue_full".
[[nodiscard]] std::string_view metric_label(GapCause cause);

}  // namespace smtptape
