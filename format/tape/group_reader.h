// The batches of a group, one after another: decompressed, checked and parsed.
// Private to format/tape.
//
// In the layout of two frames columns wait here for their payload.  What is wrong is not judged:
// the caller is told, and looks for the way on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "format/event.h"
#include "format/tape/aligned_bytes.h"
#include "format/tape/batch_head.h"
#include "format/tape/batch_parser.h"
#include "format/tape/frame_reader.h"
#include "format/tape/tape_scan.h"

namespace smtptape {

class GroupReader {
 public:
  explicit GroupReader(TapeScan& tape) : tape_(tape), frame_(tape.input, tape.compares) {}

  // A zstd frame begins at the input: a group, or the payload of the columns that wait.
  void begin_frame();

  enum class Step : std::uint8_t {
    Batch,     // given
    Columns,   // kept until their payload comes
    FrameEnd,  // no more in this frame
    TapeEnd,   // the tape ends between two batches
    Torn,      // it ends where no writer leaves it
    Cut,       // it ends inside a batch, unless a length lies
    Refused,   // the batch that begins at `at` can't be read
  };
  struct Outcome {
    Step step = Step::Batch;
    std::string why = {};  // Torn, Cut, Refused
    std::uint64_t at = 0;  // Refused
    // Batch, Columns: numbers of groups that should have come before this one.
    std::uint32_t missing = 0;
  };
  // Throws Error when the tape needs a newer program.
  [[nodiscard]] Outcome read_batch(EventBatch& batch);

  [[nodiscard]] bool waits_for_payload() const { return !columns_.empty(); }
  void forget_columns();
  // Gives up the frame, too.
  void forget();

  // Of the group whose batches come.
  [[nodiscard]] std::uint32_t number() const { return group_; }
  // Where it began, and its latest frame.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t frame_offset() const { return frame_offset_; }
  // Whether the compressed bytes of the group have this hash.
  [[nodiscard]] bool has_hash(std::uint64_t hash) const {
    return !tape_.compares || frame_.hash() == hash;
  }

 private:
  using Got = FrameReader::Got;
  Outcome between_batches(Got got, std::uint64_t start);
  Outcome read_body(const AlignedBytes& head_bytes, std::uint64_t start, EventBatch& batch);
  [[nodiscard]] std::string out_of_order(const BatchHead& head) const;
  [[nodiscard]] std::uint32_t enter_group(const BatchHead& head);
  Outcome accept(const BatchHead& head, AlignedBytes body, std::uint64_t start, EventBatch& batch);
  void keep_columns(const BatchHead& head, AlignedBytes body);
  void parse(const BatchHead& head, AlignedBytes body, EventBatch& batch);
  [[nodiscard]] Outcome refused(std::string why, std::uint64_t start) const;
  [[nodiscard]] Outcome cut_or_bad(Got got, std::uint64_t start) const;

  struct Columns {
    BatchHead head;
    AlignedBytes body;
  };

  TapeScan& tape_;
  FrameReader frame_;
  BatchParser parser_;
  std::uint64_t offset_ = 0;  // of the group
  std::uint64_t frame_offset_ = 0;
  std::uint64_t batches_in_frame_ = 0;
  std::uint32_t group_ = 0;  // number of the one that is read
  bool group_begun_ = false;
  std::deque<Columns> columns_;
  std::uint64_t column_bytes_ = 0;
};

}  // namespace smtptape
