// The first passes of a question: which sessions are chosen.
#include <utility>

#include "store/plan/plan.h"

namespace smtptape {

namespace {

// Reads tapes for a question, by their footers or from front to back.
class Reading {
 public:
  Reading(const std::vector<TapeFile>& tapes,
          const TimeWindow& window,
          Recovery recovery,
          const PlannedReading& planned_reading)
      : inputs_(planned_reading.pool != nullptr ? planned(tapes, planned_reading) : tapes,
                window,
                recovery),
        ahead_(inputs_) {}
  [[nodiscard]] EventSource& events() { return ahead_; }

 private:
  Inputs inputs_;
  ReadAhead ahead_;
};

class Collecting {
 public:
  Collecting(const std::vector<TapeFile>& tapes,
             const Selection& selection,
             Recovery recovery,
             std::shared_ptr<GroupPool> pool)
      : tapes_(tapes), selection_(selection), recovery_(recovery), pool_(std::move(pool)) {}

  // What rows and metadata tell; with rules, more than are chosen.
  Collected collect() {
    Collected collected;
    collected.sessions = new_pass(selection_);
    const auto mode =
        selection_.rules != nullptr ? Question::Mode::Candidates : Question::Mode::Collect;
    const auto question = std::make_shared<Question>(selection_, mode, collected.sessions);
    const bool by_time = selection_.takes_whole_sessions() && !selection_.asks_of_wholes();
    const TimeWindow window = by_time ? selection_.window : TimeWindow{};
    EventBatch batch;
    if (pool_ != nullptr) {
      Inputs inputs(planned(tapes_, {question, pool_}), window, recovery_);
      while (inputs.next(batch)) {
      }
    } else {
      Reading reading(tapes_, window, recovery_, {});
      EventChoice choice(*question);
      while (reading.events().next(batch))
        look_at(batch, choice);
    }
    collected.plan = question->plan();
    return collected;
  }

  // Of the candidates those for which the rules hold; null: all are.
  void judge(Collected& collected, const std::shared_ptr<FirstPass>& candidates) {
    const auto exact = new_pass(selection_);
    Question question(selection_, Question::Mode::Collect, exact);
    EventChoice choice(question);
    const auto chooser = selection_.rules->chooser(SessionRules::Complete::WhenSilent);
    collected.judging = read(candidates, [&](const EventBatch& batch) {
      look_at(batch, choice);
      chooser->add(batch);
    });
    SessionChooser::Chosen chosen = chooser->finish();
    mark(chosen, *exact);
    judge_again(chosen.again, *exact);
    if (candidates != nullptr) {
      collected.candidates = candidates->sessions.session_count();
      exact->unmatched = std::move(candidates->unmatched);
    }
    collected.sessions = exact;
  }

 private:
  static constexpr std::size_t kMostAtOnce = 10'000;

  static void look_at(const EventBatch& batch, EventChoice& choice) {
    for (const Event& event : batch.events)
      static_cast<void>(choice.wanted(event));
  }

  void mark(const SessionChooser::Chosen& chosen, FirstPass& pass) const {
    for (const std::string& id : chosen.sessions)
      pass.sessions.mark(id, selection_.rules->all());
  }

  void judge_again(const std::vector<std::string>& ids, FirstPass& pass) {
    for (std::size_t from = 0; from < ids.size(); from += kMostAtOnce) {
      const auto few = new_pass(selection_);
      for (std::size_t i = from; i < std::min(ids.size(), from + kMostAtOnce); ++i)
        few->sessions.mark(ids[i], few->sessions.required());
      const auto chooser = selection_.rules->chooser(SessionRules::Complete::AtTheEnd);
      static_cast<void>(read(few, [&](const EventBatch& batch) { chooser->add(batch); }));
      mark(chooser->finish(), pass);
    }
  }

  // All events of these sessions; null: of all.
  template <class Use>
  ReadingPlan read(const std::shared_ptr<FirstPass>& sessions, Use use) {
    Inputs::rewind_standard_input();
    Selection wholes;
    wholes.sources = selection_.sources;
    if (sessions != nullptr) {
      wholes.scope = Scope::Session;
      wholes.rules = selection_.rules;
    }
    const auto question = std::make_shared<Question>(wholes, Question::Mode::Choose, sessions);
    Reading reading(tapes_, {}, recovery_, {question, pool_});
    SelectedSource chosen = pool_ != nullptr ? SelectedSource(reading.events(), question)
                                             : SelectedSource(reading.events(), wholes, sessions);
    EventBatch batch;
    while (chosen.next(batch))
      use(batch);
    return question->plan();
  }

  const std::vector<TapeFile>& tapes_;
  const Selection& selection_;
  Recovery recovery_;
  std::shared_ptr<GroupPool> pool_;
};

}  // namespace

Collected collect_sessions(const std::vector<TapeFile>& tapes,
                           const Selection& selection,
                           Recovery recovery,
                           const std::shared_ptr<GroupPool>& pool) {
  Collecting collecting(tapes, selection, recovery, pool);
  Collected collected;
  std::shared_ptr<FirstPass> candidates;
  if (pool != nullptr || selection.rules == nullptr) {
    collected = collecting.collect();
    candidates = collected.sessions;
  }
  const bool any = candidates == nullptr || candidates->sessions.session_count() > 0;
  if (selection.rules != nullptr && any) collecting.judge(collected, candidates);
  return collected;
}

}  // namespace smtptape
