#include "store/tape_stream.h"

#include <unistd.h>

#include <string>

#include "base/error.h"
#include "format/tape/tape_lock.h"
#include "store/input_files.h"
#include "store/tape_check.h"

namespace smtptape {

bool TapeStream::next(EventBatch& batch) {
  if (told_) return false;
  try {
    if (read(batch)) return true;
    tell();
  } catch (const Error& error) {
    if (file_.named) throw;
    batch.clear();
    report_.trouble.damage.push_back(std::string(error.what()) + "; passed over");
  }
  told_ = true;
  return false;
}

bool TapeStream::read(EventBatch& batch) {
  if (!reader_) open();
  if (!reader_->next(batch)) return false;
  // What damage there is lies before this batch.
  if (recovery_ == Recovery::Skip || reader_->damage().empty()) {
    note(batch);
    return true;
  }
  batch.clear();
  return false;
}

void TapeStream::open() {
  const bool standard_input = file_.path == kStandardInput;
  const std::string name = standard_input ? "standard input" : file_.path.string();
  UniqueFd fd = standard_input ? UniqueFd(::dup(STDIN_FILENO))
                               : open_input(file_.path, links_to(file_.named));
  live_ = !standard_input && is_being_written(fd.get());
  if (!standard_input) share_byte(fd.get(), kReaderByte);
  source_ = std::make_unique<FdSource>(std::move(fd), name);
  reader_ = std::make_unique<TapeReader>(*source_, name);
}

void TapeStream::tell() {
  note_end();
  const std::string& name = reader_->name();
  if (live_ && ends_normally_while_written(*reader_)) {
    report_.trouble.notices.push_back(name + ": is being written; read to its end at " +
                                      std::to_string(reader_->good_until()));
    return;
  }
  for (const Damage& damage : reader_->damage())
    report_.trouble.damage.push_back(name + " " + text_of(damage));
  if (reader_->end() == TapeEnd::Unclosed) {
    report_.trouble.notices.push_back(text_of_unclosed(*reader_));
  }
}

// What the tapes beside it in its row have to know.  A footer has told all of it before.
void TapeStream::note(const EventBatch& batch) {
  if (!file_.row) return;
  if (!file_.sealed) {
    for (const Gap& gap : batch.gaps)
      note_gap(*file_.row, gap);
    if (!batch.events.empty()) {
      file_.row->last_sequence = batch.events.back().sequence;
      file_.row->last_received = batch.events.back().received;
    }
  }
  report_.rows.begun(file_.place_in_row, *file_.row);
}

void TapeStream::note_end() {
  if (!file_.row) return;
  if (!file_.sealed) {
    file_.row->good_until = reader_->good_until();
    file_.row->live = live_;
  }
  report_.rows.ended(file_.place_in_row, *file_.row);
}

}  // namespace smtptape
