// Collects the records of one group: batch by batch what is written, and what its index will say.
// Private to format/tape.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "format/event.h"
#include "format/tape/batch_builder.h"
#include "format/tape/group_names.h"
#include "format/tape/session_row_builder.h"
#include "format/tape/tape_info.h"
#include "format/tape/tape_options.h"

namespace smtptape {

class GroupBuilder {
 public:
  // `header` and `options` outlive it.
  GroupBuilder(const TapeHeader& header, const TapeOptions& options);

  // A group is open from its first record on.
  void open_if_closed(std::uint32_t number);
  [[nodiscard]] bool is_open() const { return open_; }

  // The open group's next record goes to `batch`, which is ended when it is full, as the group is.
  void add(const Event& event, BatchBuilder& batch);
  void add(const Gap& gap, BatchBuilder& batch);
  void add(const Note& note, BatchBuilder& batch) { batch.add(note); }
  void add(const ClockReading& clock, BatchBuilder& batch) { batch.add(clock); }
  // Of a kind that we don't know.
  void add_foreign(std::string_view record, BatchBuilder& batch);
  [[nodiscard]] bool is_batch_full(const BatchBuilder& batch) const;
  [[nodiscard]] bool is_full() const;
  // The number of the batch that ends.
  [[nodiscard]] std::uint32_t end_batch();

  // What the index says: `index` without sizes, place, hash and all that `rows` still holds.
  struct Gathered {
    GroupIndex index;
    std::unique_ptr<SessionRowBuilder> rows;
  };
  [[nodiscard]] Gathered end();

 private:
  void count(const Event& event);

  const TapeHeader& header_;
  const TapeOptions& options_;
  GroupNames names_;
  std::unique_ptr<SessionRowBuilder> rows_;  // of the open group
  RowsBefore rows_before_;
  GroupIndex group_;
  bool open_ = false;
  bool foreign_ = false;  // it holds records that the index knows nothing of
  bool when_seen_ = false;
  std::uint32_t batches_ = 0;
  std::uint64_t batch_wire_bytes_ = 0;
};

// Fills in rows, summaries and filters, and gives the rows.
[[nodiscard]] std::vector<SessionRow> finish_index(GroupBuilder::Gathered& gathered);

}  // namespace smtptape
