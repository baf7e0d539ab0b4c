// Small feeds of one session, and what is printed of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "format/wire/json.h"
#include "replay/renderer.h"
#include "tests/replay/transcript.h"

namespace smtptape {

inline constexpr std::string_view kA = R"({"id":"A"})";

// A line of a feed; `time` is the time of day.
inline std::string frame(std::string_view meta, std::string_view payload, std::string_view time) {
  return std::string(R"({"conn_meta":)")
      .append(meta)
      .append(R"(,"payload":)")
      .append(payload)
      .append(R"(,"when":"2026-08-04T)")
      .append(time)
      .append("Z\"}\n");
}

inline std::string text_payload(std::string_view tag, std::string_view text) {
  std::string json = "{\"" + std::string(tag) + "\":";
  append_json_string(json, text);
  return json + "}";
}

inline std::string begin(std::string_view meta = kA, std::string_view time = "10:00:00") {
  return frame(meta, "\"BeginSession\"", time);
}

inline std::string connected(std::string_view meta, std::string_view time) {
  return frame(meta, "\"Connected\"", time);
}

inline std::string closed(std::string_view meta, std::string_view time) {
  return frame(meta, "\"Closed\"", time);
}

inline std::string lag_notice(std::string_view time) {
  return frame(
      "null",
      R"({"Diagnostic":{"level":"ERROR","message":"Tracer Lagged behind and missed 5 events"}})",
      time);
}

inline RenderOptions as_live() {
  RenderOptions options;
  options.behaviour = Behaviour::AsLive;
  return options;
}

inline RenderOptions only_new() {
  RenderOptions options;
  options.only_new = true;
  return options;
}

inline RenderOptions only_one() {
  RenderOptions options;
  options.only_one = true;
  return options;
}

inline RenderOptions terse() {
  RenderOptions options;
  options.terse = true;
  return options;
}

inline RenderOptions colored() {
  RenderOptions options;
  options.color = true;
  return options;
}

inline std::string text_of(const std::string& feed, const RenderOptions& options = {}) {
  return render_feed(feed, options).text;
}

// The lines that `payload` adds to a session already shown, without "[A]   1s ".
inline std::vector<std::string> lines_of(std::string_view payload,
                                         const RenderOptions& options = {}) {
  const std::string before = text_of(begin(), options);
  const std::string text = text_of(begin() + frame(kA, payload, "10:00:01"), options);
  std::vector<std::string> lines;
  const std::string added = text.substr(before.size());
  for (const std::string_view line : split_lines(added)) {
    constexpr std::string_view kPrefix = "[A]    1s ";
    EXPECT_TRUE(line.starts_with(kPrefix)) << line;
    lines.emplace_back(line.substr(kPrefix.size()));
  }
  return lines;
}

}  // namespace smtptape
