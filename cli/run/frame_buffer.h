// Frames between the thread that reads a feed and the one that shows it, so that a reader of ours
// who stands still holds up nobody: the server would drop events for all that it sends us later.
//
// When it is full, what comes newly is left out and counted.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "capture/feed/feed.h"

namespace smtptape {

class FrameBuffer {
 public:
  // `limit`: of bytes that wait.  One frame always has room where nothing else waits.
  explicit FrameBuffer(std::uint64_t limit) : limit_(limit) {}
  FrameBuffer(const FrameBuffer&) = delete;
  FrameBuffer& operator=(const FrameBuffer&) = delete;

  // Copies what there is room for.  True: this was the first that was left out since the last one
  // that had room.
  bool add(std::span<const WsMessage> frames);
  // Nothing more comes.
  void close();

  // What came, in order; waits for it.  The frames are good until the next call.  Nothing: closed,
  // and all was taken.
  [[nodiscard]] std::span<const WsMessage> take();
  [[nodiscard]] std::uint64_t left_out() const;

 private:
  struct Block {
    std::string bytes;
    std::vector<WsMessage> frames;  // their payloads are set when the block is taken
    std::uint64_t cost = 0;
  };
  void append(const WsMessage& frame);

  const std::uint64_t limit_;
  mutable std::mutex mutex_;  // of what follows, but for taken_
  std::condition_variable came_;
  std::deque<Block> waiting_;
  std::uint64_t cost_ = 0;
  std::uint64_t left_out_ = 0;
  bool leaving_out_ = false;
  bool closed_ = false;
  Block taken_;
};

}  // namespace smtptape
