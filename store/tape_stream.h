// One tape among those that are read: opened when its first event is asked for, and at its end it
// is told how it ended.
#pragma once

#include <memory>
#include <utility>

#include "base/io.h"
#include "format/event.h"
#include "format/tape/tape_reader.h"
#include "store/inputs.h"
#include "store/tape_row.h"

namespace smtptape {

// What the streams of all tapes share; outlives them.
struct InputReport {
  InputTrouble trouble;
  TapeRows rows;
};

class TapeStream : public EventSource {
 public:
  TapeStream(TapeFile file, InputReport& report, Recovery recovery)
      : file_(std::move(file)), report_(report), recovery_(recovery) {}

  [[nodiscard]] bool next(EventBatch& batch) override;
  [[nodiscard]] const TapeFile& file() const { return file_; }

 private:
  [[nodiscard]] bool read(EventBatch& batch);
  void open();
  void tell();
  void note(const EventBatch& batch);
  void note_end();

  TapeFile file_;
  InputReport& report_;
  Recovery recovery_;
  std::unique_ptr<FdSource> source_;
  std::unique_ptr<TapeReader> reader_;
  bool live_ = false;  // when it was opened
  bool told_ = false;
};

}  // namespace smtptape
