// A group of a sealed tape as a function of its bytes: decompressed into place, every checksum
// compared, and of its events those that are wanted.
//
// The columns come first.  They tell which events are wanted; the payload, the larger part, is
// decompressed only when one is.  What is not as the group's index says is refused as a whole:
// whoever reads the tape then scans the group, and tells what is wrong (TapeReader).
//
// Where everything is wanted, batches become events one after another, as they are asked for: what
// stays in memory is the group's bytes, and not a hundred thousand events.
//
// No I/O, no clock; one thread at a time, and any number of decoders side by side.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "format/tape/room_pool.h"
#include "format/tape/tape_info.h"

namespace smtptape {

// Sets, of a batch's events, those that are wanted (all are false before).  The events have no
// texts; of one that was kept whole nothing is known but its sequence and time, and its metadata is
// perhaps missing.
using ChooseEvents = std::function<void(std::span<const Event> events, std::vector<bool>& wanted)>;

class GroupDecoder {
 public:
  // `index` is the group's, of a tape with this id; it outlives the decoder.  `rooms`: what is
  // decompressed into.
  GroupDecoder(const Id128& tape, const GroupIndex& index, RoomPool rooms = {});
  ~GroupDecoder();
  GroupDecoder(const GroupDecoder&) = delete;
  GroupDecoder& operator=(const GroupDecoder&) = delete;

  // Whether the index says enough to decompress into place: sizes that tapes from before them lack,
  // and that are within bounds.
  [[nodiscard]] static bool can_decode(const GroupIndex& index);
  // Bytes that the group takes when it is decoded.
  [[nodiscard]] static std::uint64_t memory_of(const GroupIndex& index);
  // Of the group's bytes, those of the first frame, or of the only one.
  [[nodiscard]] static std::uint64_t column_bytes(const GroupIndex& index);

  // The first frame.  Without `choose` every event is wanted.  False: it is not as it should be.
  // What the frames hold lives as long as this, and as the batches that were made of it.
  // Throws Error when the tape needs a newer program.
  [[nodiscard]] bool add_columns(std::string_view frame, const ChooseEvents& choose);
  // Something is wanted whose text stands in the second frame.
  [[nodiscard]] bool needs_payload() const;
  // The second frame.
  [[nodiscard]] bool add_payload(std::string_view frame);

  // The wanted events in batches, with the gaps and notes of all.  Once, at the end.
  [[nodiscard]] std::deque<EventBatch> take();
  // Instead, one batch after another, those with nothing in them as well; false: there is none.
  // Throws Error at one that makes no sense, though its checksum is good.
  [[nodiscard]] bool next(EventBatch& batch);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
