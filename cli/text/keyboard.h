// Keys as they are pressed, from the terminal that somebody watches.
//
// While it lives the terminal gives each key at once and shows none.  However the program ends or
// stops, the terminal is as it was: at the end of this object, at SIGINT, SIGTERM, SIGHUP and
// SIGQUIT, when the program is stopped (Ctrl-Z; taken again when it goes on in the foreground), and
// when it crashes.  SIGKILL alone leaves it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/io.h"

namespace smtptape {

class Keyboard {
 public:
  // Null: nobody is there to press keys, or we run in the background.  One at a time.
  [[nodiscard]] static std::unique_ptr<Keyboard> open();
  ~Keyboard();
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;

  // To be polled for reading; -1: the terminal has gone, or we are in the background, where reading
  // would stop us.
  [[nodiscard]] int fd() const;
  // What was pressed; does not wait.
  [[nodiscard]] std::string read();
  // How long the program was stopped since this was asked last.
  [[nodiscard]] std::chrono::nanoseconds stopped_for();

 private:
  explicit Keyboard(UniqueFd fd);

  UniqueFd fd_;
  bool gone_ = false;
};

}  // namespace smtptape
