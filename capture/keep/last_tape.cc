#include "capture/keep/last_tape.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "format/tape/tape_reader.h"

namespace smtptape {

namespace {

LastTape read_sealed(const TapeSummary& summary) {
  LastTape last;
  last.place.tape_id = summary.header.tape_id;
  last.last_received = summary.header.clock.realtime;
  for (const GroupIndex& group : summary.footer.groups) {
    last.place.end_offset = group.offset + group.bytes;
    if (group.events == 0) continue;
    last.place.last_sequence = group.last_sequence;
    last.last_received = group.last_received;
  }
  return last;
}

std::optional<LastTape> read_unclosed(UniqueFd fd, const std::string& name) {
  FdSource source(std::move(fd), name);
  TapeReader reader(source, name);
  LastTape last;
  std::optional<std::int64_t> received;
  EventBatch batch;
  while (reader.next(batch)) {
    if (batch.events.empty()) continue;
    last.place.last_sequence = batch.events.back().sequence;
    received = batch.events.back().received;
  }
  if (!reader.header()) return std::nullopt;
  last.place.tape_id = reader.header()->tape_id;
  last.place.end_offset = reader.good_until();
  last.last_received = received.value_or(reader.header()->clock.realtime);
  return last;
}

std::optional<LastTape> read_tape(const Store::Tape& tape) {
  UniqueFd fd = open_for_reading(tape.path, Links::Refuse);
  if (const auto summary = read_summary(fd.get())) return read_sealed(*summary);
  return read_unclosed(std::move(fd), tape.path.string());
}

}  // namespace

std::optional<LastTape> find_last_tape(std::span<const Store::Tape> newest) {
  for (auto tape = newest.rbegin(); tape != newest.rend(); ++tape) {
    try {
      if (std::optional<LastTape> last = read_tape(*tape)) return last;
    } catch (const Error&) {  // no tape, or one of a newer program
    }
  }
  return std::nullopt;
}

}  // namespace smtptape
