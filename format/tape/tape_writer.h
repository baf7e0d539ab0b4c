// Writes one tape: header, groups of batches, an index behind each group, footer.
//
// Spec: docs/format.md.  Everything goes to the sink in order, nothing written is ever patched; a
// tape without its end can be read to its last whole batch.  One thread at a time.  A tape of two
// frames a group is encoded on threads of the writer's own, and the sink is written by one of them
// until seal() or end_group() has returned.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/io.h"
#include "format/event.h"
#include "format/limits.h"
#include "format/tape/tape_info.h"
#include "format/tape/tape_options.h"

namespace smtptape {

// What the sink has taken in whole batches: that much can be read, whatever happens later.
// (Recording only; in the two-frame layout nothing can be read before its group has ended.)
struct FlushedPart {
  std::uint64_t events = 0;
  std::uint64_t gaps = 0;
  std::uint64_t last_sequence = 0;  // of its last event
  std::uint64_t end_offset = 0;
};

class TapeWriter {
 public:
  // Writes the header at once.  `sink` outlives the writer.
  TapeWriter(ByteSink& sink, TapeHeader header, TapeOptions options);
  ~TapeWriter();
  TapeWriter(const TapeWriter&) = delete;
  TapeWriter& operator=(const TapeWriter&) = delete;

  // Copies what it needs.  Events come in the order of reception; one without an origin is of the
  // header's.
  void add(const Event& event);
  void add(const Gap& gap);
  void add(const Note& note);
  void add(const ClockReading& clock);
  // What a batch of another tape holds beside its events; gaps are counted in `ledger`.
  void add_beside_events(const EventBatch& batch, Ledger& ledger);

  // Ends the batch: what was added so far can be read from the sink after a crash of this program.
  // (Recording only; in the two-frame layout a group is readable when it has ended.)
  void flush();
  // Ends the group, so that the next one can be read without it.
  void end_group();
  // Writes the footer.  `ledger.stored` is counted here.
  void seal(Ledger ledger, std::int64_t now);

  [[nodiscard]] const TapeHeader& header() const;
  // With two frames a group: when the sink may be read.
  [[nodiscard]] std::uint64_t bytes_written() const;
  [[nodiscard]] std::uint64_t events_written() const;
  [[nodiscard]] bool has_unflushed() const;
  // Stays true when a write has thrown.
  [[nodiscard]] const FlushedPart& flushed() const;
  [[nodiscard]] const std::vector<GroupIndex>& groups()
      const;  // ended ones, without rows; likewise

 private:
  class File;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
