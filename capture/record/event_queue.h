// Frames on their way from the network to what records: a queue for each source, under one budget
// in bytes.
//
// A writer that lags must not slow down the socket, or the server would drop events for us and we
// would never know which.  So a full queue drops the newest frames, remembers how many and when,
// and that becomes one gap at their place in the stream, as soon as there is room again or the
// queue has run empty.  What is received and dropped is counted here, where it happens: whoever
// asks hears the truth also while nothing is written.
//
// Budget: what is queued, what is in the hands of a worker, and messages that are still being put
// together (reserve()).  1 MiB of it is each source's own; the rest is common, and a source takes
// at most half of that while others have some, but for a single large frame.
//
// One source is in the hands of one worker at a time, so its order stays; different sources don't
// wait for each other.  One allocation for the bytes of a network read and two short locks a chunk,
// none a frame.
//
// A source that is quiet is taken with the first that comes.  From then on it is taken at each
// beat, the same for all sources, or when much waits: to wake a worker for each read cost more than
// what it did then.
//
// Threads: push(), reserve(), release() and end() from one, take() and done() from the workers, the
// rest from any.  Hooks are called without a lock.  Nothing here fails but for want of memory.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
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
  std::vector<Gap> gaps;  // before the frames; sequence numbers are still open
  std::vector<QueuedFrame> frames;
  std::unique_ptr<char[]> bytes;
  Arrival received;
  std::uint64_t cost = 0;  // of memory
};

// Something to be done by the worker that has the source in hand.
using QueuedTask = std::function<void()>;

// How a source's queue is.
struct QueueFigures {
  std::uint64_t received = 0;        // data frames so far, dropped ones included
  std::uint64_t received_bytes = 0;  // of them
  std::uint64_t dropped = 0;         // so far
  std::uint64_t drops = 0;           // times that it began to drop
  bool dropping = false;             // now
  std::uint64_t waiting = 0;         // frames that are queued or in hand
  std::uint64_t bytes_held = 0;
  std::optional<std::int64_t> waits_since;    // the oldest of what waits; of the steady clock
  std::optional<std::int64_t> stalled_since;  // something waits, and since then nothing was done
};

class EventQueue {
 public:
  // What is each source's own.
  static constexpr std::uint64_t kGuaranteed = kMiB;
  // What a worker takes in hand at once, unless a single chunk is larger.
  static constexpr std::uint64_t kMostInHand = kMiB;
  // So much is taken before the next beat.
  static constexpr std::uint64_t kEnough = 512 * kKiB;
  static constexpr std::int64_t kBeat = kNanosPerSecond / 20;

  struct Dropped {
    std::uint64_t frames = 0;
    std::uint64_t by_server = 0;  // events that it dropped, as notices among the frames say
    Arrival from;                 // the first and the last of them
    Arrival until;
  };
  struct Hooks {
    std::function<void(std::size_t source)> on_first_drop;
    std::function<void(std::size_t source, const Dropped& dropped)> on_last_drop;
  };

  explicit EventQueue(std::uint64_t most_bytes = kDefaultQueueBytes, std::size_t sources = 1);

  // Before anything else.
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }

  // ---- the network thread ----

  // Takes the data frames among `messages`, all or none of them.
  void push(std::size_t source, std::span<const WsMessage> messages, Arrival received);
  // A gap is never dropped: whoever pushes them does it at most twice a second.
  void push(std::size_t source, Gap gap, Arrival received);
  // Room for a message that is being put together; false: there is none.
  [[nodiscard]] bool reserve(std::size_t source, std::uint64_t bytes);
  void release(std::size_t source, std::uint64_t bytes);
  // Nothing more comes.
  void end();

  // ---- any thread ----

  enum class When : std::uint8_t {
    Soon,    // before what is queued
    InTurn,  // when all is recorded that was queued before this call
  };
  void post(std::size_t source, QueuedTask task, When when = When::Soon);
  [[nodiscard]] QueueFigures figures(std::size_t source) const;
  [[nodiscard]] std::uint64_t bytes_held() const;
  [[nodiscard]] std::uint64_t most_bytes() const { return most_bytes_; }
  // Nothing is queued: whoever has the source in hand has all there is.
  [[nodiscard]] bool is_drained(std::size_t source) const;

  // ---- the workers ----

  using Item = std::variant<FrameChunk, QueuedTask>;
  // A source, in the hands of one worker until done().
  struct Turn {
    std::size_t source = 0;
    std::vector<Item> items;  // none: its time has come
    std::uint64_t cost = 0;
    std::uint64_t frames = 0;
  };
  // Waits for a source that has something to do; nothing: all is done, and nothing more comes. What
  // is posted after that is never given: a disk thread may still wake a source that is being ended.
  [[nodiscard]] std::optional<Turn> take();
  // `due`: when the source has something to do again, of the steady clock, whatever comes.
  void done(const Turn& turn, std::optional<std::int64_t> due);

 private:
  struct Source {
    std::deque<Item> items;
    std::uint64_t held = 0;     // bytes: reserved, queued and in hand
    std::uint64_t queued = 0;   // bytes: of items
    std::uint64_t waiting = 0;  // frames, queued and in hand
    bool in_hand = false;
    bool on_beat = false;             // due at the next beat at the latest
    bool wanted = false;              // in ready_, or will be when it is not in hand
    std::optional<std::int64_t> due;  // while it is not in hand
    std::int64_t taken_at = 0;        // of the steady clock
    std::int64_t done_at = 0;         // the same
    std::optional<Arrival> oldest_in_hand;
    Dropped dropped;  // since its last chunk
    std::uint64_t received = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t all_dropped = 0;
    std::uint64_t drops = 0;
  };

  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  struct Extent;
  enum class Verdict : std::uint8_t { Take, DropFirst, Drop };

  [[nodiscard]] static Extent extent_of(std::span<const WsMessage> messages);
  [[nodiscard]] static FrameChunk copy_of(std::span<const WsMessage> messages,
                                          const Extent& extent);
  [[nodiscard]] Verdict judge(std::size_t source, const Extent& extent, Arrival received);
  void hand_over(std::size_t source, FrameChunk chunk);

  // All under the lock.
  [[nodiscard]] std::uint64_t common_part(std::uint64_t held) const;
  [[nodiscard]] bool fits(const Source& source, std::uint64_t cost) const;
  void hold(Source& source, std::uint64_t bytes);
  void give_back(Source& source, std::uint64_t bytes);
  std::optional<Dropped> tell_dropped(Source& source, FrameChunk& chunk);
  void make_ready(std::size_t source);
  [[nodiscard]] bool must_be_taken(const Source& source) const;
  void wait_for_something(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::optional<std::size_t> next_ready(std::int64_t now);
  [[nodiscard]] std::optional<std::int64_t> next_due() const;
  [[nodiscard]] bool all_done() const;
  [[nodiscard]] Turn take_of(std::size_t source, std::int64_t now, std::optional<Dropped>& told);

  const std::uint64_t most_bytes_;
  const std::uint64_t guaranteed_;
  const std::uint64_t common_;
  const std::uint64_t enough_;
  Hooks hooks_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<Source> sources_;
  std::deque<std::size_t> ready_;  // not in hand, and something is to be done now
  std::int64_t watched_ = kNever;  // until then one of the workers waits
  std::uint64_t bytes_held_ = 0;
  std::uint64_t common_held_ = 0;
  bool ended_ = false;
  bool closed_ = false;  // nothing is given any more, whatever is posted
};

}  // namespace smtptape
