// A recorder: follows its sources until it is told to stop, and records them into one store.
//
// The calling thread is the network thread; it starts the writer's, the sync thread and the
// keeper's and ends them.  The network thread waits for none of them but at the end: what is queued
// then is written before the tapes are sealed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/endpoint.h"
#include "capture/feed/access.h"
#include "capture/keep/keeper.h"
#include "capture/record/recorder.h"
#include "capture/stop_signal.h"
#include "filters/event_levels.h"
#include "filters/request.h"
#include "format/limits.h"

namespace smtptape {

enum class AtTheEnd : std::uint8_t {
  TryAgain,  // of the feed: connect again, after a pause; the first time, too
  Stop,
};

struct SourceOptions {
  Endpoint endpoint;
  GetAccess access;
  TraceRequest request;
  Honour honour = Honour::Documented;  // AsLive: what the server ignores is not applied here
  std::string name;                    // empty: default_source_name()
  Levels levels;
};

// What may change while it records.
struct StoreLimits {
  std::uint64_t rotate_size = kDefaultRotateSize;
  std::chrono::nanoseconds rotate_interval{kDefaultRotateInterval};
  bool rotate_aligned = false;
  RetentionLimits retention;
  OnFull on_full = OnFull::Drop;
};

struct CaptureOptions {
  std::vector<SourceOptions> sources;  // one at least, of different names
  std::filesystem::path store;
  std::string version;  // "1.2.3"
  StoreLimits limits;
  AtTheEnd at_the_end = AtTheEnd::TryAgain;
  std::optional<std::uint64_t> most_events;  // that are stored of each source
  std::optional<std::chrono::nanoseconds>
      most_time;  // from the start; with AtTheEnd::Stop from the first connection
  std::uint64_t max_frame = kDefaultMaxFrame;
  std::uint64_t queue_bytes = kDefaultQueueBytes;  // at least twice max_frame
  std::chrono::nanoseconds flush_interval = std::chrono::seconds(1);
  std::chrono::nanoseconds sync_interval = std::chrono::seconds(1);
  std::uint64_t batch_bytes = kDefaultBatchBytes;
  std::uint64_t group_bytes = kDefaultRecordingGroupBytes;
  std::string listen_metrics;                   // HOST:PORT; empty: nobody can ask over HTTP
  std::optional<std::filesystem::path> socket;  // for orders; none: in the store
  bool group_readable = false;                  // files 0640, the directory 0750
  // Reads the configuration anew, for SIGHUP: what may change; throws Error that says every
  // mistake.
  std::function<StoreLimits()> reload;

  FileCalls* files = &system_file_calls();  // what is written goes through these
  std::chrono::milliseconds connect_within{10'000};
  std::chrono::milliseconds shortest_pause{500};  // before it connects again
  std::chrono::milliseconds longest_pause{30'000};
};

// The endpoint's host; for loopback the name of this machine.
[[nodiscard]] std::string default_source_name(const Endpoint& endpoint);

// The tapes that are being written grow until they are full: room for them is kept, so that the
// store is never larger than it may be.
[[nodiscard]] RetentionLimits with_headroom(const StoreLimits& limits, std::uint64_t sources);

// What is wrong with values that each look good; empty: nothing.
[[nodiscard]] std::string trouble_with_max_bytes(std::uint64_t max_bytes, std::uint64_t sources);
[[nodiscard]] std::string trouble_with_queue(std::uint64_t queue_bytes, std::uint64_t max_frame);

// SIGHUP changes the tapes, after reloading.  `say` is called on several threads.  Throws Error
// when another recorder has a source, with AtTheEnd::Stop when the first connection fails or
// breaks, or when at the end a tape can't be sealed or a loss not be recorded: then after saying
// what was lost.
CaptureTotals run_capture(CaptureOptions options, const StopSignal& stop, const SayLine& say);

// "12 received = 9 stored + 1 not selected + 2 lost (…); …"
[[nodiscard]] std::string ledger_line(const CaptureTotals& totals,
                                      const std::filesystem::path& store);

}  // namespace smtptape
