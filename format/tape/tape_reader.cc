#include "format/tape/tape_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>

#include <capnp/any.h>

#include "base/error.h"
#include "base/hash.h"
#include "format/limits.h"
#include "format/tape/batch_parser.h"
#include "format/tape/compressor.h"
#include "format/tape/input_buffer.h"
#include "format/tape/messages.h"
#include "format/tape/section.h"

namespace smtptape {

namespace {

constexpr std::string_view kZstdMagicBytes = "\x28\xB5\x2F\xFD";
constexpr std::string_view kSectionMagicBytes = "\x53\x2A\x4D\x18";

// Bytes on a word border, as Cap'n Proto wants them; not initialized when they grow.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(std::string_view bytes) {
    resize(bytes.size());
    if (!bytes.empty()) std::memcpy(data(), bytes.data(), bytes.size());
  }
  void resize(std::size_t size) {
    if ((size + 7) / 8 > room_) {
      const std::size_t room = (size + 7) / 8;
      auto words = std::make_unique_for_overwrite<std::uint64_t[]>(room);
      if (size_ > 0) std::memcpy(words.get(), words_.get(), size_);
      words_ = std::move(words);
      room_ = room;
    }
    size_ = size;
  }
  [[nodiscard]] char* data() { return reinterpret_cast<char*>(words_.get()); }
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(words_.get()), size_};
  }

 private:
  std::unique_ptr<std::uint64_t[]> words_;
  std::size_t room_ = 0;  // in words
  std::size_t size_ = 0;
};

struct BatchHead {
  Id128 tape_id;
  FlagWords flags;
  std::uint64_t checksum = 0;
  std::uint64_t body_bytes = 0;
  std::uint32_t number = 0;
  std::uint32_t group = 0;
  std::uint32_t events = 0;
  std::uint16_t part = 0;
};

void store_big_endian(std::uint64_t value, std::uint8_t* to) {
  for (std::size_t i = 8; i-- > 0; value >>= 8)
    to[i] = static_cast<std::uint8_t>(value);
}

void check_flags(const FlagWords& flags, std::uint16_t version, const std::string& name) {
  if (version > kFormatVersion) {
    throw Error(name + ": written in version " + std::to_string(version) +
                " of the tape format; this program reads version " +
                std::to_string(kFormatVersion) + ": a newer smtptape is needed");
  }
  if (flags.incompatible != 0) {
    throw Error(name +
                ": uses a feature of the tape format that this program does not know (flags " +
                std::to_string(flags.incompatible) + "): a newer smtptape is needed");
  }
}

}  // namespace

struct TapeReader::Impl {
  Impl(ByteSource& source, std::string the_name) : input(source), name(std::move(the_name)) {}

  InputBuffer input;
  std::string name;
  std::optional<TapeHeader> header;
  std::optional<TapeFooter> footer;
  std::optional<Id128> tape_id;  // of the first thing that was whole
  std::vector<GroupIndex> indexes;
  std::vector<Damage> damage;
  TapeEnd end = TapeEnd::Unclosed;
  bool done = false;
  std::uint64_t good_until = 0;

  // the open group
  Decompressor decompressor;
  BatchParser parser;
  bool in_frame = false;
  bool at_block_border = false;
  bool frame_ended = false;
  std::uint64_t batches_in_frame = 0;
  std::uint64_t frame_offset = 0;
  std::uint64_t events_of_group = 0;
  Hasher group_hash;
  struct Columns {
    BatchHead head;
    AlignedBytes body;
  };
  std::deque<Columns> columns;  // two-frame layout: wait for their payload
  std::uint64_t column_bytes = 0;
  std::uint64_t search_left = kMostSearchBytes;
  bool open_damage = false;  // the last of `damage` lies in the group whose index comes next

  // --- frames ---

  bool next(EventBatch& batch) {
    batch.clear();
    while (!done) {
      if (in_frame) {
        if (read_batch(batch)) return true;
      } else {
        read_frame_start();
      }
    }
    return false;
  }

  void finish(TapeEnd how) {
    done = true;
    end = how;
    in_frame = false;
    if (!tape_id && !(how == TapeEnd::Torn || input.offset() == 0)) {
      throw Error(name + ": not a smtptape tape");
    }
  }

