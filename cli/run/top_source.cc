#include "cli/run/top_source.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/time_spec.h"
#include "filters/allow_list.h"
#include "format/wire/wire.h"

namespace smtptape {

namespace {

constexpr std::size_t kMostLines = 100;

}  // namespace

bool TopQueue::put(std::unique_ptr<EventBatch> batch, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!taken_.wait(lock, stop, [this] { return batches_.size() < kMostBatches; })) return false;
  batches_.push_back({std::move(batch), 0});
  return true;
}

void TopQueue::put_or_leave_out(std::unique_ptr<EventBatch> batch, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes_ + bytes > kMostBytes) {
    left_out_ += batch->events.size();
    return;
  }
  bytes_ += bytes;
  batches_.push_back({std::move(batch), bytes});
}

void TopQueue::tell(std::string_view line) {
  const std::lock_guard lock(mutex_);
  lines_.emplace_back(line);
  if (lines_.size() > kMostLines) lines_.pop_front();
}

std::unique_ptr<EventBatch> TopQueue::take() {
  const std::lock_guard lock(mutex_);
  if (batches_.empty()) return nullptr;
  Waiting waiting = std::move(batches_.front());
  batches_.pop_front();
  bytes_ -= waiting.bytes;
  taken_.notify_all();
  return std::move(waiting.batch);
}

std::optional<std::string> TopQueue::take_line() {
  const std::lock_guard lock(mutex_);
  if (lines_.empty()) return std::nullopt;
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

void TopQueue::set_state(std::string_view state) {
  const std::lock_guard lock(mutex_);
  state_ = state;
}

std::string TopQueue::state() const {
  const std::lock_guard lock(mutex_);
  if (left_out_ == 0) return state_;
  return state_ + ", " + std::to_string(left_out_) + " events left out";
}

std::jthread follow_recording(FollowOptions options, Selection selection, TopQueue& queue) {
  return std::jthread([options = std::move(options), selection = std::move(selection), &queue](
                          const std::stop_token& stop) mutable {
    try {
      FollowSource source(std::move(options),
                          {[&stop] { return !stop.stop_requested(); },
                           [&queue](std::string_view line) { queue.tell(line); }});
      SelectedSource selected(source, std::move(selection), nullptr);
      for (;;) {
        auto batch = std::make_unique<EventBatch>();
        if (!selected.next(*batch)) break;
        for (const Gap& gap : batch->gaps)
          queue.tell(describe(gap));
        if (!queue.put(std::move(batch), stop)) return;
      }
      if (stop.stop_requested()) return;
      queue.tell("that was all: nothing is recorded there any more");
      queue.set_state(TopQueue::kEnded);
    } catch (const std::exception& error) {
      queue.tell(error.what());
      queue.set_state(TopQueue::kEnded);
    }
  });
}

namespace {

// Frames to batches.
class LiveSink : public FrameSink {
 public:
  LiveSink(const TraceRequest& request, TopQueue& queue)
      : manual_(request, Honour::Documented), queue_(queue) {}

  void on_open() override { queue_.set_state("live"); }
  Flow on_frames(std::span<const WsMessage> frames) override {
    auto batch = std::make_unique<EventBatch>();
    std::size_t bytes = 0;
    for (const WsMessage& frame : frames) {
      if (frame.opcode != Opcode::Text || frame.oversize) continue;
      Event& event = decoder_.decode(batch->arena.copy(frame.payload), frame.opcode, *batch);
      event.sequence = ++sequence_;
      event.received = now_unix_nanos();
      bytes += frame.payload.size();
      // What the server is known to ignore is filtered here.
      const bool dropped = manual_.needs_local_help() && !manual_.passes(event.meta, Scope::Event);
      if (const auto lost = dropped ? std::nullopt : lag_count(event)) {
        queue_.tell("the server dropped " + std::to_string(*lost) + " events for us");
      }
      if (dropped) batch->events.pop_back();
    }
    if (!batch->events.empty()) queue_.put_or_leave_out(std::move(batch), bytes);
    return Flow::Continue;
  }

 private:
  AllowList manual_;
  TopQueue& queue_;
  WireDecoder decoder_;
  std::uint64_t sequence_ = 0;
};

}  // namespace

std::jthread follow_live(FeedOptions options, TraceRequest request, TopQueue& queue) {
  options.request = to_json(request);
  return std::jthread([options = std::move(options), request = std::move(request), &queue](
                          const std::stop_token& stop) {
    constexpr std::chrono::seconds kBetweenTries{2};
    std::mutex mutex;
    std::condition_variable_any never;
    queue.set_state("connecting");
    while (!stop.stop_requested()) {
      try {
        LiveSink sink(request, queue);
        const FeedEnd end = follow_feed(options, sink, stop);
        if (stop.stop_requested()) return;
        queue.set_state("not connected");
        queue.tell(describe(end, options.endpoint) + "; trying again every 2 s");
      } catch (const std::exception& error) {
        queue.set_state("not connected");
        queue.tell(error.what());
      }
      std::unique_lock lock(mutex);
      never.wait_for(lock, stop, kBetweenTries, [] { return false; });
    }
  });
}

}  // namespace smtptape
