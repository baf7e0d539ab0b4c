// What keys mean to who watches a recording: pure, keys in, what to do with the next event out.
//
//     space   pause, and go on            n   on to the next session that begins
//     .       one event, and pause        /   on to the next text, and pause there
//     + -     twice, half as fast         q   the end
//     ?       these keys
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "replay/pace.h"

namespace smtptape {

class Controls {
 public:
  static constexpr double kSlowest = 1.0 / 64;
  static constexpr double kFastest = 1024;           // the next step is full speed
  static constexpr std::size_t kMostSearched = 200;  // bytes of a text that is looked for
  static constexpr std::string_view kKeys =
      "space pauses, . one event, + and - faster and slower, n next session, / text, q quits";

  explicit Controls(Speed speed) : speed_(speed) {}

  // What was typed, in pieces of any size.
  void press(std::string_view bytes);

  enum class Next : std::uint8_t {
    AtItsTime,
    AtOnce,
    Held,  // until a key says something else
  };
  [[nodiscard]] Next next() const;
  // An event is shown now; `begins`: it is the first of its session.
  void show(bool begins, std::string_view text);

  [[nodiscard]] bool quits() const { return quits_; }
  [[nodiscard]] Speed speed() const { return speed_; }
  // The text that is still looked for; nullopt: none is.
  [[nodiscard]] const std::optional<std::string>& wanted() const { return wanted_; }
  // For the last line of the screen; empty: nothing to say.  May hold what was typed.
  [[nodiscard]] std::string status() const;

 private:
  void press_one(char key);
  void type(char key);
  void command(char key);
  void look_for(const std::string& text);
  void change_speed(bool faster);

  Speed speed_;
  bool paused_ = false;
  bool quits_ = false;
  bool one_more_ = false;              // '.': one event is shown at once
  bool to_next_session_ = false;       // 'n'
  std::optional<std::string> typed_;   // '/': what was typed so far
  std::optional<std::string> wanted_;  // '/': on to this text
  std::string looked_for_;             // the last one
  std::string note_;                   // for once
  enum class Escape : std::uint8_t { No, Begun, Sequence } escape_ = Escape::No;
};

}  // namespace smtptape