  void read_frame_start() {
    if (!input.fill(1)) {
      if (!columns.empty()) return torn("the payload of the last group is missing");
      return finish(footer ? TapeEnd::Sealed : TapeEnd::Unclosed);
    }
    if (footer) return report_rest("bytes after the footer");
    input.fill(kFrameHeaderBytes);
    const std::string_view view = input.view();
    if (view.starts_with(kZstdMagicBytes)) return begin_zstd_frame();
    if (view.starts_with(kSectionMagicBytes)) return read_section();
    if (view.size() < 4 && kZstdMagicBytes.starts_with(view))
      return torn("cut at the start of a group");
    if (view.size() < 4 && kSectionMagicBytes.starts_with(view)) return cut_section();
    if (!tape_id && input.offset() == 0) return look_for_start();
    damaged(input.offset(), "no frame begins here");
  }

  void torn(const std::string& what) {
    damage.push_back({good_until, input.offset() + input.view().size() - good_until, what, {}});
    input.consume(input.view().size());
    finish(TapeEnd::Torn);
  }

  // The tape ends within a header, index or footer.
  void cut_section() {
    const bool in_header = !tape_id;
    input.consume(input.view().size());
    if (!in_header) return finish(TapeEnd::Unclosed);
    damage.push_back({0, input.offset(), "cut inside the header", {}});
    finish(TapeEnd::Torn);
  }

  void report_rest(const char* what) {
    const std::uint64_t from = input.offset();
    do
      input.consume(input.view().size());
    while (input.fill(1));
    damage.push_back({from, input.offset() - from, what, {}});
    finish(TapeEnd::Sealed);
  }

  // --- sections ---

  void read_section() {
    if (!input.fill(kFrameHeaderBytes)) return cut_section();
    const std::uint64_t size_untrusted =
        load_u32(input.view().data() + 4) + std::uint64_t{kFrameHeaderBytes};
    if (size_untrusted > kMostSectionBytes) {
      if (input.offset() == 0) return look_for_start();
      return damaged(input.offset(),
                     "a section of " + std::to_string(size_untrusted) + " bytes is over the limit");
    }
    if (!input.fill(size_untrusted)) return section_runs_over_the_end();
    const AlignedBytes frame(input.view().substr(0, size_untrusted));
    const auto section = parse_section(frame.view());
    if (!section) return damaged_section(size_untrusted);
    if (tape_id && section->tape_id != *tape_id) {
      return damaged(input.offset(), "bytes of another tape");
    }
    check_flags(section->flags, section->version, name);
    tape_id = section->tape_id;
    try {
      read_section_message(*section);
    } catch (const Error& error) {
      damage.push_back({input.offset(), size_untrusted, error.what(), {}});
      events_of_group = 0;
      open_damage = false;
    }
    input.consume(size_untrusted);
    good_until = input.offset();
  }

  // Its bytes are wrong; where its length is right, it costs nothing but itself.
  void damaged_section(std::uint64_t size_untrusted) {
    input.fill(size_untrusted + 4);
    const std::string_view after = input.view().substr(size_untrusted);
    const bool fits = after.empty() || after.starts_with(kZstdMagicBytes) ||
                      after.starts_with(kSectionMagicBytes);
    if (!fits) {
      if (input.offset() == 0) return look_for_start();
      return damaged(input.offset(), "a section's checksum is wrong");
    }
    damage.push_back({input.offset(), size_untrusted, "a section's checksum is wrong", {}});
    input.consume(size_untrusted);
    events_of_group = 0;
  }

  // Cut short, or its length is damaged: then something whole follows.
  void section_runs_over_the_end() {
    if (!tape_id && go_to_first_group()) return;
    const std::string_view view = input.view();
    const std::string_view magic = view.substr(std::min(view.size(), kFrameHeaderBytes));
    if (!tape_id && !kSectionMagic.starts_with(magic.substr(0, kSectionMagic.size()))) {
      return look_for_start();
    }
    if (view.ends_with(kTrailerMagic) || find_section(view, kFrameHeaderBytes)) {
      return damaged(input.offset(), "a section's length is wrong");
    }
    cut_section();
  }

