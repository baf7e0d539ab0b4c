// Sessions as short words, made into events.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "format/event.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"

namespace smtptape {

// Events come a millisecond apart, or when they are told to.
class ToldEvents {
 public:
  explicit ToldEvents(std::string source = "mta1") {
    origin_.source = std::move(source);
    origin_.capture.bytes[0] = 1;
  }

  // Its metadata, but for the id: members of JSON.
  std::string meta = R"("egress_pool":"pool","egress_source":"src")";
  std::string id = "a";

  // "begin", "connected", "closed", "obtained"; "C text" is written and "S text" read, CRLF behind
  // both; "I text" and "E text" are diagnostics.
  void tell(std::string_view words) {
    const std::string_view text = words.size() > 2 ? words.substr(2) : std::string_view();
    if (words == "begin") return add(R"("BeginSession")");
    if (words == "connected") return add(R"("Connected")");
    if (words == "closed") return add(R"("Closed")");
    if (words == "obtained") return add(R"("MessageObtained")");
    if (words.starts_with("C ")) return add(R"({"Write":)" + json(text, "\r\n") + "}");
    if (words.starts_with("S ")) return add(R"({"Read":)" + json(text, "\r\n") + "}");
    const std::string level = words.starts_with("E ") ? "ERROR" : "INFO";
    add(R"({"Diagnostic":{"level":")" + level + R"(","message":)" + json(text) + "}}");
  }
  template <class... Words>
  void tell(std::string_view first, Words... more) {
    tell(first);
    (tell(std::string_view(more)), ...);
  }
  // From the last event to the next one.
  void wait(std::int64_t milliseconds) { now_ += (milliseconds - 1) * 1'000'000; }

  void add(const std::string& payload) {
    now_ += 1'000'000;
    std::string frame = R"({"conn_meta":{"id":)" + json(id) + "," + meta + R"(},"payload":)" +
                        payload + R"(,"when":")";
    append_wire_time(frame, from_unix_nanos(now_));
    add_frame(frame + "\"}");
  }
  void add_frame(const std::string& frame) {
    Event& event = decoder_.decode(batch_.arena.copy(frame), Opcode::Text, batch_);
    event.sequence = ++sequence_;
    event.received = now_;
    event.origin = &origin_;
  }
  Event& last() { return batch_.events.back(); }
  void add_gap() {
    Gap gap;
    gap.cause = GapCause::Lag;
    gap.count = 7;
    gap.after_sequence = sequence_++;
    gap.origin = &origin_;
    batch_.gaps.push_back(gap);
  }

  EventBatch& batch() { return batch_; }
  static constexpr std::int64_t kStart = 1'785'877'200'000'000'000;  // 2026-08-04T21:00:00Z

 private:
  static std::string json(std::string_view text, std::string_view end = {}) {
    std::string out;
    append_json_string(out, std::string(text).append(end));
    return out;
  }

  Origin origin_;
  WireDecoder decoder_;
  EventBatch batch_;
  std::uint64_t sequence_ = 0;
  std::int64_t now_ = kStart - 1'000'000;
};

}  // namespace smtptape
