// The options that commands share: the twelve filters, scope, time window, text output.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/options/choice_options.h"
#include "cli/options/options.h"
#include "filters/request.h"
#include "replay/renderer.h"
#include "store/plan/selection.h"
#include "store/read/inputs.h"

namespace smtptape {

// --source … --ready-queue, --as-live.
struct FilterOptions {
  OptionValues values;
  bool as_live = false;
  bool terse = false;

  void describe(Options& options);
  // Without --terse and --as-live; `what` passes them.
  void describe_properties(Options& options, const std::string& what);
  [[nodiscard]] Honour honour() const { return as_live ? Honour::AsLive : Honour::Documented; }
  // Something of it was given.
  [[nodiscard]] bool any() const;
  // Throws Error for what is no network.
  [[nodiscard]] TraceRequest request() const;
  // Tells on stderr of those of these options in which the manual and the live tool differ: for
  // when that made a difference.
  void tell_difference() const;
};

// --scope, --since, --until on top of them, what has to have come out, and the tapes to read.
struct SelectionOptions {
  FilterOptions filters;
  ChoiceOptions choice;
  std::vector<std::string> tapes;
  std::optional<std::string> scope;
  std::string default_scope;
  std::optional<std::string> since;
  std::optional<std::string> until;
  std::string recovery = "skip";
  bool explain = false;
  bool keep_doubles = false;
  bool follows = false;  // what is not there yet can't choose

  void describe(Options& options, const std::string& without_choice);
  [[nodiscard]] Selection selection() const;
  // For a command that tells of sessions as wholes: no --scope, no --terse, no --as-live; and that
  // knows what to read when no tape is named.
  void describe_whole_sessions(Options& options);
  [[nodiscard]] Selection whole_sessions() const;
  // For the server: what it reads is told by the client, and files of frames are read, too.
  void describe_served(Options& options);
  [[nodiscard]] TimeWindow window() const;
  [[nodiscard]] bool is_strict() const;
  [[nodiscard]] Recovery at_damage() const;
  [[nodiscard]] Doubles doubles() const { return keep_doubles ? Doubles::Keep : Doubles::LeaveOut; }

 private:
  void describe_scope(Options& options, const std::string& without_choice);
  void describe_times(Options& options);
  void describe_doubles(Options& options);
  void describe_reading(Options& options);
  [[nodiscard]] Scope chosen_scope() const;
};

// --color, --only-new, --only-one, --kcli-profile; --terse and --as-live come from the filters.
struct TextOptions {
  std::string color = "tty";
  bool only_new = false;
  bool only_one = false;
  std::string profile = "halfup";

  void describe(Options& options);
  [[nodiscard]] RenderOptions render(const FilterOptions& filters) const;
};

}  // namespace smtptape
