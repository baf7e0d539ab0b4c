// One session's events against the rules of what has to have come out, and many sessions' at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

#include "filters/session_rules.h"
#include "format/event.h"
#include "sessions/choice/line_patterns.h"
#include "sessions/choice/outcome_rules.h"
#include "sessions/gathered_sessions.h"
#include "sessions/story_builder.h"

namespace smtptape {

// What the replies of a session tell.
class JudgedReplies : public ReplyWatcher {
 public:
  explicit JudgedReplies(const OutcomeWishes& wishes) : wishes_(wishes) {}
  void watch(const SmtpReply& reply) override;
  [[nodiscard]] SessionMarks marks() const { return marks_; }

 private:
  const OutcomeWishes& wishes_;
  SessionMarks marks_ = 0;
};

// A builder for GatheredSessions.
class JudgedSession {
 public:
  struct Verdict {
    std::string id;
    SessionMarks marks = 0;  // what holds of it
    bool holds = false;      // all that is asked
  };

  // `rules` outlive it.
  JudgedSession(const OutcomeRules& rules, std::string id);

  void add(const Event& event);
  void add_gaps(std::string_view what, std::uint64_t count);
  void note_gaps(std::string_view what, std::uint64_t count);
  [[nodiscard]] bool is_closed() const { return closed_; }
  // All that is asked.  More may come, unless it is over: what is open has not failed yet.
  [[nodiscard]] bool holds_so_far(bool is_over) const;
  [[nodiscard]] Verdict finish();

 private:
  [[nodiscard]] bool holds() const { return (marks_ & rules_->all()) == rules_->all(); }
  [[nodiscard]] bool is_open(SessionMarks marks) const {
    return (rules_->all() & ~marks_ & marks) != 0;
  }
  void note_end(const Event& event);
  void take_lines(const Event& event);
  void match(std::string_view line);
  void end_lines();

  const OutcomeRules* rules_;
  std::string id_;
  SessionMarks marks_ = 0;
  bool connected_ = false;
  bool closed_ = false;
  LineBeginning read_;
  LineBeginning written_;
  std::unique_ptr<JudgedReplies> replies_;  // null: lines alone decide
  std::unique_ptr<StoryBuilder> story_;     // likewise
};

class OutcomeChooser : public SessionChooser {
 public:
  OutcomeChooser(const OutcomeRules& rules, SessionRules::Complete complete);

  void add(const EventBatch& batch) override;
  [[nodiscard]] Chosen finish() override;

 private:
  void note(std::vector<JudgedSession::Verdict> verdicts);

  GatheredSessions<JudgedSession> open_;
  boost::unordered_flat_set<std::uint64_t> judged_;  // hashes of ids
  std::vector<std::string> chosen_;
  boost::unordered_flat_set<std::string> again_;
};

}  // namespace smtptape
