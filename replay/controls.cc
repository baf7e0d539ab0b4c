#include "replay/controls.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace smtptape {

namespace {

constexpr char kEscape = '\x1b';
constexpr char kBackspace = '\x08';
constexpr char kDelete = '\x7f';
constexpr char kKillLine = '\x15';  // Ctrl-U

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool contains(std::string_view text, std::string_view wanted) {
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), [](char a, char b) {
           return lower(a) == lower(b);
         }) != text.end();
}

// With all of its bytes.
void erase_last_character(std::string& text) {
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.back());
    text.pop_back();
    if ((byte & 0xC0U) != 0x80) return;
  }
}

std::string words_of(Speed speed) {
  if (!speed) return "full speed";
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), *speed).ptr;
  return "speed " + std::string(digits.begin(), end);
}

}  // namespace

void Controls::press(std::string_view bytes) {
  for (const char key : bytes)
    press_one(key);
  // A lone Escape: no more came with it.
  if (escape_ != Escape::Begun) return;
  escape_ = Escape::No;
  typed_.reset();
}

// Arrows and their like send Escape, [ or O, and a few characters, none of which is meant.
void Controls::press_one(char key) {
  switch (escape_) {
    case Escape::Begun:
      escape_ = key == '[' || key == 'O' ? Escape::Sequence : Escape::No;
      if (escape_ == Escape::Sequence) return;
      typed_.reset();
      break;
    case Escape::Sequence:
      if (key >= '@' && key <= '~') escape_ = Escape::No;
      return;
    case Escape::No: break;
  }
  if (key == kEscape) {
    escape_ = Escape::Begun;
  } else if (typed_) {
    type(key);
  } else {
    command(key);
  }
}

void Controls::type(char key) {
  switch (key) {
    case '\r':
    case '\n': return look_for(*std::exchange(typed_, std::nullopt));
    case kBackspace:
    case kDelete:
      if (typed_->empty()) return typed_.reset();
      return erase_last_character(*typed_);
    case kKillLine: return typed_->clear();
    default: break;
  }
  const bool is_text = static_cast<unsigned char>(key) >= ' ';
  if (is_text && typed_->size() < kMostSearched) typed_->push_back(key);
}

void Controls::command(char key) {
  note_.clear();
  // Whatever is said now, it is no longer what was said before.
  to_next_session_ = false;
  const bool was_looking = wanted_.has_value();
  if (key != '+' && key != '=' && key != '-' && key != '?') wanted_.reset();
  switch (key) {
    case ' ': paused_ = was_looking || !paused_; return;
    case '.': paused_ = one_more_ = true; return;
    case '+':
    case '=': return change_speed(true);
    case '-': return change_speed(false);
    case 'n': to_next_session_ = true; return;
    case '/': typed_.emplace(); return;
    case '?':
    case 'h': note_ = kKeys; return;
    case 'q':
    case 'Q': quits_ = true; return;
    default: return;
  }
}

void Controls::look_for(const std::string& text) {
  if (!text.empty()) looked_for_ = text;
  if (!looked_for_.empty()) wanted_ = looked_for_;
}

void Controls::change_speed(bool faster) {
  if (faster) {
    const bool more = speed_ && *speed_ < kFastest;
    speed_ = more ? Speed(std::min(*speed_ * 2, kFastest)) : std::nullopt;
  } else {
    speed_ = speed_ ? std::max(*speed_ / 2, std::min(kSlowest, *speed_)) : kFastest;
  }
  note_ = words_of(speed_);
}

Controls::Next Controls::next() const {
  if (typed_) return Next::Held;
  if (one_more_ || to_next_session_ || wanted_) return Next::AtOnce;
  return paused_ ? Next::Held : Next::AtItsTime;
}

void Controls::show(bool begins, std::string_view text) {
  one_more_ = false;
  note_.clear();
  if (begins) to_next_session_ = false;
  if (!wanted_ || !contains(text, *wanted_)) return;
  wanted_.reset();
  paused_ = true;
}

std::string Controls::status() const {
  if (typed_) return "/" + *typed_;
  if (!note_.empty()) return paused_ ? note_ + ", paused" : note_;
  if (wanted_) return "looking for " + *wanted_ + "; space ends that";
  return paused_ ? "paused; space goes on, . shows one event, ? all keys" : "";
}

}  // namespace smtptape
