// One capture: follows one feed until it is told to stop, and records it into a store.
//
// The calling thread is the network thread; it starts the writer thread and ends it.  Neither waits
// for the other but at the end: what is queued then is written before the tapes are sealed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/net/endpoint.h"
#include "capture/access.h"
#include "capture/recorder.h"
#include "capture/stop_signal.h"
#include "filters/request.h"
#include "format/limits.h"

namespace smtptape {

enum class AtTheEnd : std::uint8_t {
  TryAgain,  // of the feed: connect again, each second
  Stop,
};

struct CaptureOptions {
  Endpoint endpoint;
  FeedAccess access;
  TraceRequest request;
  Honour honour = Honour::Documented;  // AsLive: what the server ignores is not applied here
  std::filesystem::path store;
  std::string source;  // empty: default_source_name()
  std::string writer;  // "smtptape 1.2.3"
  Levels levels;       // what of messages and passwords is stored
  AtTheEnd at_the_end = AtTheEnd::TryAgain;
  std::optional<std::uint64_t> most_events;  // that are stored
  std::optional<std::chrono::nanoseconds> most_time;
  std::uint64_t max_frame = kDefaultMaxFrame;
  std::uint64_t rotate_size = kDefaultRotateSize;
  std::chrono::nanoseconds rotate_interval{kDefaultRotateInterval};
  std::chrono::nanoseconds flush_interval = std::chrono::seconds(1);
  std::chrono::nanoseconds sync_interval = std::chrono::seconds(1);
  std::uint64_t batch_bytes = kDefaultBatchBytes;
  std::uint64_t group_bytes = kDefaultRecordingGroupBytes;
  std::chrono::milliseconds connect_within{10'000};
  std::chrono::milliseconds try_again_after{1'000};
};

// The endpoint's host; for loopback the name of this machine.
[[nodiscard]] std::string default_source_name(const Endpoint& endpoint);

// `say` is called on both threads.  Throws Error when the first connection fails, when another
// recorder has the source, or when at the end a tape can't be sealed or a loss not be recorded:
// then after saying what was lost.
CaptureTotals run_capture(const CaptureOptions& options,
                          const StopSignal& stop,
                          const SayLine& say);

// "12 received = 9 stored + 1 not selected + 2 lost (…); …"
[[nodiscard]] std::string ledger_line(const CaptureTotals& totals,
                                      const std::filesystem::path& store);

}  // namespace smtptape
