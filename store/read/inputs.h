// Tapes, stores and standard input, read as one stream of events.
//
// Their order is that of merge.h; which captures are a row, capture_rows.h says.  A tape with
// events of several rows is read once for each, and takes part in the merge like several tapes. One
// that is read alone is in order already.
//
// Tapes are opened when they may hold the next event: a sealed one tells its first time, one that a
// recorder left open was begun when its header says.  What is missing between two of them
// (tape_row.h) comes out as a gap.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/io.h"
#include "format/event.h"
#include "format/tape/tape_info.h"
#include "store/check/tape_row.h"

namespace smtptape {
struct SealedTape;
struct PlannedReading;
class Footers;
}  // namespace smtptape

namespace smtptape {

// What a reader has to be told beside the events.
struct InputTrouble {
  std::vector<std::string> notices;  // normal: "x.tape: not sealed, …"
  std::vector<std::string> damage;   // bytes that could not be read
};

// Receive times, ns since 1970, both inclusive.
struct TimeSpan {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
// Makes `span` hold the times, too.
inline void include(std::optional<TimeSpan>& span, const TimeSpan& times) {
  if (!span) span = times;
  span->first = std::min(span->first, times.first);
  span->last = std::max(span->last, times.last);
}

// Numbers of events, both inclusive; none.
struct SequenceSpan {
  std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t last = 0;
};

inline constexpr std::string_view kStandardInput = "-";

// One tape file that was found.  `path` is "-" for standard input.
struct TapeFile {
  std::filesystem::path path;
  std::optional<TapeHeader> header;  // nullopt: unreadable; reading on may still give events
  std::vector<Origin> origins;       // where its events come from, as far as header and footer tell
  bool named = true;                 // by the user; else found in a directory
  bool mixed = false;                // may hold events of several captures
  std::uint64_t first_sequence = 0;
  std::optional<TimeSpan> received;  // of a sealed one: its events and gaps
  std::optional<TimeSpan> recorded;  // of a sealed one that a recorder wrote: from when to when
  std::optional<TimeSpan> events;    // of a sealed one: when its first event came, and its last
  bool sealed = false;
  std::optional<RowTape> row;                // when it belongs to one; of a sealed tape complete
  TapeRows::Place place_in_row = 0;          // once it is among the inputs
  std::optional<SequenceSpan> sequences;     // of a sealed one that can be read by its footer …
  std::shared_ptr<const SealedTape> footer;  // … which is kept; null: it is read again
  std::shared_ptr<const PlannedReading> reading;  // set: its footer tells what is read of it
};

// Receive times that are wanted, ns since 1970; whole tapes outside are not even opened.
struct TimeWindow {
  std::optional<std::int64_t> since;  // inclusive
  std::optional<std::int64_t> until;  // exclusive
  [[nodiscard]] bool holds(std::int64_t time) const {
    return (!since || time >= *since) && (!until || time < *until);
  }
  [[nodiscard]] bool touches(const TimeSpan& span) const {
    return (!since || span.last >= *since) && (!until || span.first < *until);
  }
  // A time that nobody knows (0) may lie inside.
  [[nodiscard]] bool touches(const Gap& gap) const {
    if (gap.from == 0 && gap.until == 0) return true;
    if (gap.from == 0) return !since || gap.until >= *since;
    if (gap.until == 0) return !until || gap.from < *until;
    const auto [first, last] = std::minmax(gap.from, gap.until);  // clocks step
    return touches(TimeSpan{first, last});
  }
  [[nodiscard]] bool is_set() const { return since || until; }
};

// The files that `arguments` name: each one, or the tapes (*.tape, no links) in a directory, by
// name. Throws Error when there is none: one line that names the argument.
struct ListedTape {
  std::filesystem::path path;
  bool named = false;  // by the user, not found in a directory
};
// Only a user's word leads through a link.
[[nodiscard]] constexpr Links links_to(bool named) {
  return named ? Links::Follow : Links::Refuse;
}
[[nodiscard]] std::vector<ListedTape> list_tapes(const std::vector<std::string>& arguments);

// The tapes that `arguments` name: files, directories of tapes, or "-".  Throws Error when there
// is nothing to read, or when a file that was named can't be read: one line that names it.  What
// only lies in a directory and is no tape is told of as damage when its turn comes.
[[nodiscard]] std::vector<TapeFile> find_tapes(const std::vector<std::string>& arguments);
// The same of tapes that were listed before.
[[nodiscard]] std::vector<TapeFile> describe_tapes(const std::vector<ListedTape>& tapes);
[[nodiscard]] std::vector<TapeFile> describe_tapes(const std::vector<ListedTape>& tapes,
                                                   Footers& footers);
// For messages.
[[nodiscard]] std::string name_of_input(const std::filesystem::path& path);
// Of a tape whose header and footer don't tell: by reading it.
void find_origins(TapeFile& tape);

// What to do at damage.
enum class Recovery : std::uint8_t {
  Skip,  // pass over it: everything whose checksum is good comes out
  Tail,  // end there: nothing comes out, of any source, that may have something missing before it
};

// What two recorders of one endpoint both have (double_filter.h).
enum class Doubles : std::uint8_t {
  LeaveOut,
  Keep,
};
// One line for a person.
[[nodiscard]] std::string text_of_doubles(std::uint64_t left_out);

class Inputs : public EventSource {
 public:
  // Tapes that certainly hold nothing of the window are left out.
  explicit Inputs(std::vector<TapeFile> tapes,
                  const TimeWindow& window = {},
                  Recovery recovery = Recovery::Skip,
                  Doubles doubles = Doubles::LeaveOut);
  ~Inputs() override;

  [[nodiscard]] bool next(EventBatch& batch) override;
  // Complete at the end.
  [[nodiscard]] const InputTrouble& trouble() const;
  // How many events another recorder of the same endpoint has, too.
  [[nodiscard]] std::uint64_t doubles() const;

  // For "-", when it has to be read twice: standard input becomes an unlinked file of mode 0600
  // with the same bytes; and back to its start (nothing happens where that can't be).
  static void spool_standard_input();
  static void rewind_standard_input();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Reads another source ahead on a thread of its own, a few batches, so that decompressing and
// what follows share the work of two cores.
class ReadAhead : public EventSource {
 public:
  explicit ReadAhead(EventSource& source);
  ~ReadAhead() override;
  // Rethrows what the source threw.
  [[nodiscard]] bool next(EventBatch& batch) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
