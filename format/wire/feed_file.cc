#include "format/wire/feed_file.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include "base/error.h"
#include "format/wire/unpacked_source.h"

namespace smtptape {

namespace {

constexpr std::size_t kChunk = 256 << 10;
constexpr std::size_t kFrameHead = 5;  // opcode and length
// So much is held back for a first time that can be read.
constexpr std::size_t kMostTimeless = 16 << 20;

}  // namespace

// Bytes are read straight into the batch's arena, so that frames need no copy; what is left of an
// unfinished frame moves to the next batch.
struct FeedFileSource::Impl {
  std::unique_ptr<UnpackedSource> source;
  std::string name;
  FeedFormat format;
  std::uint64_t max_frame;
  WireDecoder decoder;
  std::string rest;            // the beginning of a frame that isn't whole yet
  std::uint64_t skipping = 0;  // frames: bytes of an oversize frame still to pass over
  bool skipping_line = false;  // jsonl: within an oversize line
  std::uint64_t oversize = 0;  // bytes of it so far
  std::uint64_t sequence = 0;
  std::int64_t received = 0;
  std::int64_t first_received = 0;
  bool any_received = false;
  bool ended = false;
  std::deque<EventBatch> timeless;  // read, but without a time as yet
  bool times_begun = false;         // what comes next has one

  bool next(EventBatch& batch) {
    if (!times_begun) begin_times();
    if (timeless.empty()) return read_batch(batch);
    batch = std::move(timeless.front());
    timeless.pop_front();
    return true;
  }

  bool read_batch(EventBatch& batch) {
    batch.clear();
    while (!ended && batch.events.empty() && batch.gaps.empty())
      read_chunk(batch);
    return !batch.events.empty() || !batch.gaps.empty() || !batch.notes.empty();
  }

  // A line that can't be read must not put a recording into 1970.
  void begin_times() {
    times_begun = true;
    std::size_t bytes = 0;
    EventBatch batch;
    while (!any_received && bytes < kMostTimeless && read_batch(batch)) {
      for (const Event& event : batch.events)
        bytes += sizeof(event) + frame_size(event);
      timeless.push_back(std::move(batch));
      batch = EventBatch();
    }
    for (EventBatch& early : timeless) {
      for (Event& event : early.events) {
        if (event.received == 0) event.received = first_received;
      }
      for (Gap& gap : early.gaps)
        if (gap.from == 0) gap.from = gap.until = first_received;
    }
  }

  // Within a long frame as much as there is room for, so that its beginning is moved seldom
  // although a pipe gives little at a time.
  std::size_t fill(char* to, std::size_t room) {
    std::size_t got = source->read(to, room);
    std::size_t more = got;
    while (rest.size() >= kChunk && more > 0 && got < room) {
      more = source->read(to + got, room - got);
      got += more;
    }
    return got;
  }

  void read_chunk(EventBatch& batch) {
    batch.arena.clear();  // of what was looked at and holds no whole frame
    const std::size_t room = std::max(kChunk, rest.size());
    char* const start = batch.arena.allocate(rest.size() + room);
    if (!rest.empty()) std::memcpy(start, rest.data(), rest.size());
    const std::size_t got = fill(start + rest.size(), room);
    std::string_view bytes(start, rest.size() + got);
    rest.clear();
    if (got == 0) {
      ended = true;
      finish(bytes, batch);
      return;
    }
    if (format == FeedFormat::Jsonl) {
      split_lines(bytes, batch);
    } else {
      split_frames(bytes, batch);
    }
  }

  void add(std::string_view frame, Opcode opcode, EventBatch& batch) {
    Event& event = decoder.decode(frame, opcode, batch);
    event.sequence = ++sequence;
    const bool known = event.verbatim == nullptr || event.verbatim->when_known;
    if (const auto when = to_unix_nanos(event.when); known && when) {
      received = any_received ? std::max(received, *when) : *when;
      if (!std::exchange(any_received, true)) first_received = received;
    }
    event.received = received;
  }

  // The frame counts as received, so it takes a number.
  void add_oversize(EventBatch& batch) {
    Gap gap;
    gap.cause = GapCause::Oversize;
    gap.count = 1;
    gap.after_sequence = sequence;
    ++sequence;
    gap.before_sequence = sequence + 1;
    gap.from = gap.until = received;
    gap.frame_bytes = oversize;
    batch.gaps.push_back(std::move(gap));
    oversize = 0;
  }

  // --- jsonl ---

