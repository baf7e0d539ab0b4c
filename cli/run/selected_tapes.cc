#include "cli/run/selected_tapes.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "cli/run/choice_instead.h"
#include "cli/text/empty_answer.h"
#include "cli/text/output.h"
#include "cli/text/plan_text.h"
#include "store/plan/session_ids.h"

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

// The tapes that may hold something of these sources.
std::vector<TapeFile> of_sources(std::vector<TapeFile> tapes,
                                 const std::vector<std::string>& sources) {
  std::erase_if(tapes, [&sources](const TapeFile& tape) {
    const bool told = tape.sealed || !tape.mixed;
    return told && !tape.origins.empty() &&
           std::none_of(tape.origins.begin(), tape.origins.end(), [&](const Origin& origin) {
             return std::find(sources.begin(), sources.end(), origin.source) != sources.end();
           });
  });
  return tapes;
}

}  // namespace

SelectedTapes::SelectedTapes(const SelectionOptions& options,
                             const Selection& selection,
                             const std::optional<std::string>& progress)
    : filters_(options.filters),
      choice_(options.choice),
      explain_(options.explain),
      doubles_(options.doubles()),
      window_(selection.window),
      selection_(selection),
      recovery_(options.at_damage()) {
  const bool strict = options.is_strict();
  const bool twice = selection.needs_two_passes();
  const bool by_id = !selection.sessions.empty() || selection.named;
  const auto& names = options.tapes;
  if (std::count(names.begin(), names.end(), "-") > 1) {
    throw UsageError("- : standard input can be read only once");
  }
  if ((twice || strict || by_id) && std::find(names.begin(), names.end(), "-") != names.end()) {
    Inputs::spool_standard_input();
  }
  if (progress) {
    const unsigned first = (twice ? 1U : 0U) + (selection.rules != nullptr ? 1U : 0U);
    progress_.emplace(*progress, bytes_of(names, 1U + first + (strict ? 1U : 0U)));
  }
  find(names);
  if (strict) {
    refuse_damage(tapes_);
    Inputs::rewind_standard_input();
  }
  if (complete_session_ids(selection_, tapes_)) Inputs::rewind_standard_input();
  // Who ends at damage, or looks for what two recorders have, has to see everything.
  const bool sees_all = options.at_damage() == Recovery::Tail ||
                        (doubles_ == Doubles::LeaveOut && may_hold_doubles(tapes_));
  if (!sees_all && hold_events_once(tapes_)) {
    pool_ = std::make_shared<GroupPool>();
  }
  if (twice) {
    Collected collected = collect_sessions(tapes_, selection_, options.at_damage(), pool_);
    first_pass_ = std::move(collected.sessions);
    first_plan_ = collected.plan;
    judging_ = collected.judging;
    candidates_ = collected.candidates;
    sessions_ = first_pass_->sessions.session_count();
    Inputs::rewind_standard_input();
  }
  // Of sessions that are told as wholes the times have chosen: what is missing in them counts
  // wherever it is.
  if (selection_.named && sessions_ > 0) selection_.window = {};
}

SelectedSource& SelectedTapes::events() {
  if (selected_ == nullptr) ask();
  return *selected_;
}

void SelectedTapes::find(const std::vector<std::string>& names) {
  found_ = find_tapes(names);
  tapes_ = found_;
  sources_ = selection_.sources;
  if (sources_.empty()) return;
  tapes_ = of_sources(std::move(tapes_), sources_);
  const bool any_mixed =
      std::any_of(tapes_.begin(), tapes_.end(), [](const TapeFile& tape) { return tape.mixed; });
  if (!any_mixed) selection_.sources.clear();  // all that is in them
}

void SelectedTapes::ask() {
  const TimeWindow window = selection_.takes_whole_sessions() ? TimeWindow{} : selection_.window;
  if (pool_ == nullptr) {
    inputs_ = std::make_unique<Inputs>(tapes_, window, recovery_, doubles_);
    ahead_ = std::make_unique<ReadAhead>(*inputs_);
    selected_ = std::make_unique<SelectedSource>(*ahead_, selection_, first_pass_);
    return;
  }
  question_ = std::make_shared<Question>(selection_, Question::Mode::Choose, first_pass_);
  for (const TapeFile& tape : tapes_) {
    if (tape.received && !window.touches(*tape.received)) question_->note_outside();
  }
  inputs_ =
      std::make_unique<Inputs>(planned(tapes_, {question_, pool_}), window, recovery_, doubles_);
  ahead_ = std::make_unique<ReadAhead>(*inputs_);
  selected_ = std::make_unique<SelectedSource>(*ahead_, question_);
}

SelectedTapes::~SelectedTapes() = default;

