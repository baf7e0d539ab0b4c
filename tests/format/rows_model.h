// Random events whose every property is known, and what the index of their groups must say.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "format/event.h"
#include "format/tape/session_rows.h"

namespace smtptape::testing {

inline const std::vector<std::string> kModelKeys = {"recipient", "tenant", "source_address"};

// What one event's metadata holds of one key.
struct ModelValue {
  bool present = false;
  std::string json;
  bool is_list = false;
  std::vector<std::string> texts;  // JSON, of a text or of a list
};

struct ModelEvent {
  EventKind kind = EventKind::Diagnostic;
  std::string text;
  std::uint64_t trimmed_to = 0;  // of a Write: the text as received was so much longer
  std::optional<std::string> session;
  std::map<std::string, ModelValue> values;
  std::optional<std::string> message_id;
  std::uint64_t sequence = 0;
  std::int64_t received = 0;
  std::size_t group = 0;
  // What it adds to its session: replies that decide, by class.
  std::array<std::uint32_t, 6> decides{};
  std::uint16_t reply = 0;  // the last one that ends in it
  std::uint16_t worst = 0;
};

struct ModelGap {
  std::uint64_t after = 0;
  std::size_t group = 0;
  std::size_t told_before = 0;  // place among the events
};

struct ModelTape {
  std::vector<ModelEvent> events;
  std::vector<ModelGap> gaps;
  std::size_t groups = 1;
};

// The same for the same seed.
[[nodiscard]] ModelTape random_model(unsigned seed);
// As the server would have sent it.
[[nodiscard]] std::string frame_of(const ModelEvent& event);

}  // namespace smtptape::testing
