// The events that were chosen, and what there is to tell beside them.  What replay, export, extract
// and snapshot share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/selection_options.h"
#include "cli/text/progress.h"
#include "store/plan/plan.h"
#include "store/plan/selection.h"
#include "store/read/inputs.h"

namespace smtptape {

// Whether anything came out in the end.
enum class Answer : std::uint8_t { Empty, Something };

// Read ahead on another thread; with Scope::Session after a first pass over the tapes, with
// --recovery strict after one that throws Error at damage.
class SelectedTapes {
 public:
  struct Told {
    Tally tally;
    InputTrouble trouble;
    std::vector<std::string> gaps;  // the first few
    std::uint64_t gap_count = 0;
    std::vector<std::string> plan;  // for --explain
  };

  // `progress`: the name of the command, when its answer does not go to a terminal itself.
  SelectedTapes(const SelectionOptions& options,
                const Selection& selection,
                const std::optional<std::string>& progress);
  ~SelectedTapes();
  SelectedTapes(const SelectedTapes&) = delete;
  SelectedTapes& operator=(const SelectedTapes&) = delete;

  // Read from the first call on.
  [[nodiscard]] SelectedSource& events();
  // That a first pass has chosen; 0 without one.
  [[nodiscard]] std::size_t sessions() const { return sessions_; }
  [[nodiscard]] const std::vector<TapeFile>& tapes() const { return tapes_; }
  // For who reads them in another way: threads, where what is wanted can be chosen before the tapes
  // are merged (else null), and what a first pass has chosen (null without one).
  [[nodiscard]] const std::shared_ptr<GroupPool>& pool() const { return pool_; }
  [[nodiscard]] const std::shared_ptr<FirstPass>& first_pass() const { return first_pass_; }
  [[nodiscard]] const TimeWindow& window() const { return window_; }
  [[nodiscard]] const Selection& selection() const { return selection_; }
  // The same events of several recorders come out: what is told of sessions is told of each one's.
  [[nodiscard]] bool tells_recorders_apart() const {
    return doubles_ == Doubles::Keep && may_hold_doubles(tapes_);
  }
  // At the end of the events, before tell_end(): what that will tell.
  [[nodiscard]] const Told& told() {
    finish_reading();
    return *told_;
  }
  // And what it has to tell at the end instead of the events.
  void tell_instead(Told told) { told_ = std::move(told); }
  // At the end: tells gaps, damage and notices on stderr; of an empty answer, what there is
  // instead.  True when something is missing.
  enum class Gaps : std::uint8_t {
    Tell,
    ToldBefore,  // those that matter: of the others nothing is said, and nothing is missing
  };
  enum class Misses : std::uint8_t {
    Tell,        // values that were asked for and no event has
    ToldBefore,  // of more than what is read now
  };
  [[nodiscard]] bool tell_end(Answer answer, Gaps gaps = Gaps::Tell, Misses misses = Misses::Tell);
  // At the end of a first look at all of it.
  void tell_misses();

 private:
  void find(const std::vector<std::string>& names);
  void tell_sources() const;
  void finish_reading();
  void tell_gaps() const;
  void tell_trouble() const;
  void ask();
  void read_on();
  [[nodiscard]] Told told_of_events() const;
  void explain() const;

  const FilterOptions& filters_;
  const ChoiceOptions& choice_;
  bool explain_;
  Doubles doubles_;
  TimeWindow window_;
  std::optional<Progress> progress_;
  std::vector<std::string> sources_;  // that are asked for; none: all
  std::vector<TapeFile> found_;
  std::vector<TapeFile> tapes_;      // of these, what may hold something of the sources
  std::shared_ptr<GroupPool> pool_;  // null: the tapes are read from front to back
  std::optional<ReadingPlan> first_plan_;
  std::shared_ptr<FirstPass> first_pass_;
  Selection selection_;  // of the events
  Recovery recovery_;
  std::optional<ReadingPlan> judging_;
  std::size_t candidates_ = 0;
  std::size_t sessions_ = 0;
  std::shared_ptr<Question> question_;  // with a pool
  std::unique_ptr<Inputs> inputs_;
  std::unique_ptr<ReadAhead> ahead_;
  std::unique_ptr<SelectedSource> selected_;
  std::optional<Told> told_;
};

}  // namespace smtptape