  void read_section_message(const Section& section) {
    switch (section.kind) {
      case SectionKind::Header:
        if (!header) header = read_header_message(section.message());
        if (header) {
          header->tape_id = section.tape_id;
          header->flags = section.flags;
        }
        return;
      case SectionKind::Index: return read_index(section.message());
      case SectionKind::Footer: footer = read_footer_message(section.message()); return;
    }
  }

  void read_index(std::string_view message) {
    if (!columns.empty()) {
      damage.push_back({frame_offset, 0, "the payload of a group is missing", {}});
      open_damage = true;
      columns.clear();
      column_bytes = 0;
    }
    if (!indexes.empty()) indexes.back().rows.clear();
    indexes.push_back(read_index_message(message));
    const std::uint64_t expected = indexes.back().events;
    if (!open_damage && group_hash.value() != indexes.back().hash) {
      damage.push_back({indexes.back().offset, 0, "a group's bytes are not those written", {}});
      open_damage = true;
    }
    if (!open_damage && events_of_group < expected) {
      damage.push_back({indexes.back().offset, 0, "events of a group are missing", {}});
      open_damage = true;
    }
    if (open_damage && expected >= events_of_group) {
      damage.back().events_lost = expected - events_of_group;
    }
    open_damage = false;
    events_of_group = 0;
  }

  // --- finding the way again ---

  // The first thing after `from` in `view` that is a whole index or footer of this tape.
  std::optional<std::size_t> find_section(std::string_view view, std::size_t from) {
    for (std::size_t at = from;; ++at) {
      at = view.find(kSectionMagic, at);
      if (at == std::string_view::npos) return {};
      if (at < kFrameHeaderBytes) continue;
      const std::size_t start = at - kFrameHeaderBytes;
      if (start < from || is_section_at(view.substr(start))) {
        if (start >= from) return start;
      }
    }
  }

  bool is_section_at(std::string_view rest) {
    if (rest.size() < kSectionStart || load_u32(rest.data()) != kSkippableMagic) return false;
    const std::uint64_t size_untrusted =
        load_u32(rest.data() + 4) + std::uint64_t{kFrameHeaderBytes};
    if (size_untrusted > std::min<std::uint64_t>(rest.size(), search_left)) return false;
    search_left -= size_untrusted;
    const AlignedBytes frame(rest.substr(0, size_untrusted));
    const auto section = parse_section(frame.view());
    return section && (!tape_id || section->tape_id == *tape_id);
  }

  // Reports the place and goes on at the next index or footer of this tape, if there is one.
  void damaged(std::uint64_t offset, const std::string& what) {
    in_frame = false;
    columns.clear();
    column_bytes = 0;
    decompressor.reset();
    damage.push_back({offset, 0, what, {}});
    open_damage = true;
    std::optional<std::size_t> next;
    do
      next = find_section(input.view(), 1);  // not the frame that was just refused
    while (!next && search_on());
    input.consume(next.value_or(input.view().size()));
    damage.back().bytes = input.offset() - offset;
    if (!next) finish(tape_id ? TapeEnd::Torn : TapeEnd::Unclosed);
  }

  // What was seen is searched again together with what comes, so that has to be as much: else a
  // source that gives little at a time makes the search quadratic.
  bool search_on() {
    // A section that is not whole yet may begin in what was seen, but not before this.
    const std::size_t seen = input.view().size();
    const std::size_t kept = std::min<std::uint64_t>(seen, kMostSectionBytes);
    input.consume(seen - kept);
    input.fill(2 * kept + 1);
    return input.view().size() > kept;
  }

  // The header can't be read.  It costs nothing but itself: look for the first group.
  void look_for_start() {
    if (!go_to_first_group()) damaged(input.offset(), "the header can't be read");
  }

  bool go_to_first_group() {
    const std::uint64_t offset = input.offset();
    input.fill(kMiBToLookAt);
    const std::string_view view = input.view();
    std::size_t at = 1;
    while ((at = view.find(kZstdMagicBytes, at)) != std::string_view::npos) {
      if (begins_batch_of_a_tape(view.substr(at))) {
        damage.push_back({offset, at, "the header can't be read", {}});
        input.consume(at);
        begin_zstd_frame();
        return true;
      }
      ++at;
    }
    return false;
  }

