#include "cli/run/choice_instead.h"

#include <chrono>
#include <memory>
#include <optional>

#include "cli/run/nearest_names.h"
#include "filters/named.h"
#include "sessions/choice/what_came_out.h"

namespace smtptape {

namespace {

// Names of which it is not known yet that they are there.
class Names {
 public:
  Names(const std::vector<std::string>& names, std::string what, NearestName::Among among)
      : what_(std::move(what)) {
    for (const std::string& name : names)
      nearest_.emplace_back(name, among);
  }
  void note(const Meta& meta) {
    for (NearestName& name : nearest_)
      name.note(meta);
  }
  void tell(std::vector<std::string>& lines) const {
    for (const NearestName& name : nearest_) {
      const bool is_there =
          name.nearest() == name.name() || (may_be_shortened_id(name.name()) && name.nearest() &&
                                            name.nearest()->starts_with(name.name()));
      if (is_there) continue;
      std::string line = "no " + what_ + " is \"" + name.name() + "\"";
      if (name.nearest()) line += "; the nearest there is: " + *name.nearest();
      lines.push_back(line);
    }
  }

 private:
  std::string what_;
  std::vector<NearestName> nearest_;
};

}  // namespace

std::vector<std::string> choice_instead(const ChoiceOptions& options,
                                        const std::vector<TapeFile>& tapes) {
  constexpr std::chrono::seconds kPatience{3};
  std::vector<std::string> lines;
  const auto rules = rules_of(options.wishes());
  if (rules == nullptr && options.sessions.empty() && options.message_ids.empty()) return lines;
  std::optional<WhatCameOut> came_out;
  if (rules != nullptr) came_out.emplace(rules);
  Names sessions(options.sessions, "session", NearestName::Among::Sessions);
  Names messages(options.message_ids, "message", NearestName::Among::Messages);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  Inputs::rewind_standard_input();
  Inputs inputs(tapes);
  EventBatch batch;
  while (std::chrono::steady_clock::now() < until && inputs.next(batch)) {
    if (came_out) came_out->add(batch);
    for (const Event& event : batch.events) {
      if (event.meta == nullptr) continue;
      sessions.note(*event.meta);
      messages.note(*event.meta);
    }
  }
  sessions.tell(lines);
  messages.tell(lines);
  if (!came_out) return lines;
  for (std::string& line : came_out->tell())
    lines.push_back(std::move(line));
  return lines;
}

}  // namespace smtptape
