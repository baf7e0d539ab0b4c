// Events to kcli's text on standard output, in the way that was asked for: at once or at their
// pace, as they came or session after session, with or without a clock.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cli/run/player.h"
#include "format/event.h"
#include "replay/grouped_text.h"
#include "replay/line_clock.h"
#include "replay/pace.h"
#include "replay/renderer.h"

namespace smtptape {

struct PrintOptions {
  std::optional<PaceOptions> pace;            // none: as fast as it goes, and no keys are read
  std::optional<GroupedText::Order> grouped;  // none: as they came
  bool clock = false;
};

class EventPrinter {
 public:
  // Gets text that is to be written at once.
  using Write = std::function<void(std::string_view text)>;

  // `player`: for options with a pace, and the write is not used then; it outlives this.
  EventPrinter(const RenderOptions& render,
               const PrintOptions& options,
               Write write,
               Player* player);

  // Prints all that comes, to an ending or to the end.
  [[nodiscard]] std::optional<Ending> print_all(EventSource& events);

  [[nodiscard]] const Renderer& renderer() const { return renderer_; }
  [[nodiscard]] std::uint64_t chosen() const { return chosen_; }
  [[nodiscard]] bool printed() const { return printed_; }

 private:
  std::optional<Ending> print(const EventBatch& batch);
  std::optional<Ending> print_each(const EventBatch& batch);
  // False: whoever watches has seen enough.
  bool put(const Event& event, bool begins);
  bool put_groups();
  void write_waiting();
  void tell_forgotten();

  PrintOptions options_;
  Renderer renderer_;
  Write write_;
  Player* player_;
  LineClock clock_;
  std::optional<GroupedText> groups_;
  std::string text_;     // of one event
  std::string clocked_;  // the same with a clock before each line
  std::string waiting_;  // to be written
  std::uint64_t chosen_ = 0;
  bool printed_ = false;
  bool told_forgotten_ = false;
};

}  // namespace smtptape
