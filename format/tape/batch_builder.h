// Collects the events of one batch as columns and turns them into records.  Private to
// format/tape.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <capnp/message.h>

#include "base/growing_bytes.h"
#include "format/event.h"
#include "format/tape/group_names.h"
#include "format/tape/payload_order.h"
#include "format/tape/tape_info.h"

namespace smtptape {

// The bytes of a part of a batch, in order, without the batch header.  Pieces point into the
// builder or into `messages`.
struct BatchBody {
  std::vector<std::unique_ptr<capnp::MallocMessageBuilder>> messages;
  std::vector<std::unique_ptr<std::string>> texts;
  std::vector<std::string_view> pieces;
  [[nodiscard]] std::uint64_t bytes() const;
};

class BatchBuilder {
 public:
  // `origin` is what an event without one comes from.
  explicit BatchBuilder(Origin origin) : default_origin_(std::move(origin)) {}

  // Copies what it needs; returns how its metadata is named, place 0 where the group has none of
  // it.
  GroupNames::Named add(const Event& event, GroupNames& names);
  void add(const Gap& gap, GroupNames& names);
  void add(const Note& note);
  void add(const ClockReading& clock);
  // A record of a kind that we don't know, as it stood in another tape.
  void add_foreign(std::string_view record) {
    loose_.append(record);
    ++loose_records_;
  }

  [[nodiscard]] bool empty() const { return events_ == 0 && gaps_ == 0 && loose_.empty(); }
  [[nodiscard]] std::uint32_t events() const { return events_; }
  // Records beside those of events: gaps, notes, clocks, unknown ones.
  [[nodiscard]] std::uint32_t loose_records() const { return loose_records_; }
  [[nodiscard]] std::uint64_t first_sequence() const { return first_sequence_; }

  // The two may run at the same time.
  void append_columns(BatchBody& body) const;
  void append_payload(BatchBody& body, PayloadOrder order);
  void clear();

 private:
  void append_metas(BatchBody& body) const;
  void append_events(BatchBody& body) const;
  void order_by_session(std::size_t size);
  std::uint16_t origin_place(const Origin* origin, GroupNames& names);
  void add_meta(const Meta& meta, const GroupNames::Named& named);
  GroupNames::Named name_meta(const Event& event, GroupNames& names);
  void add_times(const Event& event);
  std::uint64_t add_text(const Event& event);

  Origin default_origin_;
  std::uint32_t events_ = 0;
  std::uint32_t gaps_ = 0;
  std::uint32_t loose_records_ = 0;
  std::uint64_t first_sequence_ = 0;
  std::uint64_t last_sequence_ = 0;
  std::int64_t first_when_ = 0;
  std::int64_t last_when_ = 0;
  std::int64_t first_received_ = 0;
  std::int64_t last_received_ = 0;
  bool received_follows_when_ = true;
  std::vector<std::int64_t> skipped_, when_, received_, meta_, length_, flags_, origin_;
  std::vector<std::uint8_t> kind_;
  std::vector<std::uint32_t> root_;  // of each event's meta
  struct Original {
    std::uint32_t index;
    std::uint64_t length;
  };
  std::vector<Original> original_;
  std::string text_;      // in the order of the events
  GrowingBytes ordered_;  // in another
  struct Frame {
    std::string bytes;
    Opcode opcode;
  };
  std::vector<Frame> frames_;
  struct NewMeta {
    MetaPtr meta;
    MetaPtr parent;  // what the delta points to
    std::uint32_t parent_place;
    std::uint32_t set_until;  // in set_
    std::uint32_t removed_until;
  };
  std::vector<NewMeta> new_metas_;
  std::vector<Meta::Entry> set_;
  std::vector<std::string_view> removed_;
  std::string origins_;  // records, serialized; they come first
  std::string loose_;    // gaps, notes and clocks, serialized
};

}  // namespace smtptape
