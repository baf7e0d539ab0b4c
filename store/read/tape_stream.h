// One tape among those that are read, or as much of it as belongs to a row: opened when its first
// event is asked for, and at its end it is told how it ended.
#pragma once

#include <memory>
#include <utility>

#include "base/io.h"
#include "format/event.h"
#include "format/tape/tape_reader.h"
#include "store/check/tape_row.h"
#include "store/merge/capture_rows.h"
#include "store/plan/planned_tape.h"
#include "store/read/inputs.h"

namespace smtptape {

// What the streams of all tapes share; outlives them.
struct InputReport {
  InputTrouble trouble;
  TapeRows rows;
};

// A tape that holds events of several rows is read once for each.
struct TapeShare {
  const CaptureRows* rows = nullptr;  // null: all of the tape
  std::size_t row = 0;
  bool rest = true;  // with what belongs to no row, and with what there is to tell of the tape

  // Leaves in `batch` what belongs to it.
  void keep(EventBatch& batch) const;
};

class TapeStream : public EventSource {
 public:
  TapeStream(TapeFile file, InputReport& report, Recovery recovery, const TapeShare& share = {})
      : file_(std::move(file)), report_(report), recovery_(recovery), share_(share) {}

  ~TapeStream() override;
  [[nodiscard]] bool next(EventBatch& batch) override;
  // The latest time of reception of events that a question left out.
  [[nodiscard]] std::int64_t left_out_until() const;

 private:
  [[nodiscard]] bool read(EventBatch& batch);
  [[nodiscard]] std::shared_ptr<const SealedTape> footer_of(int fd) const;
  void give_choice_back();
  [[nodiscard]] const std::vector<Damage>& damage() const;
  void open();
  void tell();
  void tell_damage(const std::string& line);
  void note(const EventBatch& batch);
  void note_end();

  TapeFile file_;
  InputReport& report_;
  Recovery recovery_;
  TapeShare share_;
  std::unique_ptr<FdSource> source_;
  std::unique_ptr<TapeReader> reader_;
  LeftOut left_out_;                      // of it
  std::unique_ptr<EventChoice> choice_;   // beside it, when something is asked
  std::unique_ptr<PlannedTape> planned_;  // instead, when the footer tells what is read
  bool live_ = false;                     // when it was opened
  bool told_ = false;
};

}  // namespace smtptape
