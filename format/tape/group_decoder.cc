#include "format/tape/group_decoder.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/aligned_bytes.h"
#include "format/tape/batch_head.h"
#include "format/tape/batch_parser.h"
#include "format/tape/compressor.h"
#include "format/tape/section.h"

namespace smtptape {

namespace {

constexpr std::uint16_t kEverything = 0;
constexpr std::uint16_t kColumns = 1;
constexpr std::uint16_t kPayload = 2;

// A batch of the decompressed group.
struct Piece {
  BatchHead head;
  std::string_view body;
};

// Takes the batch at the start of `left`; nullopt: there is none, or it is not what was written.
std::optional<Piece> take_piece(std::string_view& left) {
  if (left.size() < 8) return {};
  const std::uint64_t words = load_u32(left.data() + 4);
  const std::uint64_t head_bytes = 8 + words * 8;
  if (load_u32(left.data()) != 0 || words > kMostHeadWords || head_bytes > left.size()) return {};
  const std::string_view head_message = left.substr(0, head_bytes);
  const auto head = parse_batch_head(head_message);
  if (!head) return {};
  const std::uint64_t body_bytes = head->body_bytes;
  if (body_bytes > left.size() - head_bytes || body_bytes % 8 != 0) return {};
  const std::string_view body = left.substr(head_bytes, body_bytes);
  if (!is_checksum_good(head_message, head->checksum, body)) return {};
  left.remove_prefix(head_bytes + body_bytes);
  return Piece{*head, body};
}

// Where the system has them, a group's bytes are touched first at a fifth of the cost.
void ask_for_large_pages([[maybe_unused]] char* bytes, [[maybe_unused]] std::size_t size) {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t kWorthIt = 2 * kMiB;
  constexpr std::size_t kPage = 4096;
  if (size < kWorthIt) return;
  const std::size_t before = (kPage - reinterpret_cast<std::uintptr_t>(bytes) % kPage) % kPage;
  ::madvise(bytes + before, (size - before) / kPage * kPage, MADV_HUGEPAGE);
#endif
}

// The frame's content, which the batches point into; null when it can't be had.
std::shared_ptr<const AlignedBytes> decompressed(std::string_view frame,
                                                 std::uint64_t size,
                                                 RoomPool& rooms) {
  if (size > decompressed_bound(frame)) return nullptr;
  std::shared_ptr<AlignedBytes> bytes = rooms.take(size);
  ask_for_large_pages(bytes->data(), size);
  if (!decompress_into(frame, bytes->data(), size)) return nullptr;
  return bytes;
}

}  // namespace

struct GroupDecoder::Impl {
  Impl(const Id128& the_tape, const GroupIndex& the_index, RoomPool the_rooms)
      : tape(the_tape), index(the_index), rooms(std::move(the_rooms)) {}

  // A batch of which everything was compared; its columns are read when they are needed.
  struct Read {
    BatchParser::ColumnsPtr columns = nullptr;
    std::string_view body;
    std::uint32_t events;
    std::vector<bool> wanted;  // empty: all
    bool any = false;          // are
  };

  Id128 tape;
  const GroupIndex& index;
  RoomPool rooms;
  BatchParser parser;
  std::shared_ptr<const AlignedBytes> columns;
  std::shared_ptr<const AlignedBytes> payload;
  std::vector<Read> batches;
  std::vector<std::string_view> payloads;  // one a batch, when the group has two frames
  std::size_t given = 0;                   // of these
  EventBatch outline;                      // of the batch that is chosen from

  [[nodiscard]] bool two_frames() const { return index.column_bytes != 0; }

  // Calls `use` for each batch; false where one is missing, damaged or not of this group.
  template <class Use>
  bool for_each_batch(const AlignedBytes& bytes, std::uint16_t part, Use use) {
    std::string_view left = bytes.view();
    for (std::uint32_t number = 0; !left.empty(); ++number) {
      const auto piece = take_piece(left);
      if (!piece) return false;
      const BatchHead& head = piece->head;
      refuse_newer(head.flags, kFormatVersion, "tape");
      if (head.tape_id != tape || head.group != index.number) return false;
      if (head.number != number || head.part != part) return false;
      if (!use(*piece)) return false;
    }
    return true;
  }

