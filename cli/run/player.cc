#include "cli/run/player.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace smtptape {

namespace {

using Clock = Pace::Clock;

constexpr std::size_t kMostPending = 64 << 10;
// A pause that is not worth a write of its own.
constexpr std::chrono::milliseconds kShortestPause{1};
constexpr std::string_view kEraseLine = "\r\x1b[K";

bool can_redraw() {
  const char* const terminal = std::getenv("TERM");
  return is_terminal() && terminal != nullptr && *terminal != '\0' &&
         std::strcmp(terminal, "dumb") != 0;
}

std::size_t columns() {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsual;
}

// In one line of the screen, whatever was typed.  Counts bytes: what is too short is no harm.
std::string fitting(std::string_view text) {
  std::string line = visible(text);
  const std::size_t room = columns() - 1;
  if (line.size() <= room) return line;
  std::size_t size = room;
  while (size > 0 && (static_cast<unsigned char>(line[size]) & 0xC0U) == 0x80)
    --size;
  line.resize(size);
  return line;
}

timespec as_timespec(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {static_cast<time_t>(seconds.count()), static_cast<long>((time - seconds).count())};
}

}  // namespace

Player::Player(const PaceOptions& pace, StandardOutput& out)
    : pace_(pace),
      out_(out),
      keyboard_(is_terminal() ? Keyboard::open() : nullptr),
      controls_(pace.speed),
      redraws_(can_redraw()) {
  if (keyboard_ != nullptr) say("keys: " + std::string(Controls::kKeys));
}

Player::~Player() {
  try {
    if (redraws_ && !status_.empty()) out_.write(kEraseLine);
  } catch (...) {
    // The terminal has gone, and the line with it.
  }
}

bool Player::show(std::int64_t received, bool begins, std::string_view text) {
  if (!wait_until_due(received)) return false;
  pending_ += text;
  controls_.show(begins, text);
  if (pending_.size() >= kMostPending) flush();
  return true;
}

bool Player::wait_until_due(std::int64_t received) {
  obey_keys();
  Clock::time_point now = Clock::now();
  Clock::time_point due = pace_.due(received, now);
  while (!controls_.quits()) {
    const Controls::Next next = controls_.next();
    if (next == Controls::Next::AtOnce) {
      pace_.delay(std::min(now - due, Clock::duration::zero()));  // it is due now
      return true;
    }
    const bool held = next == Controls::Next::Held;
    if (!held && due - now < kShortestPause) return true;
    flush();
    show_status();
    wait(held ? std::chrono::nanoseconds::max() : due - now);
    const Clock::time_point before = std::exchange(now, Clock::now());
    const auto stopped = keyboard_ != nullptr ? keyboard_->stopped_for() : Clock::duration::zero();
    pace_.delay(held ? now - before : stopped);
    obey_keys();
    due = pace_.due_again(now);
  }
  flush();
  return false;
}

void Player::wait(std::chrono::nanoseconds at_most) {
  // Nobody reads: whoever wrote to it would be told.
  std::array<pollfd, 2> watched{
      {{keyboard_ != nullptr ? keyboard_->fd() : -1, POLLIN, 0}, {STDOUT_FILENO, 0, 0}}};
  const timespec limit = as_timespec(at_most);
  const bool for_ever = at_most == std::chrono::nanoseconds::max();
  if (::ppoll(watched.data(), watched.size(), for_ever ? nullptr : &limit, nullptr) <= 0) return;
  if ((watched[1].revents & (POLLERR | POLLHUP)) != 0) throw OutputClosed{};
}

void Player::obey_keys() {
  const std::string keys = keyboard_ != nullptr ? keyboard_->read() : "";
  if (keys.empty()) return;
  const Speed before = controls_.speed();
  controls_.press(keys);
  if (controls_.speed() != before) pace_.set_speed(controls_.speed(), Clock::now());
  flush();
  show_status();
}

void Player::flush() {
  if (pending_.empty()) return;
  if (!status_.empty() && redraws_) out_.write(kEraseLine);
  status_.clear();
  out_.write(pending_);
  pending_.clear();
}

// On the last line, until there is more to show.
void Player::show_status() {
  const std::string status = fitting(controls_.status());
  if (status == status_ || keyboard_ == nullptr) return;
  status_ = status;
  if (redraws_) {
    out_.write(std::string(kEraseLine) + status);
  } else if (!status.empty()) {
    out_.write(status + "\n");
  }
}

void Player::tell_end() {
  flush();
  if (!controls_.wanted()) return;
  if (!status_.empty() && redraws_) out_.write(kEraseLine);
  status_.clear();
  say("\"" + *controls_.wanted() + "\" did not come any more");
}

}  // namespace smtptape
