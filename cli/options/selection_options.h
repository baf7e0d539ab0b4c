// The options that commands share: the twelve filters, scope, time window, text output.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/options.h"
#include "filters/request.h"
#include "replay/inputs.h"
#include "replay/renderer.h"
#include "replay/selection.h"

namespace smtptape {

// --source … --ready-queue, --as-live.
struct FilterOptions {
  OptionValues values;
  bool as_live = false;
  bool terse = false;

  void describe(Options& options);
  [[nodiscard]] Honour honour() const { return as_live ? Honour::AsLive : Honour::Documented; }
  // Something of it was given.
  [[nodiscard]] bool any() const;
  // Throws Error for what is no network.
  [[nodiscard]] TraceRequest request() const;
  // Tells on stderr when the manual and the live tool would differ for these options.
  void tell_difference() const;
};

// --scope, --since, --until on top of them, and the tapes to read.
struct SelectionOptions {
  FilterOptions filters;
  std::vector<std::string> tapes;
  std::string scope;
  std::optional<std::string> since;
  std::optional<std::string> until;
  std::string recovery = "skip";

  void describe(Options& options, const std::string& default_scope);
  [[nodiscard]] Selection selection() const;
  [[nodiscard]] bool is_strict() const;
  [[nodiscard]] Recovery at_damage() const;
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

// The events that were chosen, read ahead on another thread; with Scope::Session after a first
// pass over the tapes, with --recovery strict after one that throws Error at damage.
class SelectedTapes {
 public:
  SelectedTapes(const SelectionOptions& options, const Selection& selection);
  ~SelectedTapes();
  SelectedTapes(const SelectedTapes&) = delete;
  SelectedTapes& operator=(const SelectedTapes&) = delete;

  [[nodiscard]] EventSource& events();
  [[nodiscard]] std::uint64_t events_seen() const { return selected_->seen(); }
  [[nodiscard]] const std::vector<TapeFile>& tapes() const { return tapes_; }
  // At the end: tells gaps, damage and notices on stderr.  True when something is missing.
  [[nodiscard]] bool tell_trouble();

 private:
  std::vector<TapeFile> tapes_;
  std::unique_ptr<Inputs> inputs_;
  std::unique_ptr<ReadAhead> ahead_;
  std::unique_ptr<SelectedSource> selected_;
};

}  // namespace smtptape
