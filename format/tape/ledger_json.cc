#include "format/tape/ledger_json.h"

#include <array>
#include <cstddef>

#include "format/wire/json_line.h"

namespace smtptape {

namespace {

using Losses = std::array<Loss, kGapCauses>;

bool read_json(JsonReader& reader, Loss& loss) {
  if (!reader.enter_object()) return false;
  std::string key;
  while (reader.next_key(key)) {
    if (key == "count") {
      static_cast<void>(reader.read_u64(loss.count));
    } else if (key == "gaps") {
      static_cast<void>(reader.read_u64(loss.gaps));
    } else if (key == "unknown") {
      static_cast<void>(reader.read_u64(loss.unknown));
    } else {
      static_cast<void>(reader.skip_value());
    }
  }
  return !reader.failed();
}

bool read_json(JsonReader& reader, Losses& losses) {
  if (!reader.enter_object()) return false;
  std::string key;
  while (reader.next_key(key)) {
    std::size_t cause = 0;
    while (cause < kGapCauses && gap_cause_name(static_cast<GapCause>(cause + 1)) != key)
      ++cause;
    if (cause < kGapCauses) {
      static_cast<void>(read_json(reader, losses[cause]));
    } else {
      static_cast<void>(reader.skip_value());
    }
  }
  return !reader.failed();
}

}  // namespace

std::string json_of(const Losses& losses) {
  JsonLine line;
  for (std::size_t i = 0; i < kGapCauses; ++i) {
    if (losses[i].gaps == 0) continue;
    JsonLine loss;
    loss.field("count", losses[i].count).field("gaps", losses[i].gaps);
    loss.field("unknown", losses[i].unknown);
    if (losses[i].count == kMostCounted) loss.truth("at_least", true);
    line.raw(gap_cause_name(static_cast<GapCause>(i + 1)), loss.object());
  }
  return line.object();
}

std::string json_of(const Ledger& ledger) {
  JsonLine line;
  line.field("received", ledger.received).field("stored", ledger.stored);
  line.field("not_selected", ledger.not_selected).raw("lost", json_of(ledger.lost));
  return line.raw("upstream", json_of(ledger.upstream)).object();
}

bool read_json(JsonReader& reader, Ledger& ledger) {
  if (!reader.enter_object()) return false;
  std::string key;
  while (reader.next_key(key)) {
    if (key == "received") {
      static_cast<void>(reader.read_u64(ledger.received));
    } else if (key == "stored") {
      static_cast<void>(reader.read_u64(ledger.stored));
    } else if (key == "not_selected") {
      static_cast<void>(reader.read_u64(ledger.not_selected));
    } else if (key == "lost") {
      static_cast<void>(read_json(reader, ledger.lost));
    } else if (key == "upstream") {
      static_cast<void>(read_json(reader, ledger.upstream));
    } else {
      static_cast<void>(reader.skip_value());
    }
  }
  return !reader.failed();
}

}  // namespace smtptape
