// Of a session that failed, a command line of swaks (a test client for SMTP) that repeats the
// dialogue: the same server, names, addresses and options, and no mail of the recording in it.
//
// Nothing of a recording becomes syntax: words are quoted so that sh, bash, zsh, fish and csh take
// them as they are, also in comments, which some of them run.  What swaks would take for an option,
// a list or a question, and what no line can hold, is not put into one; then a comment says why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "format/event.h"
#include "sessions/story_builder.h"
#include "smtp/dialogue.h"

namespace smtptape {

struct SwaksSession {
  std::int64_t first_received = 0;
  std::string lines;        // comments and the command, with their ends; empty: it did not fail
  bool repeatable = false;  // there is a command
};

[[nodiscard]] SwaksSession swaks_session(const Story& story,
                                         const std::map<std::size_t, std::string>& users);

// As one word to any shell.
[[nodiscard]] std::string shell_literal(std::string_view text);

// For GatheredSessions.
class SwaksBuilder {
 public:
  explicit SwaksBuilder(std::string id) : story_(std::move(id)) {}

  void add(const Event& event);
  void add_gaps(std::string_view what, std::uint64_t count) {
    dialogue_.lost_track();
    story_.add_gaps(what, count);
  }
  void note_gaps(std::string_view what, std::uint64_t count) { story_.note_gaps(what, count); }
  [[nodiscard]] SwaksSession finish() { return swaks_session(story_.finish(), users_); }
  [[nodiscard]] bool is_closed() const { return story_.is_closed(); }

 private:
  void note_user(const Event& event);

  StoryBuilder story_;
  SmtpDialogue dialogue_;
  std::map<std::size_t, std::string> users_;  // that AUTH PLAIN named, by the attempt
};

}  // namespace smtptape
