// Shows text when it is due, and obeys keys where somebody can press some.
//
// Text that is due goes out at once; while nothing is due, what was written has left.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/text/keyboard.h"
#include "cli/text/output.h"
#include "replay/controls.h"
#include "replay/pace.h"

namespace smtptape {

class Player {
 public:
  Player(const PaceOptions& pace, StandardOutput& out);
  ~Player();
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // The text of one event; `begins`: of the first of its session.  Waits until it is due.  False:
  // whoever watches has seen enough.
  [[nodiscard]] bool show(std::int64_t received, bool begins, std::string_view text);
  [[nodiscard]] bool was_quit() const { return controls_.quits(); }
  // Times begin anew with the next event.
  void restart() { pace_.restart(); }
  // What was shown is on its way; more may take a while.
  void flush();
  // At the end: tells of a text that was looked for and not found.
  void tell_end();

 private:
  [[nodiscard]] bool wait_until_due(std::int64_t received);
  void wait(std::chrono::nanoseconds at_most);
  void obey_keys();
  void show_status();

  Pace pace_;
  StandardOutput& out_;
  std::unique_ptr<Keyboard> keyboard_;  // null: nobody presses keys
  Controls controls_;
  std::string pending_;  // shown, not yet written
  std::string status_;   // that stands on the screen
  bool redraws_;         // the terminal can
};

}  // namespace smtptape
