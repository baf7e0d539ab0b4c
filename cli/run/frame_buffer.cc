#include "cli/run/frame_buffer.h"

#include <utility>

namespace smtptape {

namespace {

// So much is shown at once.
constexpr std::size_t kBlock = 256 << 10;

std::uint64_t cost_of(const WsMessage& frame) {
  return frame.payload.size() + sizeof(WsMessage);
}

}  // namespace

bool FrameBuffer::add(std::span<const WsMessage> frames) {
  bool first_left_out = false;
  {
    const std::lock_guard lock(mutex_);
    for (const WsMessage& frame : frames) {
      const bool has_room = cost_ == 0 || cost_ + cost_of(frame) <= limit_;
      if (has_room) {
        append(frame);
      } else {
        ++left_out_;
        first_left_out = first_left_out || !leaving_out_;
      }
      leaving_out_ = !has_room;
    }
  }
  came_.notify_one();
  return first_left_out;
}

void FrameBuffer::append(const WsMessage& frame) {
  if (waiting_.empty() || waiting_.back().bytes.size() >= kBlock) waiting_.emplace_back();
  Block& block = waiting_.back();
  block.bytes.append(frame.payload);
  block.frames.push_back(frame);
  block.cost += cost_of(frame);
  cost_ += cost_of(frame);
}

void FrameBuffer::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  came_.notify_one();
}

std::span<const WsMessage> FrameBuffer::take() {
  {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
    if (waiting_.empty()) return {};
    taken_ = std::move(waiting_.front());
    waiting_.pop_front();
    cost_ -= taken_.cost;
  }
  std::string_view bytes = taken_.bytes;
  for (WsMessage& frame : taken_.frames) {
    frame.payload = bytes.substr(0, frame.payload.size());
    bytes.remove_prefix(frame.payload.size());
  }
  return taken_.frames;
}

std::uint64_t FrameBuffer::left_out() const {
  const std::lock_guard lock(mutex_);
  return left_out_;
}

}  // namespace smtptape
