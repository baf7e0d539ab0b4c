// What a doctor looks at: a feed for a few seconds, and a store from outside.  Writes nothing, and
// judges nothing: that does capture/doctor/diagnosis.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "capture/feed/feed.h"
#include "store/keep/retention.h"

namespace smtptape {

struct FeedFacts {
  Endpoint endpoint;
  FeedEnd end;  // opened: the server accepted the request
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;  // of their payloads
  std::chrono::nanoseconds watched{0};
  // Of our clock, ns:
  std::optional<std::int64_t> server_ahead;  // the server's, in whole seconds, when it let us in
  std::optional<std::int64_t> events_ahead;  // the first event's `when`, when it came
};

// Connects, asks for `options.request`, and watches what comes for so long at most; then goes.
[[nodiscard]] FeedFacts probe_feed(const FeedOptions& options, std::chrono::milliseconds watch);

struct StoreFacts {
  std::filesystem::path directory;
  enum class Kind : std::uint8_t { Missing, Directory, Other, Unreachable };
  Kind kind = Kind::Missing;
  std::string why;        // Unreachable
  bool writable = false;  // by us; of a missing one: its parent
  bool ours = false;
  unsigned mode = 0;
  Space space;  // of a missing one: its parent's
  std::vector<StoredFile> files;
  std::vector<std::string> recorded;  // sources, as in file names, that somebody records now
  std::uint64_t bytes_of_last_day = 0;
  std::chrono::nanoseconds span_of_last_day{0};  // that these tapes cover, holes included
};

[[nodiscard]] StoreFacts look_at_store(const std::filesystem::path& directory, std::int64_t now);

}  // namespace smtptape