  void split_lines(std::string_view bytes, EventBatch& batch) {
    while (!bytes.empty()) {
      const void* const newline = std::memchr(bytes.data(), '\n', bytes.size());
      if (newline == nullptr) return keep_line(bytes);
      const auto size = static_cast<std::size_t>(static_cast<const char*>(newline) - bytes.data());
      end_line(bytes.substr(0, size), batch);
      bytes.remove_prefix(size + 1);
    }
  }

  void end_line(std::string_view line, EventBatch& batch) {
    if (!skipping_line && line.size() <= max_frame) return add(line, Opcode::Text, batch);
    oversize += line.size();
    skipping_line = false;
    add_oversize(batch);
  }

  void keep_line(std::string_view bytes) {
    if (skipping_line || bytes.size() > max_frame) {
      skipping_line = true;
      oversize += bytes.size();
    } else {
      rest.assign(bytes);
    }
  }

  // --- frames ---

  void split_frames(std::string_view bytes, EventBatch& batch) {
    for (;;) {
      if (skipping > 0) {
        const std::uint64_t passed = std::min<std::uint64_t>(skipping, bytes.size());
        skipping -= passed;
        bytes.remove_prefix(passed);
        if (skipping > 0) return;
        add_oversize(batch);
      }
      if (bytes.size() < kFrameHead) break;
      const auto opcode = check_opcode(static_cast<unsigned char>(bytes[0]));
      std::uint64_t size = 0;
      for (std::size_t i = 4; i > 0; --i)
        size = size << 8 | static_cast<unsigned char>(bytes[i]);
      if (size > max_frame) {
        skipping = oversize = size;
        bytes.remove_prefix(kFrameHead);
        continue;
      }
      if (bytes.size() - kFrameHead < size) break;
      add(bytes.substr(kFrameHead, size), opcode, batch);
      bytes.remove_prefix(kFrameHead + size);
    }
    rest.assign(bytes);
  }

  [[nodiscard]] Opcode check_opcode(unsigned char opcode) const {
    if (opcode == static_cast<unsigned char>(Opcode::Text)) return Opcode::Text;
    if (opcode == static_cast<unsigned char>(Opcode::Binary)) return Opcode::Binary;
    throw Error("reading " + name + ": frame " + std::to_string(sequence + 1) + " has opcode " +
                std::to_string(opcode) +
                ", neither 1 (text) nor 2 (binary); is this a file of format frames?");
  }

  // --- the end of the file ---

  void finish(std::string_view bytes, EventBatch& batch) {
    if (format == FeedFormat::Frames) {
      if (!bytes.empty() || skipping > 0) {
        throw Error("reading " + name + ": the file ends inside frame " +
                    std::to_string(sequence + 1));
      }
      return;
    }
    if (bytes.empty() && !skipping_line) return;
    end_line(bytes, batch);
    batch.notes.push_back({std::string(kNoFinalNewline), std::to_string(sequence)});
  }
};

FeedFileSource::FeedFileSource(std::unique_ptr<ByteSource> source,
                               std::string name,
                               FeedFormat format,
                               std::uint64_t max_frame)
    : impl_(std::make_unique<Impl>()) {
  using Content = UnpackedSource::Content;
  const Content content = format == FeedFormat::Jsonl ? Content::Lines : Content::Frames;
  impl_->source = std::make_unique<UnpackedSource>(std::move(source), name, content);
  impl_->name = std::move(name);
  impl_->format = format;
  impl_->max_frame = max_frame;
}
FeedFileSource::~FeedFileSource() = default;

bool FeedFileSource::next(EventBatch& batch) {
  return impl_->next(batch);
}
std::uint64_t FeedFileSource::received() const {
  return impl_->sequence;
}
bool FeedFileSource::was_marked() const {
  return impl_->source->was_marked();
}

void append_feed_frame(TextBuffer& out, const Event& event, FeedFormat format) {
  const std::size_t start = out.size();
  if (format == FeedFormat::Jsonl) {
    append_frame(out, event);
    // Only a frame kept as received can hold one: in the form we write, newlines are escaped.
    if (event.verbatim != nullptr && event.verbatim->frame.find('\n') != std::string_view::npos) {
      out.resize(start);
      throw Error("event " + std::to_string(event.sequence) +
                  " holds a newline, which lines can't carry; use --format frames");
    }
    out.push_back('\n');
    return;
  }
  const Opcode opcode = event.verbatim == nullptr ? Opcode::Text : event.verbatim->opcode;
  out.push_back(static_cast<char>(opcode));
  out.append(std::string_view("\0\0\0\0", 4));
  append_frame(out, event);
  const std::uint64_t size = out.size() - start - kFrameHead;
  for (std::size_t i = 0; i < 4; ++i) {
    out.data()[start + 1 + i] = static_cast<char>(size >> (8 * i));
  }
}

}  // namespace smtptape
