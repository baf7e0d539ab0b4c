#include "cli/run/selected_tapes.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "cli/text/empty_answer.h"
#include "cli/text/output.h"
#include "cli/text/plan_text.h"

namespace smtptape {

namespace {

void refuse_damage(const std::vector<TapeFile>& tapes) {
  Inputs inputs(tapes, {}, Recovery::Tail);
  EventBatch batch;
  while (inputs.next(batch)) {
  }
  if (inputs.trouble().damage.empty()) return;
  throw Error(inputs.trouble().damage.front() + "; --recovery skip prints what is good");
}

}  // namespace

SelectedTapes::SelectedTapes(const SelectionOptions& options,
                             const Selection& selection,
                             const std::optional<std::string>& progress)
    : filters_(options.filters),
      explain_(options.explain),
      doubles_(options.doubles()),
      window_(selection.window) {
  const bool strict = options.is_strict();
  const bool twice = selection.needs_two_passes();
  const auto& names = options.tapes;
  if (std::count(names.begin(), names.end(), "-") > 1) {
    throw UsageError("- : standard input can be read only once");
  }
  if ((twice || strict) && std::find(names.begin(), names.end(), "-") != names.end()) {
    Inputs::spool_standard_input();
  }
  if (progress) {
    progress_.emplace(*progress, bytes_of(names, 1U + (twice ? 1U : 0U) + (strict ? 1U : 0U)));
  }
  tapes_ = find_tapes(names);
  if (strict) {
    refuse_damage(tapes_);
    Inputs::rewind_standard_input();
  }
  // Who ends at damage, or looks for what two recorders have, has to see everything.
  const bool sees_all = options.at_damage() == Recovery::Tail ||
                        (doubles_ == Doubles::LeaveOut && may_hold_doubles(tapes_));
  if (!sees_all && hold_events_once(tapes_)) {
    pool_ = std::make_shared<GroupPool>();
  }
  std::shared_ptr<FirstPass> first_pass;
  if (twice) {
    Collected collected = collect_sessions(tapes_, selection, options.at_damage(), pool_);
    first_pass = std::move(collected.sessions);
    first_plan_ = collected.plan;
    sessions_ = first_pass->sessions.session_count();
    Inputs::rewind_standard_input();
  }
  Selection chosen = selection;
  // Of sessions that are told as wholes the times have chosen: what is missing in them counts
  // wherever it is.
  if (selection.named && sessions_ > 0) chosen.window = {};
  ask(chosen, options.at_damage(), std::move(first_pass));
}

void SelectedTapes::ask(const Selection& selection,
                        Recovery recovery,
                        std::shared_ptr<FirstPass> first_pass) {
  const TimeWindow window = selection.whole_sessions ? TimeWindow{} : selection.window;
  if (pool_ == nullptr) {
    inputs_ = std::make_unique<Inputs>(tapes_, window, recovery, doubles_);
    ahead_ = std::make_unique<ReadAhead>(*inputs_);
    selected_ = std::make_unique<SelectedSource>(*ahead_, selection, std::move(first_pass));
    return;
  }
  question_ = std::make_shared<Question>(selection, Question::Mode::Choose, std::move(first_pass));
  for (const TapeFile& tape : tapes_) {
    if (tape.received && !window.touches(*tape.received)) question_->note_outside();
  }
  inputs_ =
      std::make_unique<Inputs>(planned(tapes_, {question_, pool_}), window, recovery, doubles_);
  ahead_ = std::make_unique<ReadAhead>(*inputs_);
  selected_ = std::make_unique<SelectedSource>(*ahead_, question_);
}

SelectedTapes::~SelectedTapes() = default;

void SelectedTapes::explain() const {
  if (question_ == nullptr) {
    say("plan: all is read, from front to back");
    return;
  }
  if (first_plan_) {
    for (const std::string& line : text_of(*first_plan_, "choosing sessions"))
      say(line);
  }
  for (const std::string& line : text_of(question_->plan(), "reading"))
    say(line);
}

void SelectedTapes::finish_reading() {
  progress_.reset();
  ahead_.reset();  // joins its thread: from here on the inputs are ours alone
  if (pool_ != nullptr) pool_->stop();
}

void SelectedTapes::tell_misses() {
  finish_reading();
  for (const std::string& line : text_of(looked_at_of(*selected_, window_), false))
    say(line);
}

bool SelectedTapes::tell_end(Answer answer, Gaps gaps, Misses misses) {
  finish_reading();
  const Tally tally = selected_->tally();
  if (tally.differs_live) filters_.tell_difference();
  if (gaps == Gaps::Tell) tell_gaps();
  tell_trouble();
  if (explain_) explain();
  if (question_ != nullptr && answer == Answer::Empty) look_for_values(tapes_, *question_);
  LookedAt looked_at = looked_at_of(*selected_, window_);
  looked_at.add(tapes_);
  if (misses == Misses::ToldBefore) looked_at.misses.clear();
  // Of a tape that can't be read at all, the damage says it.
  const bool told =
      looked_at.events == 0 && !window_.is_set() && !inputs_->trouble().damage.empty();
  for (const std::string& line : text_of(looked_at, answer == Answer::Empty && !told))
    say(line);
  const bool gap = gaps == Gaps::Tell && selected_->gap_count() > 0;
  return gap || !inputs_->trouble().damage.empty();
}

void SelectedTapes::tell_gaps() const {
  for (const std::string& gap : selected_->gaps())
    say(gap);
  if (selected_->gap_count() > selected_->gaps().size()) {
    say("… and " + counted(selected_->gap_count() - selected_->gaps().size(), "gap") +
        " more; see smtptape info");
  }
}

void SelectedTapes::tell_trouble() const {
  if (inputs_->doubles() > 0) say(text_of_doubles(inputs_->doubles()));
  for (const std::string& notice : inputs_->trouble().notices)
    say(notice);
  for (const std::string& damage : inputs_->trouble().damage)
    say(damage);
}

}  // namespace smtptape
