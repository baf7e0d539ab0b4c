// Which whole tapes of a store to delete.  Pure: takes what lies there, the limits and the time,
// and gives a plan; store/keep/prune.h lists and deletes.
//
// The limits are about all sources of the store together; the oldest tape goes first.  Of one
// source no tape goes before one with a smaller number, so that no hole appears between two.  A
// tape that is being written never goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

// Why a file must stay, whatever the limits say.
enum class Hold : std::uint8_t {
  None,
  Live,     // somebody writes it
  Newest,   // of a source that is being written: the next tape names it
  Unknown,  // it can't be opened, so nobody can tell whether it is live
};

// A file of ours in a store.
struct StoredFile {
  enum class Kind : std::uint8_t {
    Tape,
    Leftover,  // of a copy that was never finished: nobody writes it any more
  };
  Kind kind = Kind::Tape;
  std::filesystem::path path;
  std::string source;  // as it stands in file names
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;             // its size
  std::uint64_t gives_back = 0;        // what the file system gains by its end
  std::optional<std::int64_t> begins;  // by its content or its name, ns since 1970
  std::optional<std::int64_t> time;    // when it ends, by its content
  Hold hold = Hold::None;
  bool read = false;  // somebody has it open; that stops nothing
};

// How much of a file system must stay free.
struct KeepFree {
  std::uint64_t bytes = 0;
  std::optional<unsigned> percent;  // instead of bytes
  bool operator==(const KeepFree&) const = default;
};
inline constexpr unsigned kDefaultKeepFreePercent = 10;
// "10%", or a size.  Throws UsageError that names `option`.
[[nodiscard]] KeepFree parse_keep_free(std::string_view text, std::string_view option);

struct RetentionLimits {
  std::optional<std::uint64_t> max_bytes;
  std::optional<std::chrono::nanoseconds> max_age;
  std::optional<std::uint64_t> max_tapes;
  std::optional<KeepFree> keep_free;
  // Keep-free deletes nothing younger: somebody else who fills the disk must not cost the night.
  std::chrono::nanoseconds keep_at_least = std::chrono::hours(24);

  [[nodiscard]] bool any() const { return max_bytes || max_age || max_tapes || keep_free; }
};

// Of the file system that the store lies on.
struct Space {
  std::uint64_t total = 0;
  std::uint64_t free = 0;  // for us: without what is kept for root
};

// The bytes that keep-free wants free; 0 without it.
[[nodiscard]] std::uint64_t wanted_free(const RetentionLimits& limits, const Space& space);

// The limit that a deletion or a complaint is about.
enum class Reason : std::uint8_t {
  None,
  Leftover,
  MaxAge,
  MaxTapes,
  MaxBytes,
  KeepFree,
  OnFull,  // there was no room, and nothing that may go by the limits
};
inline constexpr std::size_t kReasons = 7;
[[nodiscard]] std::string_view name_of(Reason reason);  // "max-age"

// What counts for one tape when those before it, the older ones, are decided.
struct Situation {
  bool held = false;
  bool over_age = false;
  bool over_tapes = false;  // the tapes that are left are too many
  bool over_bytes = false;  // …, or too large
  bool short_of_space = false;
  bool gives_nothing = false;  // back to the file system: it has another name, too
  bool young = false;          // younger than keep-at-least
};

// held  age  tapes  bytes  space  nothing  young | reason to delete it
// yes   any  any    any    any    any      any   | -
// no    yes  any    any    any    any      any   | max-age
// no    no   yes    any    any    any      any   | max-tapes
// no    no   no     yes    any    any      any   | max-bytes
// no    no   no     no     yes    no       no    | keep-free
// no    no   no     no     yes    yes      any   | -
// no    no   no     no     yes    no       yes   | -
// no    no   no     no     no     any      any   | -
[[nodiscard]] constexpr Reason decide(const Situation& is) {
  if (is.held) return Reason::None;
  if (is.over_age) return Reason::MaxAge;
  if (is.over_tapes) return Reason::MaxTapes;
  if (is.over_bytes) return Reason::MaxBytes;
  if (is.short_of_space && !is.gives_nothing && !is.young) return Reason::KeepFree;
  return Reason::None;
}

struct Deletion {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  std::int64_t age = 0;  // ns
  Reason reason = Reason::None;
  bool read = false;
};

// A limit that is still exceeded when everything that may go has gone.
struct Unmet {
  Reason limit = Reason::None;
  std::uint64_t over = 0;   // bytes, or tapes
  std::uint64_t held = 0;   // tapes that stay because of their Hold
  std::uint64_t young = 0;  // tapes that stay because they are younger than keep-at-least
  bool operator==(const Unmet&) const = default;
};

struct StoreTotals {
  std::uint64_t tapes = 0;
  std::uint64_t bytes = 0;             // of tapes and leftovers
  std::optional<std::int64_t> oldest;  // the earliest beginning of a tape

  void add_beginning(const StoredFile& tape) {
    const auto begins = tape.begins ? tape.begins : tape.time;
    if (begins && (!oldest || *begins < *oldest)) oldest = begins;
  }
};

struct RetentionPlan {
  std::vector<Deletion> deletions;  // in the order in which to do them
  std::vector<Unmet> unmet;
  StoreTotals before;
  StoreTotals after;
};

[[nodiscard]] RetentionPlan plan_retention(std::vector<StoredFile> files,
                                           const RetentionLimits& limits,
                                           const Space& space,
                                           std::int64_t now);

// "max-bytes: still over by 12.0 MiB; 1 tape in use must stay"
[[nodiscard]] std::string text_of(const Unmet& unmet);
// "13d4h", "59m", "7s"
[[nodiscard]] std::string show_age(std::int64_t nanos);

}  // namespace smtptape
