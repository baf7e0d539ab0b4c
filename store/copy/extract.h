// The chosen events in a new sealed tape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"
#include "format/tape/tape_writer.h"
#include "smtp/levels.h"
#include "store/plan/selection.h"
#include "store/read/inputs.h"

namespace smtptape {

inline constexpr std::size_t kMostInsiders = 1000;

// What an extract holds: to be told before it leaves the house.
struct Extract {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;  // of the tape
  std::size_t sessions = 0;
  std::set<std::string> tenants;  // whose mail is inside: the first kMostInsiders
  std::set<std::string> domains;  // of senders
};

// The header of such a tape: `fresh`, with the origin of the first of `tapes` that has one, and
// whose copy it is.
[[nodiscard]] TapeHeader header_of_extract(const std::vector<TapeFile>& tapes, TapeHeader fresh);

// Writes all that `events` gives, as much of it as `levels` keep, and seals the tape at `now`.  Its
// ledger is computed for what was looked at.
[[nodiscard]] Extract write_extract(SelectedSource& events,
                                    TapeWriter& writer,
                                    std::int64_t now,
                                    const Levels& levels = {});

// The sessions that a tape has, in the order of their first events.
[[nodiscard]] std::vector<std::string> sessions_of(EventSource& events);
// What the same events have in common, and the time of the last one.
void add_to_digest(Hasher& hasher, const Event& event);
struct Digest {
  std::uint64_t value = 0;
  std::int64_t last_received = 0;
};
[[nodiscard]] Digest digest_of(EventSource& events);
// Writes what `events` gives of these sessions (null: of all), and what belongs to none.
[[nodiscard]] Extract write_sessions(EventSource& events,
                                     const std::set<std::string, std::less<>>* sessions,
                                     TapeWriter& writer,
                                     std::int64_t now);

}  // namespace smtptape
