// Options that choose sessions by what came out: which session or message it was, replies,
// outcomes, times; and what is denied of the twelve properties.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/options/options.h"
#include "filters/request.h"
#include "sessions/choice/outcome_rules.h"
#include "store/plan/selection.h"

namespace smtptape {

struct ChoiceOptions {
  OptionValues denied;  // --not-…
  std::vector<std::string> sessions;
  std::vector<std::string> message_ids;
  std::vector<std::string> codes;
  std::vector<std::string> outcomes;
  bool failed = false;
  std::vector<std::string> replies;
  std::vector<std::string> lines;
  std::vector<std::string> lines_of_any_case;
  std::vector<std::string> slow;
  std::optional<std::string> least_duration;
  std::vector<std::string> tls;
  std::vector<std::string> sources;

  void describe(Options& options);
  // As a shell is given them, with a blank before each; empty: none was given.
  [[nodiscard]] std::string words() const;
  // One of those was given that are said of sessions.
  [[nodiscard]] bool chooses_sessions() const;
  // The first of them that was given and that only a session's end decides; empty: none.
  [[nodiscard]] std::string_view decided_at_the_end() const;
  // Throw UsageErrors.
  [[nodiscard]] OutcomeWishes wishes() const;
  void add_to(Selection& selection) const;

 private:
  void describe_denied(Options& options);
  void deny(Selection& selection) const;
};

}  // namespace smtptape
