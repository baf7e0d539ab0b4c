#include "replay/top/top_choice.h"

#include <algorithm>
#include <utility>

#include "format/wire/json.h"

namespace smtptape {

namespace {

bool has(const std::vector<std::string>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

TopChoice::TopChoice(const Selection& selection,
                     std::shared_ptr<const OutcomeRules> rules,
                     std::string command)
    : wanted_(selection.allow_list()),
      denied_(selection.denied_list()),
      sources_(selection.sources),
      rules_(std::move(rules)),
      command_(std::move(command)) {
  for (const std::string& id : selection.message_ids)
    append_json_string(message_ids_.emplace_back(), id);
}

TopJudge::TopJudge(TopChoice& choice, const std::string& id)
    : choice_(&choice),
      has_message_(choice.message_ids_.empty()),
      is_of_source_(choice.sources_.empty()) {
  if (choice.rules_ != nullptr) judged_.emplace(*choice.rules_, id);
}

void TopJudge::add(const Event& event) {
  passes_ = passes_ || choice_->wanted_.passes(event.meta, Scope::Strict);
  is_denied_ = is_denied_ || !choice_->denied_.passes(event.meta, Scope::Event);
  if (!has_message_ && event.meta != nullptr) {
    const auto id = event.meta->find(kMessageIdKey);
    has_message_ = id && has(choice_->message_ids_, *id);
  }
  if (!is_of_source_ && event.origin != nullptr)
    is_of_source_ = has(choice_->sources_, event.origin->source);
  if (judged_) judged_->add(event);
}

bool TopJudge::holds(bool is_over) const {
  return passes_ && !is_denied_ && has_message_ && is_of_source_ &&
         (!judged_ || judged_->holds_so_far(is_over));
}

}  // namespace smtptape
