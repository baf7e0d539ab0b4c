// What a command that follows a recording needs beside the events: when to end, and where the text
// goes.
#pragma once

#include <memory>
#include <string_view>

#include "base/io.h"
#include "capture/stop_signal.h"
#include "cli/options/selection_options.h"
#include "cli/run/selected_tapes.h"
#include "cli/text/output.h"
#include "store/follow/follow.h"
#include "store/plan/selection.h"

namespace smtptape {

// The events that were chosen, for as long as they come.  What else there is to tell goes to
// standard error as it happens.  The first SIGINT or SIGTERM ends them; the second the process.
class FollowedTapes : public EventSource {
 public:
  // Throws UsageError where the options and following exclude each other.
  FollowedTapes(const SelectionOptions& options, const Selection& selection);

  // Throws OutputClosed as soon as nobody reads standard output any more.
  [[nodiscard]] bool next(EventBatch& batch) override;
  // At the end: tells what there is instead of an empty answer.  True when something of the
  // selection may be missing.
  [[nodiscard]] bool tell_end(Answer answer) const;

  // To standard output; gives up when asked to end while nobody takes it.
  void write(std::string_view text);

 private:
  StopSignal stop_;
  StopOnSignals on_signals_{stop_};
  StandardOutput out_;
  FollowSource source_;
  SelectedSource selected_;
  const FilterOptions& filters_;
  TimeWindow window_;
};

}  // namespace smtptape
