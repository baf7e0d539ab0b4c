// A dialogue put through CaptureLevels, event by event.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "filters/event_levels.h"
#include "format/event.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"

namespace smtptape {

// A frame of session `id`; `text` goes into kinds that have one.
inline std::string dialogue_frame(std::string_view id,
                                  std::string_view tag,
                                  std::string_view text,
                                  std::uint64_t length = 0) {
  std::string payload = "\"" + std::string(tag) + "\"";
  std::string json;
  append_json_string(json, text);
  if (tag == "Read" || tag == "Write") payload = "{" + payload + ":" + json + "}";
  if (tag == "Diagnostic") payload = R"({"Diagnostic":{"level":"ERROR","message":)" + json + "}}";
  if (tag == "AbbreviatedWrite") {
    payload =
        R"({"AbbreviatedWrite":{"snippet":)" + json + ",\"len\":" + std::to_string(length) + "}}";
  }
  return R"({"conn_meta":{"id":")" + std::string(id) + R"("},"payload":)" + payload +
         R"(,"when":"2026-08-04T13:54:50.123Z"})";
}

class AppliedLevels {
 public:
  explicit AppliedLevels(Levels levels, std::size_t most = CaptureLevels::kMostConnections)
      : levels_(levels, most) {}

  // What becomes of the frame; valid until the next call.
  const Event& take(const std::string& frame, Opcode opcode = Opcode::Text) {
    batch_.clear();
    frame_ = frame;
    Event& event = decoder_.decode(frame_, opcode, batch_);
    levels_.apply(event, batch_);
    return event;
  }
  std::string text(std::string_view id, std::string_view tag, std::string_view text) {
    return std::string(take(dialogue_frame(id, tag, text)).text);
  }
  // Of the session A.
  std::string write(std::string_view text) { return this->text("A", "Write", text); }
  std::string read(std::string_view text) { return this->text("A", "Read", text); }
  void happens(std::string_view tag) { take(dialogue_frame("A", tag, {})); }

  CaptureLevels& levels() { return levels_; }

 private:
  CaptureLevels levels_;
  WireDecoder decoder_;
  EventBatch batch_;
  std::string frame_;
};

}  // namespace smtptape
