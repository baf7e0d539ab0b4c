#include "cli/run/event_printer.h"

#include <utility>

#include "base/error.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

// So much of grouped text is written at once.
constexpr std::size_t kWritten = 256 << 10;

std::string_view session_of(const Event& event) {
  if (event.meta == nullptr) return {};
  return event.meta->session_id().value_or(std::string_view{});
}

}  // namespace

EventPrinter::EventPrinter(const RenderOptions& render,
                           const PrintOptions& options,
                           Write write,
                           Player* player)
    : options_(options), renderer_(render), write_(std::move(write)), player_(player) {
  SMTPTAPE_CHECK(options.pace.has_value() == (player != nullptr));
  if (options.grouped) groups_.emplace();
}

std::optional<Ending> EventPrinter::print_all(EventSource& events) {
  EventBatch batch;
  std::optional<Ending> ending;
  while (!ending && events.next(batch)) {
    ending = print(batch);
    tell_forgotten();
  }
  if (groups_ && !put_groups() && !ending) ending = Ending{};
  return ending;
}

// What came together is written together, at once.
std::optional<Ending> EventPrinter::print(const EventBatch& batch) {
  chosen_ += batch.events.size();
  const bool as_one = player_ == nullptr && !groups_ && !options_.clock;
  std::optional<Ending> ending =
      as_one ? renderer_.render(batch.events, waiting_) : print_each(batch);
  printed_ = printed_ || !waiting_.empty();
  write_waiting();
  return ending;
}

std::optional<Ending> EventPrinter::print_each(const EventBatch& batch) {
  for (const Event& event : batch.events) {
    const std::uint64_t begun = renderer_.begun();
    text_.clear();
    std::optional<Ending> ending = renderer_.render({&event, 1}, text_);
    const bool seen_enough = !text_.empty() && !put(event, renderer_.begun() != begun);
    if (ending || seen_enough) return ending.value_or(Ending{});
  }
  return std::nullopt;
}

bool EventPrinter::put(const Event& event, bool begins) {
  printed_ = true;
  std::string_view text = text_;
  if (options_.clock) {
    clocked_.clear();
    clock_.append(clocked_, event, text);
    text = clocked_;
  }
  if (player_ != nullptr && !groups_) return player_->show(event.received, begins, text);
  if (groups_) {
    groups_->add(session_of(event), {event.received, text});
  } else {
    waiting_ += text;
  }
  return true;
}

bool EventPrinter::put_groups() {
  bool going_on = true;
  groups_->for_each(*options_.grouped, [&](const PrintedEvent& event, bool begins) {
    if (player_ == nullptr) {
      waiting_ += event.text;
      if (waiting_.size() >= kWritten) write_waiting();
      return true;
    }
    // One session after the other, each at its own pace.
    if (begins) player_->restart();
    going_on = player_->show(event.received, begins, event.text);
    return going_on;
  });
  write_waiting();
  return going_on;
}

void EventPrinter::write_waiting() {
  if (player_ != nullptr) {
    player_->flush();
  } else if (!waiting_.empty()) {
    write_(waiting_);
  }
  waiting_.clear();
}

// When it begins: a recording may be followed for weeks.
void EventPrinter::tell_forgotten() {
  if (renderer_.forgotten() == 0 || std::exchange(told_forgotten_, true)) return;
  say(OpenSessions::kForgetting);
}

}  // namespace smtptape