  static constexpr std::size_t kMiBToLookAt = 1 << 20;

  static bool begins_batch_of_a_tape(std::string_view bytes) {
    Decompressor trial;
    AlignedBytes start;
    start.resize(256);
    std::size_t have = 0;
    while (have < start.view().size() && bytes.size() >= trial.wanted()) {
      const auto step = trial.step(bytes, start.data() + have, start.view().size() - have);
      if (step.error != nullptr) return false;
      if (step.frame_ended) break;
      bytes.remove_prefix(step.consumed);
      have += step.produced;
    }
    const auto head = parse_head(start.view().substr(0, have / 8 * 8));
    return head.has_value();
  }

  // --- groups ---

  void begin_zstd_frame() {
    frame_offset = input.offset();
    in_frame = true;
    frame_ended = false;
    at_block_border = false;
    batches_in_frame = 0;
    if (!columns.empty()) return;  // the second frame of a group
    parser.begin_group();
    group_hash.reset();
  }

  enum class Got : std::uint8_t { All, NothingFrameEnded, NothingCut, Cut, Bad };

  // Decompresses exactly `size` bytes.
  Got read_exact(char* to, std::size_t size, std::string& why) {
    std::size_t have = 0;
    while (have < size) {
      if (frame_ended) {
        why = "a frame ends inside a batch";
        return have == 0 ? Got::NothingFrameEnded : Got::Bad;
      }
      if (!input.fill(decompressor.wanted())) {
        const bool between_batches =
            have == 0 && at_block_border && batches_in_frame > 0 && input.view().empty();
        return between_batches ? Got::NothingCut : Got::Cut;
      }
      const auto step = decompressor.step(input.view(), to + have, size - have);
      group_hash.add(input.view().substr(0, step.consumed));
      input.consume(step.consumed);
      have += step.produced;
      at_block_border = step.at_block_border;
      // Nothing was waiting behind the batch before: it ended here.
      const bool ended_here = at_block_border && have == 0 && step.consumed == 0;
      if (ended_here && batches_in_frame > 0 && columns.empty()) good_until = input.offset();
      if (step.error != nullptr) {
        why = std::string("zstd: ") + step.error;
        return Got::Bad;
      }
      frame_ended = step.frame_ended;
    }
    return Got::All;
  }

  // A body grows with what really comes out of the frame.
  Got read_body(std::uint64_t size, AlignedBytes& body, std::string& why) {
    constexpr std::uint64_t kStep = 4 * kMiB;
    for (std::uint64_t have = 0; have < size;) {
      const std::uint64_t more = std::min(std::max(kStep, have), size - have);
      body.resize(have + more);
      const Got got = read_exact(body.data() + have, more, why);
      if (got != Got::All) return got == Got::NothingFrameEnded ? Got::Bad : got;
      have += more;
    }
    return Got::All;
  }

  static std::optional<BatchHead> parse_head(std::string_view bytes) {
    // One segment: 8 bytes of framing, then the message.
    if (bytes.size() < 16 || load_u32(bytes.data()) != 0) return {};
    const std::uint64_t words = load_u32(bytes.data() + 4);
    if (words == 0 || words * 8 + 8 > bytes.size()) return {};
    const auto read = [&]() -> std::optional<BatchHead> {
      capnp::FlatArrayMessageReader reader(as_words(bytes.substr(0, words * 8 + 8)),
                                           reader_options(bytes.size()));
      const auto record = reader.getRoot<tape::Record>();
      if (record.getKind() != static_cast<std::uint16_t>(RecordKind::Batch)) return {};
      if (!record.hasBatch()) return {};
      const auto from = record.getBatch();
      BatchHead head;
      store_big_endian(from.getTapeIdHigh(), head.tape_id.bytes.data());
      store_big_endian(from.getTapeIdLow(), head.tape_id.bytes.data() + 8);
      head.flags = {from.getIncompatible(), from.getCompatible()};
      head.checksum = from.getChecksum();
      head.body_bytes = from.getBodyBytes();
      head.number = from.getNumber();
      head.group = from.getGroup();
      head.events = from.getEventCount();
      head.part = from.getPart();
      return head;
    };
    try {
      return reading_message("reading a batch header", read);
    } catch (const Error&) {
      return {};
    }
  }

