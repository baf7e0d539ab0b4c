// Reads a tape from front to back, whatever state it is in.
//
// Sealed, still being written, cut anywhere or damaged: one path.  Everything whose checksum is
// good comes out in order; what is not is skipped up to the next group and reported.  The source
// is read once, forwards: a pipe will do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/io.h"
#include "format/event.h"
#include "format/tape/tape_info.h"

namespace smtptape {

// A place in a tape that could not be read.
struct Damage {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // that were skipped
  std::string what;
  std::optional<std::uint64_t> events_lost;  // where the group's index tells
};

enum class TapeEnd : std::uint8_t {
  Sealed,    // footer read
  Unclosed,  // ends between two batches: still being written, or its writer died
  Torn,      // ends inside a batch
};

enum class Checksums : std::uint8_t {
  Compare,
  Ignore,  // only to measure what comparing costs
};

class TapeReader : public EventSource {
 public:
  // `name` is for messages; `source` outlives the reader.
  TapeReader(ByteSource& source, std::string name, Checksums checksums = Checksums::Compare);
  // Of a tape whose footer was read: from where a group is said to begin, to the source's end.
  struct Start {
    Id128 tape_id;
    std::uint64_t offset = 0;  // of the source's first byte in the tape
    std::uint32_t group = 0;   // the number of the one that begins there
  };
  TapeReader(ByteSource& source, std::string name, const Start& start);
  ~TapeReader() override;

  // Throws Error when this is no tape, or one that needs a newer program.
  [[nodiscard]] bool next(EventBatch& batch) override;

  // Known from the first next() on; empty when the header was damaged.
  [[nodiscard]] const std::optional<TapeHeader>& header() const;
  // Of the groups passed so far, rows included for the latest only.
  [[nodiscard]] const std::vector<GroupIndex>& indexes() const;
  // Known at the end.
  [[nodiscard]] const std::optional<TapeFooter>& footer() const;
  [[nodiscard]] TapeEnd end() const;
  // Where the last whole batch ended.
  [[nodiscard]] std::uint64_t good_until() const;
  [[nodiscard]] const std::vector<Damage>& damage() const;
  [[nodiscard]] const std::string& name() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The footer of a sealed tape and its header, without reading what lies between; nullopt when the
// tape is not sealed (or its end is damaged).  `fd` must be seekable.
struct TapeSummary {
  TapeHeader header;
  TapeFooter footer;
  std::uint64_t file_bytes = 0;
  std::uint64_t header_bytes = 0;
  std::uint64_t footer_offset = 0;
};
[[nodiscard]] std::optional<TapeSummary> read_summary(int fd);
// The index of a group, with its rows, of a tape that is open; nullopt when it is damaged or not
// the one that the footer tells of.
[[nodiscard]] std::optional<GroupIndex> read_index(int fd,
                                                   const Id128& tape,
                                                   const GroupIndex& of_footer);
// Whether that index is there, up to where the next group begins.
[[nodiscard]] bool is_index_whole(int fd,
                                  const Id128& tape,
                                  const GroupIndex& of_footer,
                                  std::uint64_t end);
// The header alone.
[[nodiscard]] std::optional<TapeHeader> read_header(int fd);

// Where the last whole group of a tape without a footer ends, found from the tape's end.
struct TapeTail {
  TapeHeader header;
  std::uint64_t header_bytes = 0;
  std::optional<GroupIndex> last_group;  // of those that have ended; nothing: none has
  std::uint64_t offset = 0;              // behind it, or behind the header: a group may begin here
};
// nullopt when it can't be told so: then the tape has to be read from its beginning.
[[nodiscard]] std::optional<TapeTail> read_tail(int fd);

}  // namespace smtptape
