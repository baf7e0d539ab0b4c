#include "cli/text/next_steps.h"

#include <string_view>

#include "base/time_spec.h"
#include "base/visible_text.h"

namespace smtptape {

namespace {

// As a shell takes it for one word.
std::string quoted(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,";
  const std::string shown = visible(word);
  if (!shown.empty() && shown.find_first_not_of(kPlain) == std::string::npos) return shown;
  std::string out = "'";
  for (const char c : shown) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string all(const std::vector<std::string>& tapes) {
  std::string out;
  for (const std::string& tape : tapes)
    out += " " + quoted(tape);
  return out;
}

// What chooses the session, within its time.
std::string selection_of(const Story& story) {
  constexpr std::int64_t kMilli = 1'000'000;
  return " --session " + quoted(story.id) + " --since " + show_time(story.first_received) +
         " --until " + show_time(story.last_received + 2 * kMilli);
}

}  // namespace

std::string next_steps(const Story& story, const std::vector<std::string>& tapes) {
  std::string out = "\nnext\n";
  out += "  smtptape extract" + all(tapes) + selection_of(story) + " -o session.tape\n";
  if (!story.ready_queue.empty()) {
    out += "  kcli abort-ready-q-conn " + quoted(story.ready_queue) + " " + quoted(story.id) +
           "   (while it is stuck)\n";
    out += "  kcli inspect-ready-q " + quoted(story.ready_queue) + "\n";
  }
  out += "  delivery log: session_id is " + visible(story.id);
  if (!story.messages.empty() && !story.messages.front().id.empty())
    out += ", id is " + visible(story.messages.front().id);
  return out + "\n";
}

std::string how_to_choose(const std::string& id, const std::vector<std::string>& tapes) {
  if (id.empty()) return {};
  return "\nnext\n  smtptape show " + quoted(id) + all(tapes) +
         "   (the one that began last)\n"
         "  --since, --until and filters such as --mx-host choose among them\n";
}

}  // namespace smtptape
