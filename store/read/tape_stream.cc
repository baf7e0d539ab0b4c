#include "store/read/tape_stream.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "format/tape/tape_lock.h"
#include "store/check/tape_check.h"
#include "store/find/input_files.h"

namespace smtptape {

void TapeShare::keep(EventBatch& batch) const {
  if (rows == nullptr) return;
  // What is known of the origin before: nearly always it is the same one.
  const Origin* latest = nullptr;
  bool is_ours = rest;
  const auto ours = [&](const Origin* origin) {
    if (origin == latest) return is_ours;
    latest = origin;
    const auto of_origin = origin == nullptr ? std::nullopt : rows->row_of(origin->capture);
    is_ours = of_origin ? *of_origin == row : rest;
    return is_ours;
  };
  std::erase_if(batch.events, [&](const Event& event) { return !ours(event.origin); });
  std::erase_if(batch.gaps, [&](const Gap& gap) { return !ours(gap.origin); });
  if (rest) return;
  batch.notes.clear();
  batch.clocks.clear();
  batch.foreign.clear();
}

bool TapeStream::next(EventBatch& batch) {
  if (told_) return false;
  try {
    if (read(batch)) return true;
    tell();
  } catch (const Error& error) {
    if (file_.named) throw;
    batch.clear();
    give_choice_back();
    tell_damage(std::string(error.what()) + "; passed over");
  }
  told_ = true;
  return false;
}

TapeStream::~TapeStream() {
  give_choice_back();
}

void TapeStream::give_choice_back() {
  if (choice_ != nullptr) file_.reading->question->give_back(std::move(choice_));
}

bool TapeStream::read(EventBatch& batch) {
  if (!reader_ && !planned_) open();
  if (!(planned_ ? planned_->next(batch) : reader_->next(batch))) return false;
  // What damage there is lies before this batch.
  if (recovery_ == Recovery::Tail && !damage().empty()) {
    batch.clear();
    return false;
  }
  note(batch);
  if (choice_ != nullptr) choice_->keep(batch, left_out_);
  share_.keep(batch);
  return true;
}

std::int64_t TapeStream::left_out_until() const {
  return planned_ ? planned_->left_out_until() : left_out_.until;
}

const std::vector<Damage>& TapeStream::damage() const {
  return planned_ ? planned_->damage() : reader_->damage();
}

// Null: it can't be read by its footer.  A copy may have been put in its place since.
std::shared_ptr<const SealedTape> TapeStream::footer_of(int fd) const {
  if (!file_.sequences) return nullptr;
  if (file_.footer != nullptr) {
    const auto header = read_header(fd);
    return header && header->tape_id == file_.header->tape_id ? file_.footer : nullptr;
  }
  auto summary = read_summary(fd);
  return summary ? plan_of(std::move(*summary), FooterHashes::Keep) : nullptr;
}

void TapeStream::open() {
  const bool standard_input = file_.path == kStandardInput;
  const std::string name = name_of_input(file_.path);
  UniqueFd fd = open_input(file_.path, links_to(file_.named));
  live_ = !standard_input && is_being_written(fd.get());
  if (!standard_input) share_byte(fd.get(), kReaderByte);
  if (file_.reading != nullptr) {
    if (auto footer = footer_of(fd.get())) {
      planned_ =
          std::make_unique<PlannedTape>(std::move(fd), name, std::move(footer), *file_.reading);
      return;
    }
    choice_ = file_.reading->question->borrow();
    file_.reading->question->note_tape(true);
  }
  source_ = std::make_unique<FdSource>(std::move(fd), name);
  reader_ = std::make_unique<TapeReader>(*source_, name);
}

void TapeStream::tell() {
  note_end();
  const std::string& name = planned_ ? planned_->name() : reader_->name();
  give_choice_back();
  if (reader_ && live_ && ends_normally_while_written(*reader_)) {
    if (!share_.rest) return;
    report_.trouble.notices.push_back(name + ": is being written; read to its end at " +
                                      std::to_string(reader_->good_until()));
    return;
  }
  for (const Damage& place : damage())
    tell_damage(name + " " + text_of(place));
  if (reader_ && reader_->end() == TapeEnd::Unclosed && share_.rest) {
    report_.trouble.notices.push_back(text_of_unclosed(*reader_));
  }
}

// Once of each tape; but whoever meets it first says so where it is the end.
void TapeStream::tell_damage(const std::string& line) {
  std::vector<std::string>& told = report_.trouble.damage;
  if (share_.rest || (recovery_ == Recovery::Tail && told.empty())) told.push_back(line);
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
