#include "store/copy/frames.h"

#include <optional>
#include <string>
#include <string_view>

#include "base/text_buffer.h"

namespace smtptape {

namespace {

// The last newline is held back: the file that was imported may have ended without one.
class FrameWriter {
 public:
  FrameWriter(FeedFormat format, ByteSink& out) : format_(format), out_(out) {}

  void add(const EventBatch& batch) {
    const Origin* origin = nullptr;  // as last looked at
    for (const Event& event : batch.events) {
      append_feed_frame(text_, event, format_);
      if (event.origin != origin && event.origin != nullptr) {
        origin = event.origin;
        note_capture(origin->capture);
      }
      if (text_.size() >= kEnough) write_but_last_byte();
    }
    if (!batch.events.empty()) last_sequence_ = batch.events.back().sequence;
    for (const Note& note : batch.notes) {
      if (note.key == kNoFinalNewline) without_newline_ = note.value;
    }
  }

  void finish() {
    const bool cut = format_ == FeedFormat::Jsonl && !text_.empty() && one_capture_ &&
                     without_newline_ == std::to_string(last_sequence_);
    if (cut) text_.resize(text_.size() - 1);
    out_.write(text_.view());
  }

 private:
  static constexpr std::size_t kEnough = 128 << 10;  // it stays in the processor's second cache

  void note_capture(const Id128& capture) {
    one_capture_ = one_capture_ && capture_.value_or(capture) == capture;
    capture_ = capture;
  }

  void write_but_last_byte() {
    out_.write(text_.view().substr(0, text_.size() - 1));
    text_.erase_front(text_.size() - 1);
  }

  FeedFormat format_;
  ByteSink& out_;
  TextBuffer text_;
  std::uint64_t last_sequence_ = 0;
  std::optional<std::string> without_newline_;  // sequence of the frame that had none
  std::optional<Id128> capture_;
  bool one_capture_ = true;  // a sequence says nothing beside those of another capture
};

}  // namespace

std::uint64_t write_frames(EventSource& events, FeedFormat format, ByteSink& out) {
  FrameWriter writer(format, out);
  EventBatch batch;
  std::uint64_t count = 0;
  while (events.next(batch)) {
    count += batch.events.size();
    writer.add(batch);
  }
  writer.finish();
  return count;
}

}  // namespace smtptape
