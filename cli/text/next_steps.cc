#include "cli/text/next_steps.h"

#include <string_view>

#include "base/time_spec.h"
#include "base/visible_text.h"

namespace smtptape {

namespace {

std::string all(const std::vector<std::string>& tapes) {
  std::string out;
  for (const std::string& tape : tapes)
    out += " " + shell_word(tape);
  return out;
}

// What chooses the session, within its time.
std::string selection_of(const Story& story) {
  constexpr std::int64_t kMilli = 1'000'000;
  return " --session " + shell_word(story.id) + " --since " + show_time(story.first_received) +
         " --until " + show_time(story.last_received + 2 * kMilli);
}

}  // namespace

std::string next_steps(const Story& story, const std::vector<std::string>& tapes) {
  std::string out = "\nnext\n";
  out += "  smtptape extract" + all(tapes) + selection_of(story) + " -o session.tape\n";
  if (!story.ready_queue.empty()) {
    out += "  kcli abort-ready-q-conn " + shell_word(story.ready_queue) + " " +
           shell_word(story.id) + "   (while it is stuck)\n";
    out += "  kcli inspect-ready-q " + shell_word(story.ready_queue) + "\n";
  }
  out += "  delivery log: session_id is " + visible(story.id);
  if (!story.messages.empty() && !story.messages.front().id.empty())
    out += ", id is " + visible(story.messages.front().id);
  return out + "\n";
}

std::string how_to_choose(const std::string& id, const std::vector<std::string>& tapes) {
  if (id.empty()) return {};
  return "\nnext\n  smtptape show " + shell_word(id) + all(tapes) +
         "   (the one that began last)\n"
         "  --since, --until and filters such as --mx-host choose among them\n";
}

}  // namespace smtptape