  // The checksum covers the header with the checksum's own field zero, and the body.
  static bool verify(std::string_view head_bytes, std::uint64_t checksum, std::string_view body) {
    AlignedBytes zeroed(head_bytes);
    capnp::FlatArrayMessageReader reader(as_words(zeroed.view()),
                                         reader_options(head_bytes.size()));
    const auto batch = reader.getRoot<tape::Record>().getBatch();
    const auto data = capnp::AnyStruct::Reader(batch).getDataSection();
    if (data.size() < 8) return false;
    const auto at = reinterpret_cast<const char*>(data.begin()) - zeroed.view().data();
    std::memset(zeroed.data() + at, 0, 8);
    Hasher hasher;
    hasher.add(zeroed.view());
    hasher.add(body);
    return hasher.value() == checksum;
  }

  // Reads the next batch of the frame; false when there is none (the state then says what next).
  bool read_batch(EventBatch& batch) {
    constexpr std::size_t kMostHeadWords = 64;
    std::string why;
    AlignedBytes head_bytes;
    head_bytes.resize(8);
    const std::uint64_t start = input.offset();
    Got got = read_exact(head_bytes.data(), 8, why);
    if (got == Got::NothingFrameEnded) {
      in_frame = false;
      good_until = input.offset();
      return false;
    }
    if (got == Got::NothingCut) {
      if (input.offset() > start) return refuse_tail();
      if (columns.empty()) good_until = input.offset();
      columns.empty() ? finish(TapeEnd::Unclosed) : torn("cut inside a group");
      return false;
    }
    const std::uint64_t words = load_u32(head_bytes.data() + 4);
    if (got == Got::All && (load_u32(head_bytes.data()) != 0 || words > kMostHeadWords)) {
      return refuse("a batch has no header", start);
    }
    if (got == Got::All) {
      head_bytes.resize(8 + words * 8);
      got = read_exact(head_bytes.data() + 8, words * 8, why);
    }
    if (got != Got::All) return cut_or_bad(got, why, start);
    return read_body_of(head_bytes, start, batch);
  }

  bool read_body_of(const AlignedBytes& head_bytes, std::uint64_t start, EventBatch& batch) {
    const auto head = parse_head(head_bytes.view());
    if (!head) return refuse("a batch has no header", start);
    if (head->body_bytes > kMostBatchBytes || head->body_bytes % 8 != 0) {
      return refuse("a batch of " + std::to_string(head->body_bytes) + " bytes is over the limit",
                    start);
    }
    AlignedBytes body;
    std::string why;
    const Got got = read_body(head->body_bytes, body, why);
    if (got != Got::All) return cut_or_bad(got, why, start);
    if (!verify(head_bytes.view(), head->checksum, body.view())) {
      return refuse("a batch's checksum is wrong", start);
    }
    if (tape_id && head->tape_id != *tape_id) return refuse("bytes of another tape", start);
    check_flags(head->flags, kFormatVersion, name);
    tape_id = head->tape_id;
    ++batches_in_frame;
    return accept(*head, std::move(body), start, batch);
  }

  bool accept(const BatchHead& head, AlignedBytes body, std::uint64_t start, EventBatch& batch) {
    try {
      if (head.part == 1) {
        column_bytes += body.view().size();
        if (column_bytes > kMostGroupColumnBytes) throw Error("the columns are over the limit");
        columns.push_back({head, std::move(body)});
        return false;
      }
      const auto kept = std::make_shared<const AlignedBytes>(std::move(body));
      if (head.part == 0) {
        parser.parse(kept->view(), kept->view(), batch);
      } else {
        if (columns.empty() || columns.front().head.number != head.number) {
          throw Error("payload without its columns");
        }
        parser.parse(columns.front().body.view(), kept->view(), batch);
        column_bytes -= columns.front().body.view().size();
        columns.pop_front();
      }
      batch.pins.push_back(kept);
    } catch (const Error& error) {
      batch.clear();
      return refuse(error.what(), start);
    }
    events_of_group += batch.events.size();
    if (at_block_border || frame_ended) good_until = input.offset();
    return true;
  }

