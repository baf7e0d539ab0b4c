#include "sessions/choice/judged_session.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace smtptape {

namespace {

constexpr SessionMarks kOfLines = OutcomeRules::kLine | OutcomeRules::kLineOfAnyCase;

// Its lines as one, the codes of all but the first left out: so a phrase is found that the server
// broke in two.
std::string joined(std::string_view reply) {
  constexpr std::size_t kCode = 4;  // and what follows it
  std::string out;
  while (!reply.empty()) {
    const std::size_t end = std::min(reply.find('\n'), reply.size());
    std::string_view line = reply.substr(0, end);
    reply.remove_prefix(std::min(end + 1, reply.size()));
    if (!out.empty()) line.remove_prefix(std::min(kCode, line.size()));
    if (!out.empty() && !line.empty() && out.back() != ' ') out.push_back(' ');
    out.append(line);
  }
  return out;
}

// What only an end decides.
void leave_out_what_is_open(Story& story) {
  story.outcomes[static_cast<std::size_t>(Outcome::Unfinished)] = 0;
  std::erase_if(story.messages,
                [](const Message& message) { return message.outcome == Outcome::Unfinished; });
  story.errors.clear();
  for (Attempt& attempt : story.attempts)
    attempt.why.clear();
}

}  // namespace

void JudgedReplies::watch(const SmtpReply& reply) {
  if (wishes_.codes.match(reply.code, reply.text)) marks_ |= OutcomeRules::kCode;
  const bool in_lines = reply.text.find('\n') != std::string::npos;
  const bool found =
      wishes_.replies.match(reply.text) || (in_lines && wishes_.replies.match(joined(reply.text)));
  if (found) marks_ |= OutcomeRules::kReply;
}

JudgedSession::JudgedSession(const OutcomeRules& rules, std::string id)
    : rules_(&rules), id_(std::move(id)) {
  if ((rules.all() & ~kOfLines) == 0) return;
  replies_ = std::make_unique<JudgedReplies>(rules.wishes());
  story_ = std::make_unique<StoryBuilder>(id_, replies_.get());
}

void JudgedSession::add(const Event& event) {
  note_end(event);
  if (holds()) return;
  if (is_open(kOfLines)) take_lines(event);
  if (story_ == nullptr) return;
  story_->add(event);
  marks_ |= replies_->marks();
}

// It need not be exact: whoever goes on after it was taken for complete is looked at again.
void JudgedSession::note_end(const Event& event) {
  switch (event.kind) {
    case EventKind::Closed:
      connected_ = false;
      closed_ = true;
      return;
    case EventKind::Diagnostic:
      if (!connected_ && event.level == "ERROR") closed_ = true;
      return;
    case EventKind::Connected:
    case EventKind::Read:
    case EventKind::Write:
    case EventKind::AbbreviatedWrite:
    case EventKind::MessageObtained: connected_ = true; [[fallthrough]];
    case EventKind::BeginSession:
    case EventKind::Unknown: closed_ = false;
  }
}

void JudgedSession::take_lines(const Event& event) {
  const auto use = [this](std::string_view line) { match(line); };
  switch (event.kind) {
    case EventKind::Read:
      read_.take(event.text, use);
      if (event.trimmed) read_.end(use);
      return;
    case EventKind::Write:
      written_.take(event.text, use);
      if (event.trimmed) written_.end(use);
      return;
    case EventKind::AbbreviatedWrite:  // its first line, of more
      written_.take(event.text, use);
      return written_.end(use);
    case EventKind::Diagnostic: {
      LineBeginning lines;
      lines.take(event.text, use);
      return lines.end(use);
    }
    case EventKind::Connected:
    case EventKind::Closed:
    case EventKind::Unknown: return end_lines();
    case EventKind::BeginSession:
    case EventKind::MessageObtained: return;
  }
}

void JudgedSession::match(std::string_view line) {
  if (is_open(OutcomeRules::kLine) && rules_->wishes().lines.match(line))
    marks_ |= OutcomeRules::kLine;
  if (is_open(OutcomeRules::kLineOfAnyCase) && rules_->wishes().lines_of_any_case.match(line))
    marks_ |= OutcomeRules::kLineOfAnyCase;
}

void JudgedSession::end_lines() {
  const auto use = [this](std::string_view line) { match(line); };
  read_.end(use);
  written_.end(use);
}

void JudgedSession::add_gaps(std::string_view what, std::uint64_t count) {
  if (holds()) return;
  end_lines();
  if (story_ != nullptr) story_->add_gaps(what, count);
}

void JudgedSession::note_gaps(std::string_view what, std::uint64_t count) {
  if (story_ != nullptr) story_->note_gaps(what, count);
}

bool JudgedSession::holds_so_far(bool is_over) const {
  if (holds() || story_ == nullptr) return holds();
  StoryBuilder so_far = *story_;
  Story story = so_far.finish();
  if (!closed_ && !is_over) leave_out_what_is_open(story);
  const SessionMarks marks = marks_ | replies_->marks() | rules_->of_story(story);
  return (marks & rules_->all()) == rules_->all();
}

JudgedSession::Verdict JudgedSession::finish() {
  if (!holds()) {
    end_lines();
    if (story_ != nullptr) marks_ |= rules_->of_story(story_->finish()) | replies_->marks();
  }
  return {std::move(id_), marks_, holds()};
}

OutcomeChooser::OutcomeChooser(const OutcomeRules& rules, SessionRules::Complete complete)
    : open_(complete == SessionRules::Complete::WhenSilent
                ? GatheredSessions<JudgedSession>::Until::Silent
                : GatheredSessions<JudgedSession>::Until::End,
            [&rules](std::string id) { return JudgedSession(rules, std::move(id)); }) {
}

void OutcomeChooser::add(const EventBatch& batch) {
  note(open_.add(batch));
}

void OutcomeChooser::note(std::vector<JudgedSession::Verdict> verdicts) {
  for (JudgedSession::Verdict& verdict : verdicts) {
    if (!judged_.insert(hash64(verdict.id)).second) {
      again_.insert(std::move(verdict.id));
    } else if (verdict.holds) {
      chosen_.push_back(std::move(verdict.id));
    }
  }
}

SessionChooser::Chosen OutcomeChooser::finish() {
  note(open_.finish());
  Chosen out;
  for (std::string& id : chosen_) {
    if (!again_.contains(id)) out.sessions.push_back(std::move(id));
  }
  out.again.assign(again_.begin(), again_.end());
  return out;
}

}  // namespace smtptape
