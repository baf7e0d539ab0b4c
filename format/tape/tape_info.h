// What a tape says about itself: header, group indexes, footer, as plain values.
// The fields mean what format/tape/tape.capnp says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/counted.h"
#include "format/event.h"

namespace smtptape {

inline constexpr std::size_t kGapCauses = 6;
[[nodiscard]] std::string_view gap_cause_name(GapCause cause);

enum class Layout : std::uint16_t {
  Interleaved = 0,  // recording: a batch is complete when it is flushed
  TwoFrames = 1,    // files written at once: a search decompresses columns only
};

// Frames that were lost, by cause.
struct Loss {
  std::uint64_t count = 0;
  std::uint64_t gaps = 0;
  std::uint64_t unknown = 0;  // gaps among them whose count nobody knows

  // "4711"; "at least …" where it was too much to be counted.
  [[nodiscard]] std::string count_text() const;
  bool operator==(const Loss&) const = default;
};

// received = stored + not_selected + lost here; what never reached us stands beside it.
struct Ledger {
  std::uint64_t received = 0;
  std::uint64_t stored = 0;
  std::uint64_t not_selected = 0;
  std::array<Loss, kGapCauses> lost{};      // queue, disk, oversize
  std::array<Loss, kGapCauses> upstream{};  // lag, disconnected, not recording

  void add(const Gap& gap);
  // The same, and what it cost us as received.
  void count(const Gap& gap);
  Ledger& operator+=(const Ledger& other);
  Ledger& operator-=(const Ledger& other);  // a part of it
  [[nodiscard]] Loss total_lost() const;
  [[nodiscard]] bool balances() const;
  bool operator==(const Ledger&) const = default;
};

// Of a gap's cause: does it count against what was received, or did it never reach us?
[[nodiscard]] bool is_upstream(GapCause cause);

struct FlagWords {
  std::uint64_t incompatible = 0;  // an unknown bit: refuse
  std::uint64_t compatible = 0;    // an unknown bit: read on
};

// The incompatible flags that we know: `order` of a payload may be set.
inline constexpr std::uint64_t kPayloadOrderFlag = 1;
inline constexpr std::uint64_t kKnownIncompatible = kPayloadOrderFlag;

struct Predecessor {
  Id128 tape_id;
  std::uint64_t last_sequence = 0;
  std::uint64_t end_offset = 0;
};

struct TapeHeader {
  Id128 tape_id;
  FlagWords flags;
  Origin origin;
  Layout layout = Layout::Interleaved;
  std::optional<Predecessor> predecessor;
  std::optional<Id128> copy_of;
  std::string boot_id;
  std::string writer;
  std::string url;
  std::string request;
  ClockReading clock;
  std::uint64_t first_sequence = 0;
};

// A value that is a text, or a text in a list: `json` is the text's.
struct SummaryValue {
  std::string json;
  bool in_list = false;
  auto operator<=>(const SummaryValue&) const = default;
};

struct PropertySummary {
  std::string key;
  bool absent = false;
  bool incomparable = false;
  bool lists = false;
  bool complete = true;
  std::vector<SummaryValue> values;  // ascending
  std::string filter;

  // False: no event of the group holds this text (`in_list`: as an element of a list).
  [[nodiscard]] bool may_hold(std::string_view json, bool in_list) const;
};

struct GroupIndex {
  std::uint32_t number = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;
  std::uint64_t column_bytes = 0;
  std::uint64_t events = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::int64_t first_received = 0;
  std::int64_t last_received = 0;
  std::int64_t first_when = 0;
  std::int64_t last_when = 0;
  std::uint64_t wire_bytes = 0;
  std::uint64_t verbatim = 0;
  std::uint64_t unknown = 0;
  std::uint64_t metas = 0;
  std::uint64_t sessions = 0;
  std::uint64_t gap_count = 0;
  std::uint64_t trimmed = 0;
  std::uint64_t masked = 0;
  std::uint64_t column_raw_bytes = 0;  // 0: not known
  std::uint64_t payload_raw_bytes = 0;
  std::vector<Gap> gaps;  // without origins; in a footer perhaps not all
  std::vector<Origin> origins;
  std::vector<PropertySummary> summaries;
  std::string rows;  // compressed; session_rows.h reads them
  std::uint64_t rows_bytes = 0;
  std::uint16_t index_version = 0;  // below kIndexVersion: a reader must not rely on what follows
  std::string message_ids;          // a filter
  bool message_ids_known = false;
};

// Summaries and rows cover every event, and the group holds nothing but events, gaps, notes and
// clock readings.
inline constexpr std::uint16_t kIndexVersion = 1;
inline constexpr std::string_view kMessageIdKey = "message_id";

// Whether a footer tells of this very group: where it stands, and what its bytes are.
[[nodiscard]] bool is_same_group(const GroupIndex& a, const GroupIndex& b);

// False: no event of the group has this id of a message, as JSON.
[[nodiscard]] bool may_hold_message_id(const GroupIndex& index, std::string_view json);

struct TapeFooter {
  std::vector<GroupIndex> groups;  // without rows
  std::vector<std::uint64_t> session_hashes;
  bool session_hashes_omitted = false;  // too many: the empty list says nothing
  Ledger ledger;
  std::vector<Origin> origins;
  std::vector<Note> notes;
  std::int64_t sealed_at = 0;
};

// Cap'n Proto messages of these, and back.  Reading throws Error when the bytes make no sense.
[[nodiscard]] std::string to_message(const TapeHeader& header);
[[nodiscard]] std::string to_message(const GroupIndex& index);
[[nodiscard]] std::string to_message(const TapeFooter& footer);
[[nodiscard]] TapeHeader read_header_message(std::string_view message);
[[nodiscard]] GroupIndex read_index_message(std::string_view message);
[[nodiscard]] TapeFooter read_footer_message(std::string_view message);

[[nodiscard]] std::string to_hex(const Id128& id);
[[nodiscard]] Id128 random_id();

}  // namespace smtptape
