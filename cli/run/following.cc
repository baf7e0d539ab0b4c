#include "cli/run/following.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "base/error.h"
#include "cli/text/empty_answer.h"
#include "cli/text/output.h"
#include "store/find/input_files.h"

namespace smtptape {

namespace {

FollowOptions follow_options(const SelectionOptions& options, const Selection& selection) {
  const std::string_view at_the_end = options.choice.decided_at_the_end();
  if (!at_the_end.empty()) {
    throw UsageError("--follow: " + std::string(at_the_end) +
                     " chooses sessions by what comes later in them, which is not known yet; "
                     "replay them afterwards");
  }
  if (selection.scope == Scope::Session) {
    throw UsageError(
        "--follow: --scope session chooses sessions by what comes later in them, which is not "
        "known "
        "yet; follow with --scope event or strict, and replay the sessions afterwards");
  }
  if (options.is_strict()) {
    throw UsageError(
        "--follow: --recovery strict reads everything before it prints; take skip or tail");
  }
  const auto& names = options.tapes;
  if (std::find(names.begin(), names.end(), "-") != names.end()) {
    throw UsageError(
        "--follow: standard input can't be followed; name the tape or the store that is recorded");
  }
  for (const std::string& name : names) {
    if (!is_pipe(name)) continue;
    throw UsageError(
        "--follow: " + name +
        " is a pipe and can't be followed; name the tape or the store that is recorded");
  }
  prepare_inputs(names);
  FollowOptions follow;
  follow.tapes = names;
  follow.window = selection.window;
  follow.recovery = options.at_damage();
  follow.doubles = options.doubles();
  return follow;
}

// A pipe without a reader says so without being written to.
void check_output() {
  pollfd output{STDOUT_FILENO, 0, 0};
  if (::poll(&output, 1, 0) > 0 && (output.revents & (POLLERR | POLLHUP)) != 0) {
    throw OutputClosed{};
  }
}

}  // namespace

FollowedTapes::FollowedTapes(const SelectionOptions& options, const Selection& selection)
    : source_(follow_options(options, selection),
              {[this] {
                 check_output();
                 return !stop_.requested();
               },
               [](std::string_view line) { say(line); }}),
      selected_(source_, selection, nullptr),
      filters_(options.filters),
      window_(selection.window) {
}

bool FollowedTapes::next(EventBatch& batch) {
  if (!selected_.next(batch)) return false;
  for (const Gap& gap : batch.gaps)
    say(describe(gap));
  return true;
}

bool FollowedTapes::tell_end(Answer answer) const {
  if (selected_.tally().differs_live) filters_.tell_difference();
  if (source_.doubles() > 0) say(text_of_doubles(source_.doubles()));
  for (const std::string& line :
       text_of(looked_at_of(selected_, window_), answer == Answer::Empty)) {
    say(line);
  }
  return selected_.gap_count() > 0 || source_.incomplete();
}

void FollowedTapes::write(std::string_view text) {
  while (!text.empty()) {
    pollfd wanted[] = {{STDOUT_FILENO, POLLOUT, 0}, {stop_.fd(), POLLIN, 0}};
    if (::poll(wanted, 2, -1) < 0) continue;
    const bool writable = wanted[0].revents != 0;
    if (!writable && wanted[1].revents != 0) return;
    if (!writable) continue;
    // So much fits into a pipe that is writable.
    out_.write(text.substr(0, PIPE_BUF));
    text.remove_prefix(std::min<std::size_t>(text.size(), PIPE_BUF));
  }
}

}  // namespace smtptape
