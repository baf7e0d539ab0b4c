// What the keys of `smtptape top` do.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "replay/top/top_model.h"

namespace smtptape {

void TopModel::press(const TopKey& key) {
  message_.clear();
  if (typing_) return type(key);
  if (std::exchange(help_, false)) return;  // any key ends it
  switch (key.kind) {
    case TopKey::Kind::Up: return large_ ? scroll(-1) : move(-1);
    case TopKey::Kind::Down: return large_ ? scroll(1) : move(1);
    case TopKey::Kind::PageUp: return scroll(-static_cast<std::ptrdiff_t>(pane_page_));
    case TopKey::Kind::PageDown: return scroll(static_cast<std::ptrdiff_t>(pane_page_));
    case TopKey::Kind::Home: return move_to(0);
    case TopKey::Kind::End: return move_to(rows().empty() ? 0 : rows().size() - 1);
    case TopKey::Kind::Enter: large_ = !large_; return;
    case TopKey::Kind::Escape:
      if (!std::exchange(large_, false)) end_filter();
      return;
    case TopKey::Kind::Tab:
      pane_ = pane_ == Pane::Story ? Pane::Transcript : Pane::Story;
      scroll_ = 0;
      return;
    case TopKey::Kind::Backspace: return;
    case TopKey::Kind::Text:
      if (key.text.size() == 1) command(key.text.front());
      return;
  }
}

void TopModel::type(const TopKey& key) {
  switch (key.kind) {
    case TopKey::Kind::Enter:
      try {
        set_filter(filter_);
        typing_ = false;
      } catch (const UsageError& error) {
        message_ = error.what();
      }
      break;
    case TopKey::Kind::Escape:
      typing_ = false;
      end_filter();
      break;
    case TopKey::Kind::Backspace:
      while (!filter_.empty()) {
        const bool is_first = (static_cast<unsigned char>(filter_.back()) & 0xC0U) != 0x80;
        filter_.pop_back();
        if (is_first) break;
      }
      break;
    case TopKey::Kind::Text:
      if (filter_.size() + key.text.size() <= kMostTyped) filter_ += key.text;
      break;
    default: return;
  }
  rows_are_new_ = false;
  scroll_ = 0;
}

void TopModel::command(char key) {
  switch (key) {
    case 'q': quits_ = true; return;
    case '?':
    case 'h': help_ = true; return;
    case ' ': paused_ = !paused_; return;
    case 'k': return move(-1);
    case 'j': return move(1);
    case 'g': return move_to(0);
    case 'G': return move_to(rows().empty() ? 0 : rows().size() - 1);
    case ']': return to_failure(true);
    case '[': return to_failure(false);
    case 't': return press({TopKey::Kind::Tab, {}});
    case '/':
    case 'f':
      typing_ = true;
      end_filter();
      return;
    case 'y': return copy(command());
    case 'Y': return copy(command_of_list());
    default: message_ = "? shows the keys"; return;
  }
}

void TopModel::copy(const std::string& text) {
  copy_ = text;
  message_ = "copied, if this terminal takes it (OSC 52): " + text;
}

void TopModel::end_filter() {
  filter_.clear();
  choose(nullptr);
}

void TopModel::move(std::ptrdiff_t by) {
  const std::ptrdiff_t place = static_cast<std::ptrdiff_t>(selected().value_or(0)) + by;
  move_to(static_cast<std::size_t>(std::max<std::ptrdiff_t>(place, 0)));
}

// The first place is that of the newest session, whichever that is.
void TopModel::move_to(std::size_t place) {
  scroll_ = 0;
  const auto& all = rows();
  if (place == 0 || all.empty()) return selected_.clear();
  selected_ = all[std::min(place, all.size() - 1)]->id;
}

void TopModel::to_failure(bool further) {
  const auto& all = rows();
  const std::optional<std::size_t> from = selected();
  for (std::size_t place = from.value_or(0); from;) {
    if (further ? ++place >= all.size() : place-- == 0) break;
    if (!is_failure(all[place]->mark)) continue;
    scroll_ = 0;
    selected_ = all[place]->id;
    return;
  }
  message_ = further ? "no failure further down" : "no failure further up";
}

void TopModel::scroll(std::ptrdiff_t by) {
  const std::size_t lines = pane().size();
  const std::size_t most = lines > pane_page_ ? lines - pane_page_ : 0;
  const std::ptrdiff_t to = static_cast<std::ptrdiff_t>(std::min(scroll_, most)) + by;
  scroll_ = std::min(static_cast<std::size_t>(std::max<std::ptrdiff_t>(to, 0)), most);
}

}  // namespace smtptape
