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
  // `progress`: the name of the command, when its answer does not go to a terminal itself.
  SelectedTapes(const SelectionOptions& options,
                Selection selection,
                const std::optional<std::string>& progress);
  ~SelectedTapes();
  SelectedTapes(const SelectedTapes&) = delete;
  SelectedTapes& operator=(const SelectedTapes&) = delete;

  [[nodiscard]] SelectedSource& events() { return *selected_; }
  // That a first pass has chosen; 0 without one.
  [[nodiscard]] std::size_t sessions() const { return sessions_; }
  [[nodiscard]] const std::vector<TapeFile>& tapes() const { return tapes_; }
  // At the end: tells gaps, damage and notices on stderr; of an empty answer, what there is
  // instead.  True when something is missing.
  enum class Gaps : std::uint8_t {
    Tell,
    ToldBefore,  // those that matter: of the others nothing is said, and nothing is missing
  };
  [[nodiscard]] bool tell_end(Answer answer, Gaps gaps = Gaps::Tell);

 private:
  void find(const std::vector<std::string>& names, Selection& selection);
  void tell_sources() const;
  void tell_gaps() const;
  void tell_trouble() const;

  void ask(const Selection& selection, Recovery recovery, std::shared_ptr<FirstPass> first_pass);
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
  std::optional<ReadingPlan> judging_;
  std::size_t candidates_ = 0;
  std::size_t sessions_ = 0;
  std::shared_ptr<Question> question_;  // with a pool
  std::unique_ptr<Inputs> inputs_;
  std::unique_ptr<ReadAhead> ahead_;
  std::unique_ptr<SelectedSource> selected_;
};

}  // namespace smtptape
