// What a running recorder tells about itself: for /metrics, /readyz, `smtptape status` and the
// journal.  Plain values, put together on the network thread each time somebody asks.
//
// Nothing of what was recorded stands here: no address, domain, tenant or text.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/tape/tape_info.h"

namespace smtptape {

// Counts of durations; the last bucket is for everything above.
struct DurationHistogram {
  static constexpr std::array<double, 12> kUpTo{
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10, 60, 600};  // seconds, inclusive
  std::array<std::uint64_t, kUpTo.size() + 1> counts{};
  double sum = 0;  // seconds

  void add(double seconds) {
    std::size_t bucket = 0;
    while (bucket < kUpTo.size() && seconds > kUpTo[bucket])
      ++bucket;
    ++counts[bucket];
    sum += seconds;
  }
  DurationHistogram& operator+=(const DurationHistogram& other) {
    for (std::size_t bucket = 0; bucket < counts.size(); ++bucket)
      counts[bucket] += other.counts[bucket];
    sum += other.sum;
    return *this;
  }
};

// Why a tape was ended.
enum class SealReason : std::uint8_t { Size, Interval, Asked, Stop };
inline constexpr std::size_t kSealReasons = 4;
[[nodiscard]] std::string_view name_of(SealReason reason);  // "size"

struct ReconnectCount {
  std::string reason;  // a word: "refused", "reset", "http-401", …
  std::uint64_t count = 0;
};

struct SourceStatus {
  std::string name;
  std::string endpoint;  // host and port
  bool connected = false;
  std::int64_t since = 0;  // ns since 1970: connected, or not, since then
  std::string last_error;  // of connecting; empty: none yet
  std::optional<std::int64_t> last_error_at;
  std::vector<ReconnectCount> reconnects;

  Ledger ledger;  // up to now
  std::uint64_t received_bytes = 0;
  std::optional<std::int64_t> last_event_at;  // ns since 1970, at reception
  DurationHistogram receive_delay;            // reception less `when`
  std::uint64_t open_sessions = 0;
  double events_per_second = 0;  // over the last ten seconds or so
  std::uint64_t queue_bytes = 0;
  bool dropping = false;                     // the queue is full: what comes is lost
  std::optional<std::uint64_t> waits_for;    // ns: the oldest of what is queued
  std::optional<std::uint64_t> stalled_for;  // ns: something waits, and nothing was done since

  bool writing = true;       // the disk takes what comes
  std::string disk_trouble;  // why not
  std::uint64_t write_errors = 0;
  std::string tape;  // file name of the open one; empty: none
  std::uint64_t tape_bytes = 0;
  std::array<std::uint64_t, kSealReasons> tapes_sealed{};

  // Something waits, and for so long nothing was written: the disk stands still.
  static constexpr std::uint64_t kStalled = 5'000'000'000;  // ns
  [[nodiscard]] bool is_stalled() const { return stalled_for && *stalled_for >= kStalled; }
  [[nodiscard]] bool is_ready() const { return connected && writing && !dropping && !is_stalled(); }
};
// Why a source is not ready, for a person; empty: it is.
[[nodiscard]] std::string why_not_ready(const SourceStatus& source);

struct PrunedBytes {
  std::string reason;  // "max-age", …
  std::uint64_t bytes = 0;
};

struct RecorderStatus {
  std::string version;
  std::int64_t started = 0;  // ns since 1970
  std::int64_t now = 0;
  std::vector<SourceStatus> sources;

  std::string store;
  std::uint64_t store_tapes = 0;
  std::uint64_t store_bytes = 0;              // of all files of ours
  std::uint64_t store_free_bytes = 0;         // of the file system
  std::uint64_t store_wanted_free_bytes = 0;  // below it tapes are deleted, or nothing is recorded
  std::optional<std::int64_t> store_oldest;
  std::vector<PrunedBytes> pruned;
  std::uint64_t queue_limit = 0;  // bytes, for all sources
  DurationHistogram flushes;
  DurationHistogram syncs;

  // Of all sources together.
  [[nodiscard]] Ledger ledger() const {
    Ledger all;
    for (const SourceStatus& source : sources)
      all += source.ledger;
    return all;
  }
  [[nodiscard]] std::optional<std::int64_t> last_event_at() const {
    std::optional<std::int64_t> last;
    for (const SourceStatus& source : sources)
      last = std::max(last, source.last_event_at);  // nothing is less than any time
    return last;
  }

  // Every source is connected and written, and nothing is dropped.
  [[nodiscard]] bool is_ready() const {
    for (const SourceStatus& source : sources) {
      if (!source.is_ready()) return false;
    }
    return true;
  }
};

}  // namespace smtptape