void SelectedTapes::explain() const {
  if (tapes_.size() < found_.size()) {
    say("plan: " + counted(found_.size() - tapes_.size(), "tape") +
        " passed over: of other sources");
  }
  if (pool_ == nullptr) {
    say("plan: all is read, from front to back");
    return;
  }
  if (first_plan_) {
    for (const std::string& line : text_of(*first_plan_, "choosing sessions"))
      say(line);
  }
  if (judging_) {
    for (const std::string& line : text_of(*judging_, "looking at what came out"))
      say(line);
    say("plan: of " + counted(candidates_, "session") + " that may have come out so, " +
        std::to_string(sessions_) + " did");
  }
  for (const std::string& line : told_->plan)
    say(line);
}

void SelectedTapes::finish_reading() {
  progress_.reset();
  if (!told_) read_on();
  ahead_.reset();  // joins its thread: from here on the inputs are ours alone
  if (pool_ != nullptr) pool_->stop();
  if (!told_) told_ = told_of_events();
}

void SelectedTapes::tell_misses() {
  finish_reading();
  LookedAt looked_at = looked_at_of(told_->tally, window_);
  looked_at.misses = selected_->unmatched().misses();
  for (const std::string& line : text_of(looked_at, false))
    say(line);
}

bool SelectedTapes::tell_end(Answer answer, Gaps gaps, Misses misses) {
  if (answer == Answer::Empty) told_.reset();  // the plan tells what there is instead
  finish_reading();
  if (told_->tally.differs_live) filters_.tell_difference();
  if (gaps == Gaps::Tell) tell_gaps();
  tell_trouble();
  if (explain_) explain();
  if (question_ != nullptr && answer == Answer::Empty) look_for_values(tapes_, *question_);
  LookedAt looked_at = looked_at_of(told_->tally, window_);
  looked_at.gaps = told_->gap_count;
  if (selected_ != nullptr) {
    looked_at.misses = selected_->unmatched().misses();
    looked_at.respelled = selected_->unmatched().respelled();
    looked_at.not_known = selected_->not_known();
  } else if (first_pass_ != nullptr) {
    looked_at.misses = first_pass_->unmatched.misses();
    looked_at.respelled = first_pass_->unmatched.respelled();
  }
  looked_at.add(found_);
  tell_sources();
  if (misses == Misses::ToldBefore) looked_at.misses.clear();
  // Of a tape that can't be read at all, the damage says it.
  const bool told = looked_at.events == 0 && !window_.is_set() && !told_->trouble.damage.empty();
  for (const std::string& line : text_of(looked_at, answer == Answer::Empty && !told))
    say(line);
  if (answer == Answer::Empty && sessions_ == 0) {
    for (const std::string& line : choice_instead(choice_, tapes_))
      say(line);
  }
  const bool gap = gaps == Gaps::Tell && told_->gap_count > 0;
  return gap || !told_->trouble.damage.empty();
}

// Where nobody read them: nothing was found in another way.
void SelectedTapes::read_on() {
  if (selected_ != nullptr) return;
  EventBatch batch;
  while (events().next(batch)) {
  }
}

SelectedTapes::Told SelectedTapes::told_of_events() const {
  Told told;
  told.tally = selected_->tally();
  if (inputs_->doubles() > 0) told.trouble.notices.push_back(text_of_doubles(inputs_->doubles()));
  for (const std::string& notice : inputs_->trouble().notices)
    told.trouble.notices.push_back(notice);
  told.trouble.damage = inputs_->trouble().damage;
  told.gaps = selected_->gaps();
  told.gap_count = selected_->gap_count();
  if (question_ != nullptr) told.plan = text_of(question_->plan(), "reading");
  return told;
}

// Of each name that no tape has, what there is.
void SelectedTapes::tell_sources() const {
  std::set<std::string> known;
  for (const TapeFile& tape : found_) {
    for (const Origin& origin : tape.origins)
      known.insert(origin.source);
  }
  for (const std::string& name : sources_) {
    if (known.contains(name)) continue;
    std::string there;
    for (const std::string& each : known)
      there += (there.empty() ? "" : ", ") + each;
    say("no tape of --source-name \"" + name + "\"; there " + (known.size() == 1 ? "is " : "are ") +
        (there.empty() ? "none with a name" : there));
  }
}

void SelectedTapes::tell_gaps() const {
  for (const std::string& gap : told_->gaps)
    say(gap);
  if (told_->gap_count > told_->gaps.size()) {
    say("… and " + counted(told_->gap_count - told_->gaps.size(), "gap") +
        " more; see smtptape info");
  }
}

void SelectedTapes::tell_trouble() const {
  for (const std::string& notice : told_->trouble.notices)
    say(notice);
  for (const std::string& damage : told_->trouble.damage)
    say(damage);
}

}  // namespace smtptape