  bool add_columns(std::string_view frame, const ChooseEvents& choose) {
    columns = decompressed(frame, index.column_raw_bytes, rooms);
    if (columns == nullptr) return false;
    parser.begin_group();
    std::uint64_t events = 0;
    const auto use = [&](const Piece& piece) {
      events += piece.head.events;
      if (events > index.events) return false;  // before memory is taken for them
      Read& read = batches.emplace_back();
      read.body = piece.body;
      read.events = piece.head.events;
      read.any = read.events > 0;
      return !choose || (read_columns(read) && choose_events(read, choose));
    };
    const bool good = for_each_batch(*columns, two_frames() ? kColumns : kEverything, use);
    return good && events == index.events;
  }

  bool read_columns(Read& read) {
    read.columns = parser.read_columns(read.body);
    return BatchParser::count_of(*read.columns) == read.events;
  }

  bool choose_events(Read& read, const ChooseEvents& choose) {
    outline.clear();
    parser.outline(*read.columns, outline);
    read.wanted.assign(read.events, false);
    choose(outline.events, read.wanted);
    read.any = std::find(read.wanted.begin(), read.wanted.end(), true) != read.wanted.end();
    return true;
  }

  bool add_payload(std::string_view frame) {
    payload = decompressed(frame, index.payload_raw_bytes, rooms);
    if (payload == nullptr) return false;
    const auto use = [&](const Piece& piece) {
      payloads.push_back(piece.body);
      return payloads.size() <= batches.size() &&
             piece.head.events == batches[payloads.size() - 1].events;
    };
    return for_each_batch(*payload, kPayload, use) && payloads.size() == batches.size();
  }

  void complete(std::size_t place, EventBatch& batch) {
    Read& read = batches[place];
    if (read.columns == nullptr && !read_columns(read)) {
      throw Error("a batch holds other events than it says");
    }
    if (!read.any) return parser.beside(*read.columns, batch);
    const std::string_view text = payloads.empty() ? read.body : payloads[place];
    const bool all = read.wanted.empty();
    parser.complete(*read.columns, text, all ? nullptr : &read.wanted, batch);
    batch.pins.push_back(payload == nullptr ? columns : payload);
    if (all) read.columns.reset();
  }

  bool next(EventBatch& batch) {
    batch.clear();
    if (given == batches.size()) return false;
    complete(given++, batch);
    return true;
  }
};

GroupDecoder::GroupDecoder(const Id128& tape, const GroupIndex& index, RoomPool rooms)
    : impl_(std::make_unique<Impl>(tape, index, std::move(rooms))) {
}
GroupDecoder::~GroupDecoder() = default;

bool GroupDecoder::can_decode(const GroupIndex& index) {
  const bool two_frames = index.column_bytes != 0;
  return index.events <= kMostGroupEvents && index.column_raw_bytes > 0 &&
         index.column_raw_bytes <= kMostGroupInPlace &&
         index.payload_raw_bytes <= kMostGroupInPlace &&
         two_frames == (index.payload_raw_bytes > 0) && index.column_bytes < index.bytes;
}

std::uint64_t GroupDecoder::memory_of(const GroupIndex& index) {
  // Seven columns of 64 bits, and what is told of one whose frame is kept whole.
  constexpr std::uint64_t kOfEvent = sizeof(Event) + 7 * 8 + sizeof(Verbatim);
  return index.bytes + index.column_raw_bytes + index.payload_raw_bytes + index.events * kOfEvent;
}

std::uint64_t GroupDecoder::column_bytes(const GroupIndex& index) {
  return index.column_bytes != 0 ? index.column_bytes : index.bytes;
}

bool GroupDecoder::add_columns(std::string_view frame, const ChooseEvents& choose) {
  return impl_->add_columns(frame, choose);
}

bool GroupDecoder::needs_payload() const {
  return impl_->two_frames() && std::any_of(impl_->batches.begin(),
                                            impl_->batches.end(),
                                            [](const Impl::Read& read) { return read.any; });
}

bool GroupDecoder::add_payload(std::string_view frame) {
  return impl_->add_payload(frame);
}

std::deque<EventBatch> GroupDecoder::take() {
  std::deque<EventBatch> out;
  for (EventBatch batch; impl_->next(batch); batch = EventBatch{}) {
    const bool empty = batch.events.empty() && batch.gaps.empty() && batch.notes.empty() &&
                       batch.clocks.empty() && batch.foreign.empty();
    if (!empty) out.push_back(std::move(batch));
  }
  return out;
}

bool GroupDecoder::next(EventBatch& batch) {
  return impl_->next(batch);
}

}  // namespace smtptape
