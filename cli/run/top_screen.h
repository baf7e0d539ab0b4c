// A terminal that is drawn on as a whole, by ncurses: lines of styled text out, keys in.  Its state
// is given back however the program ends, but for SIGKILL.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "replay/top/top_view.h"

namespace smtptape {

class TopScreen {
 public:
  // Throws UsageError where input or output is no terminal, or none that can be drawn on.  One at a
  // time.
  explicit TopScreen(bool color);
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  [[nodiscard]] TopLook look() const;
  void draw(const std::vector<TopLine>& lines);
  // Into the clipboard of the person who watches, where the terminal allows it (OSC 52).
  void copy(std::string_view text);

  struct Input {
    bool redraw = false;  // the size has changed
    bool gone = false;    // the terminal
    std::optional<TopKey> key;
  };
  [[nodiscard]] Input wait(std::chrono::milliseconds at_most);

 private:
  bool color_;
  bool utf8_;
};

}  // namespace smtptape