  bool refuse(const std::string& what, std::uint64_t start) {
    damaged(std::max(start, frame_offset), what);
    return false;
  }

  // Zeros, to zstd, are blocks without content; no writer of ours makes any.
  bool refuse_tail() {
    torn("no batch follows");
    return false;
  }

  bool cut_or_bad(Got got, const std::string& why, std::uint64_t start) {
    if (got == Got::Bad || got == Got::NothingFrameEnded) return refuse(why, start);
    // Does the length of a block lie?  Then something whole may follow.
    if (find_section(input.view(), 0)) return refuse("a block is longer than the group", start);
    torn("cut inside a batch");
    return false;
  }
};

TapeReader::TapeReader(ByteSource& source, std::string name)
    : impl_(std::make_unique<Impl>(source, std::move(name))) {
}
TapeReader::~TapeReader() = default;

bool TapeReader::next(EventBatch& batch) {
  return impl_->next(batch);
}
const std::optional<TapeHeader>& TapeReader::header() const {
  return impl_->header;
}
const std::vector<GroupIndex>& TapeReader::indexes() const {
  return impl_->indexes;
}
const std::optional<TapeFooter>& TapeReader::footer() const {
  return impl_->footer;
}
TapeEnd TapeReader::end() const {
  return impl_->end;
}
std::uint64_t TapeReader::good_until() const {
  return impl_->good_until;
}
const std::vector<Damage>& TapeReader::damage() const {
  return impl_->damage;
}
const std::string& TapeReader::name() const {
  return impl_->name;
}

namespace {

bool read_at(int fd, char* to, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t got = ::pread(fd, to, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

// A section's message, copied to a word border; nullopt when it is not whole.
struct OwnedSection {
  AlignedBytes frame;
  Section section;
};
std::optional<OwnedSection> read_section_at(int fd, std::uint64_t offset, std::uint64_t bytes) {
  if (bytes < kSectionStart || bytes > kMostSectionBytes) return {};
  OwnedSection owned;
  owned.frame.resize(bytes);
  if (!read_at(fd, owned.frame.data(), bytes, offset)) return {};
  const auto section = parse_section(owned.frame.view());
  if (!section) return {};
  owned.section = *section;
  return owned;
}

}  // namespace

std::optional<TapeHeader> read_header(int fd) {
  char start[kFrameHeaderBytes];
  if (!read_at(fd, start, sizeof(start), 0) || load_u32(start) != kSkippableMagic) return {};
  const auto owned = read_section_at(fd, 0, load_u32(start + 4) + std::uint64_t{kFrameHeaderBytes});
  if (!owned || owned->section.kind != SectionKind::Header) return {};
  check_flags(owned->section.flags, owned->section.version, "tape");
  try {
    TapeHeader header = read_header_message(owned->section.message());
    header.tape_id = owned->section.tape_id;
    header.flags = owned->section.flags;
    return header;
  } catch (const Error&) {
    return {};  // whoever reads the tape is told
  }
}

std::optional<TapeSummary> read_summary(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  char tail[kTrailerBytes];
  if (size < kTrailerBytes || !read_at(fd, tail, kTrailerBytes, size - kTrailerBytes)) return {};
  const auto place = parse_trailer({tail, kTrailerBytes});
  if (!place || place->offset > size || place->bytes != size - place->offset) return {};
  const auto owned = read_section_at(fd, place->offset, place->bytes);
  if (!owned || owned->section.kind != SectionKind::Footer) return {};
  auto header = read_header(fd);
  if (!header || header->tape_id != owned->section.tape_id) return {};
  try {
    return TapeSummary{std::move(*header), read_footer_message(owned->section.message()), size};
  } catch (const Error&) {
    return {};  // whoever reads the tape is told
  }
}

}  // namespace smtptape
