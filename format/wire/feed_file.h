// Files of frames: how recordings come in and go out.
//
//   jsonl    one frame a line; a missing last newline is remembered as a note
//   frames   opcode byte, u32 little-endian length, bytes; for what lines can't hold
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/io.h"
#include "base/text_buffer.h"
#include "format/event.h"
#include "format/limits.h"
#include "format/wire/wire.h"

namespace smtptape {

enum class FeedFormat : std::uint8_t { Jsonl, Frames };

// The note that says that an imported file did not end with a newline.
inline constexpr std::string_view kNoFinalNewline = "no-final-newline";

// Reads a file of frames as events, numbered from 1, also one that zstd or gzip packed
// (unpacked_source.h).  Receive times are the running maximum of `when`; what comes before the
// first that can be read has that one, too.  A frame over the limit is skipped without being held
// and leaves a gap.
class FeedFileSource : public EventSource {
 public:
  FeedFileSource(std::unique_ptr<ByteSource> source,
                 std::string name,
                 FeedFormat format,
                 std::uint64_t max_frame = kDefaultMaxFrame);
  ~FeedFileSource() override;
  [[nodiscard]] bool next(EventBatch& batch) override;

  // Frames so far, skipped ones included.
  [[nodiscard]] std::uint64_t received() const;
  // The file began with a byte order mark of UTF-8, which belongs to no frame and was left out.
  [[nodiscard]] bool was_marked() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Appends the frame of an event to a file of that format.  Throws Error where lines can't hold it.
void append_feed_frame(TextBuffer& out, const Event& event, FeedFormat format);

}  // namespace smtptape
