#include "capture/watch/metrics.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/capture/watch/example_status.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using ::testing::Contains;
using testing::example_status;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  for (std::size_t end = 0; (end = text.find('\n', from)) != std::string::npos; from = end + 1)
    lines.push_back(text.substr(from, end - from));
  return lines;
}

TEST(Metrics, TellWhatTheStatusSays) {
  EXPECT_THAT(
      lines_of(metrics_text(example_status())),
      IsSupersetOf({
          "# HELP smtptape_events_received_total Frames that arrived, the server's lag notices "
          "included.",
          "# TYPE smtptape_events_received_total counter",
          "smtptape_events_received_total{source=\"mta1\"} 1200",
          "smtptape_received_bytes_total{source=\"mta1\"} 1234567",
          "smtptape_events_stored_total{source=\"mta1\"} 1000",
          "smtptape_events_not_selected_total{source=\"mta1\"} 150",
          "smtptape_events_lost_total{source=\"mta1\",cause=\"queue_full\"} 40",
          "smtptape_events_lost_total{source=\"mta1\",cause=\"disk\"} 0",
          "smtptape_events_lost_total{source=\"mta1\",cause=\"oversize\"} 10",
          "smtptape_events_lost_total{source=\"mta1\",cause=\"lag\"} 77",
          "smtptape_gaps_total{source=\"mta1\",cause=\"disconnected\"} 4",
          "smtptape_lag_notices_total{source=\"mta1\"} 2",
          "smtptape_connected{source=\"mta1\"} 1",
          "smtptape_reconnects_total{source=\"mta1\",reason=\"refused\"} 3",
          "smtptape_last_event_timestamp_seconds{source=\"mta1\"} 1764043199.5",
          "smtptape_queue_bytes{source=\"mta1\"} 4096",
          "smtptape_queue_age_seconds{source=\"mta1\"} 1.5",
          "smtptape_dropping{source=\"mta1\"} 0",
          "smtptape_queue_limit_bytes 67108864",
          "smtptape_open_sessions{source=\"mta1\"} 12",
          "smtptape_writing{source=\"mta1\"} 1",
          "smtptape_write_errors_total{source=\"mta1\"} 5",
          "smtptape_tapes_sealed_total{source=\"mta1\",reason=\"size\"} 1",
          "smtptape_tapes_sealed_total{source=\"mta1\",reason=\"stop\"} 4",
          "smtptape_store_bytes 10485760",
          "smtptape_store_free_bytes 104857600",
          "smtptape_store_wanted_free_bytes 10485760",
          "smtptape_store_oldest_timestamp_seconds 1763000000",
          "smtptape_pruned_bytes_total{reason=\"max-age\"} 555",
          "smtptape_start_timestamp_seconds 1764000000",
          "smtptape_build_info{version=\"smtptape 1.2.3\"} 1",
      }));
}

TEST(Metrics, HistogramsAreCumulative) {
  const auto lines = lines_of(metrics_text(example_status()));
  EXPECT_THAT(lines,
              IsSupersetOf({
                  "smtptape_receive_delay_seconds_bucket{source=\"mta1\",le=\"0.001\"} 1",
                  "smtptape_receive_delay_seconds_bucket{source=\"mta1\",le=\"0.01\"} 1",
                  "smtptape_receive_delay_seconds_bucket{source=\"mta1\",le=\"0.025\"} 2",
                  "smtptape_receive_delay_seconds_bucket{source=\"mta1\",le=\"600\"} 2",
                  "smtptape_receive_delay_seconds_bucket{source=\"mta1\",le=\"+Inf\"} 3",
                  "smtptape_receive_delay_seconds_sum{source=\"mta1\"} 700.0205",
                  "smtptape_receive_delay_seconds_count{source=\"mta1\"} 3",
                  "smtptape_flush_seconds_bucket{le=\"0.0025\"} 0",
                  "smtptape_flush_seconds_bucket{le=\"0.005\"} 1",
                  "smtptape_sync_seconds_count 1",
              }));
}

TEST(Metrics, WhatIsNotKnownIsNotThere) {
  RecorderStatus status = example_status();
  status.sources[0].last_event_at.reset();
  status.store_oldest.reset();
  const std::string text = metrics_text(status);
  EXPECT_THAT(text, Not(HasSubstr("\nsmtptape_last_event_timestamp_seconds")));
  EXPECT_THAT(text, Not(HasSubstr("\nsmtptape_store_oldest_timestamp_seconds")));
}

TEST(Metrics, LabelsAreEscapedAndAlwaysUtf8) {
  RecorderStatus status = example_status();
  status.sources[0].name = "a\"b\\c\nd\xc3\xa4";
  EXPECT_THAT(metrics_text(status),
              HasSubstr("smtptape_connected{source=\"a\\\"b\\\\c\\nd\xc3\xa4\"} 1\n"));
  status.sources[0].name = "bad\xff";
  EXPECT_THAT(metrics_text(status), HasSubstr("smtptape_connected{source=\"bad?\"} 1\n"));
}

// A family has one HELP, one TYPE, and its samples together.
TEST(Metrics, EveryFamilyStandsOnce) {
  std::set<std::string> families;
  std::string family;
  for (const std::string& line : lines_of(metrics_text(testing::troubled_status()))) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << line;
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_EQ(line.substr(7, line.find(' ', 7) - 7), family);
    } else {
      EXPECT_TRUE(line.starts_with(family)) << line;
    }
  }
  EXPECT_EQ(families.size(), metric_series().size());
}

TEST(Metrics, EveryCauseHasItsOwnLabel) {
  std::set<std::string_view> labels;
  for (std::size_t i = 1; i <= kGapCauses; ++i)
    labels.insert(metric_label(static_cast<GapCause>(i)));
  EXPECT_EQ(labels.size(), kGapCauses);
  EXPECT_EQ(labels.count(""), 0U);
}

TEST(Metrics, TheUserGuideListsEverySeriesInTheOrderOfTheTable) {
  std::vector<std::string> expected;
  for (const Series& series : metric_series()) {
    const std::string labels = series.labels.empty() ? "" : "`" + std::string(series.labels) + "`";
    expected.push_back("| `" + std::string(kMetricsPrefix) + std::string(series.name) + "` | " +
                       std::string(name_of(series.type)) + " | " + labels + " | " +
                       std::string(series.help) + " |");
  }
  std::vector<std::string> listed;
  for (const std::string& line : testing::read_lines(SMTPTAPE_SOURCE_DIR "/docs/monitoring.md")) {
    if (line.starts_with("| `smtptape_")) listed.push_back(line);
  }
  EXPECT_EQ(listed, expected);
}

}  // namespace
}  // namespace smtptape
