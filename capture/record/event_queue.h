// Hands what arrives from the network thread to the writer thread.
//
// The network thread never waits here: a full queue drops the newest frames and remembers how many
// and when, and that becomes one gap at their place in the stream, as soon as there is room again
// or the queue has run empty.  Memory is bounded in bytes, the chunk in the writer's hands
// included: one budget for all sources, of which a source fills at most half while others have
// something queued.  One allocation for the bytes of a network read and two short locks a chunk,
// none a frame.
//
// Threads: push() and end() from one, take() from another, wake() from any.  Nothing here fails but
// for want of memory.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/net/ws_frames.h"
#include "base/opcode.h"
#include "capture/record/clocks.h"
#include "format/event.h"
#include "format/limits.h"

namespace smtptape {

inline constexpr std::uint64_t kDefaultQueueBytes = 128 * kMiB;

struct QueuedFrame {
  std::string_view payload;  // in FrameChunk::bytes
  std::uint64_t size = 0;    // of an oversize frame, which has no payload
  Opcode opcode = Opcode::Text;
  bool oversize = false;
};

// What one network read brought, and what was missed before it.
struct FrameChunk {
  std::size_t source = 0;  // counted from 0
  std::vector<Gap> gaps;   // before the frames; sequence numbers are still open
  std::vector<QueuedFrame> frames;
  std::unique_ptr<char[]> bytes;
  Moment received;
  std::uint64_t cost = 0;  // of memory
};

class EventQueue {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit EventQueue(std::uint64_t most_bytes = kDefaultQueueBytes, std::size_t sources = 1);

  // Takes the data frames among `messages`, all or none of them.
  void push(std::size_t source, std::span<const WsMessage> messages, Moment received);
  // A gap is never dropped: whoever pushes them does it at most twice a second.
  void push(std::size_t source, Gap gap, Moment received);
  // Whoever waits in take() returns with Nothing.
  void wake();
  // Nothing more comes.
  void end();

  enum class Taken : std::uint8_t { Chunk, Nothing, End };
  // The next chunk, waiting for it until `deadline`; without one as long as it takes.
  [[nodiscard]] Taken take(FrameChunk& chunk, std::optional<TimePoint> deadline);

  // Chunks so far: a moment in the stream.
  [[nodiscard]] std::uint64_t pushed() const;
  // Of what is queued and of the chunk taken last.
  [[nodiscard]] std::uint64_t bytes_held() const;
  [[nodiscard]] std::uint64_t bytes_held_of(std::size_t source) const;
  [[nodiscard]] std::uint64_t most_bytes() const { return most_bytes_; }

 private:
  struct Source {
    std::uint64_t held = 0;            // bytes
    std::uint64_t frames_dropped = 0;  // since its last chunk
    Moment from;                       // the first and the last of these
    Moment until;
  };

  // All under the lock.
  [[nodiscard]] bool fits(const Source& source, std::uint64_t cost) const;
  [[nodiscard]] bool drops(std::size_t source,
                           std::uint64_t frames,
                           std::uint64_t cost,
                           Moment now);
  void add(FrameChunk chunk);
  void add_dropped();

  void hand_over(FrameChunk chunk);

  const std::uint64_t most_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  // By mutex_.  What is held grows on the network thread only, so that what fits when it looks
  // still fits when it pushes.
  std::vector<Source> sources_;
  std::uint64_t bytes_held_ = 0;
  std::deque<FrameChunk> chunks_;
  std::uint64_t taken_ = 0;
  bool ended_ = false;
  bool woken_ = false;
  std::uint64_t bytes_in_hand_ = 0;
  std::size_t source_in_hand_ = 0;
};

}  // namespace smtptape
