// Records back to events.  Private to format/tape.
//
// The bodies handed in have a good checksum, but that only tells damage: a hostile tape has good
// checksums too.  Whatever does not fit throws Error; nothing is allocated on the word of a number.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "format/tape/tape_info.h"
#include "format/wire/wire.h"

namespace smtptape {

struct BatchRecords;

class BatchParser {
 public:
  // A new group: metas and origins start empty.
  void begin_group();

  // Appends the events, gaps and notes of one batch.  `columns` may go away afterwards; `payload`
  // is pointed into (give the same body twice when all records stand in one).  Both start on a
  // word border.
  void parse(std::string_view columns, std::string_view payload, EventBatch& batch);

  // The same in two steps, for whoever wants few of a group's events.  The first takes the batch's
  // metadata into the group; the columns point into `body`.
  struct Columns;
  using ColumnsPtr = std::shared_ptr<const Columns>;
  [[nodiscard]] ColumnsPtr read_columns(std::string_view body);
  [[nodiscard]] static std::size_t count_of(const Columns& columns);
  // Appends the events without texts.  One that was kept whole has a Verbatim that says nothing,
  // and perhaps no metadata: what it holds is not known yet.
  void outline(const Columns& columns, EventBatch& batch);
  // Appends what parse() does, of the events those that are wanted (null: all).
  void complete(const Columns& columns,
                std::string_view payload,
                const std::vector<bool>* wanted,
                EventBatch& batch);
  // Appends what stands beside the events.
  void beside(const Columns& columns, EventBatch& batch);

 private:
  struct ColumnValues;
  struct Texts;
  class Places;
  void read_metas(const BatchRecords& body);
  void charge(std::uint64_t bytes);
  void read_events(const Columns& columns,
                   Texts& texts,
                   const std::vector<bool>* wanted,
                   EventBatch& batch);
  void place(const Columns& columns, Places& places, std::size_t i, Event& event);
  void add_event(std::uint8_t kind, const Meta* meta, std::string_view text, EventBatch& batch);
  // Of the event at this place of a batch.
  [[nodiscard]] const Meta* meta_at(const Columns& columns, std::size_t i) const;
  [[nodiscard]] const Origin* origin_at(const Columns& columns, std::size_t i) const;
  [[nodiscard]] Texts texts_of(const BatchRecords& payload, const Columns& columns) const;
  void read_beside(const Columns& columns, EventBatch& batch);
  void read_gaps(const Columns& columns, EventBatch& batch);
  void pin(EventBatch& batch);

  boost::intrusive_ptr<MetaArena> arena_;  // of the metas
  std::shared_ptr<std::vector<MetaPtr>> metas_;
  std::shared_ptr<std::vector<std::unique_ptr<const Origin>>> origins_;
  std::vector<std::uint32_t> roots_;  // of each meta, the first one that it goes back to
  std::uint64_t meta_bytes_ = 0;      // in memory
  std::uint64_t group_bytes_ = 0;     // decompressed
  bool newer_fields_ = false;         // were seen, and told of in a note
  WireDecoder decoder_;               // of frames that were kept whole
};

}  // namespace smtptape
