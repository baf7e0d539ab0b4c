// Which sessions `smtptape top` lists, asked for in the words of a command line: the same filters,
// and the same rules of what came out, as other commands have them.
//
// A session is judged by what it has come to so far: one that is open has not failed yet.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "filters/allow_list.h"
#include "format/event.h"
#include "sessions/choice/judged_session.h"
#include "sessions/choice/outcome_rules.h"
#include "store/plan/selection.h"

namespace smtptape {

class TopChoice {
 public:
  // `rules`: those of the selection; null: none.  `command` lists the same sessions.
  TopChoice(const Selection& selection,
            std::shared_ptr<const OutcomeRules> rules,
            std::string command);

  [[nodiscard]] const std::string& command() const { return command_; }

 private:
  friend class TopJudge;

  AllowList wanted_;
  AllowList denied_;
  std::vector<std::string> message_ids_;  // as JSON
  std::vector<std::string> sources_;
  std::shared_ptr<const OutcomeRules> rules_;
  std::string command_;
};

// Of one session.
class TopJudge {
 public:
  // `choice` outlives it.
  TopJudge(TopChoice& choice, const std::string& id);

  void add(const Event& event);
  // So far; `is_over`: nothing more comes, whether it was closed or not.
  [[nodiscard]] bool holds(bool is_over) const;

 private:
  TopChoice* choice_;
  bool passes_ = false;  // an event of it
  bool is_denied_ = false;
  bool has_message_;
  bool is_of_source_;
  std::optional<JudgedSession> judged_;
};

}  // namespace smtptape
