#include "sessions/choice/what_came_out.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "base/counted.h"
#include "smtp/reply_lines.h"

namespace smtptape {

namespace {

constexpr std::pair<SessionMarks, const char*> kOptions[] = {
    {OutcomeRules::kCode, "--code"},
    {OutcomeRules::kOutcome, "--outcome"},
    {OutcomeRules::kReply, "--reply"},
    {OutcomeRules::kLine, "--grep"},
    {OutcomeRules::kLineOfAnyCase, "--igrep"},
    {OutcomeRules::kSlow, "--slow"},
    {OutcomeRules::kDuration, "--min-duration"},
    {OutcomeRules::kTls, "--tls"},
};

std::string listed(const std::set<std::string>& all) {
  std::string text;
  for (const std::string& one : all)
    text += (text.empty() ? "" : ", ") + one;
  return text.empty() ? "none at all" : text;
}

std::string seconds(std::int64_t nanos) {
  constexpr std::int64_t kMilli = 1'000'000;
  const std::int64_t millis = nanos / kMilli;
  return millis < 10'000 ? std::to_string(millis) + "ms" : std::to_string(millis / 1000) + "s";
}

std::string_view name_of_tls(Tls tls) {
  switch (tls) {
    case Tls::None: return "none";
    case Tls::Failed: return "failed";
    case Tls::Unknown: return "a version that is not known";
    case Tls::Ssl3: return "SSLv3";
    case Tls::Tls10: return "TLSv1.0";
    case Tls::Tls11: return "TLSv1.1";
    case Tls::Tls12: return "TLSv1.2";
    case Tls::Tls13: return "TLSv1.3";
  }
  return "";
}

std::size_t place_of(SessionMarks mark) {
  // The remainder for compilers that think of no mark at all.
  return static_cast<std::size_t>(std::countr_zero(mark) %
                                  std::numeric_limits<SessionMarks>::digits);
}

}  // namespace

WhatCameOut::WhatCameOut(std::shared_ptr<const OutcomeRules> rules)
    : rules_(std::move(rules)),
      judged_(GatheredSessions<JudgedSession>::Until::Silent,
              [this](std::string id) { return JudgedSession(*rules_, std::move(id)); }) {
}

void WhatCameOut::add(const EventBatch& batch) {
  note(judged_.add(batch));
  note(stories_.add(batch));
}

void WhatCameOut::note(const std::vector<JudgedSession::Verdict>& verdicts) {
  for (const JudgedSession::Verdict& verdict : verdicts) {
    all_ += verdict.holds ? 1 : 0;
    for (const auto& [mark, option] : kOptions)
      holding_[place_of(mark)] += (verdict.marks & mark) != 0 ? 1 : 0;
  }
}

void WhatCameOut::note(const std::vector<Story>& stories) {
  for (const Story& story : stories)
    note(story);
}

void WhatCameOut::note(const Story& story) {
  for (const StoryExchange& exchange : story.exchanges) {
    const SmtpReply& reply = exchange.smtp.reply;
    if (reply.code == 0 || codes_.size() >= kMostCodes) continue;
    const std::string_view enhanced = enhanced_code(reply.text);
    codes_.insert(std::to_string(reply.code) +
                  (enhanced.empty() ? "" : " " + std::string(enhanced)));
  }
  for (std::size_t i = 0; i < kOutcomes; ++i)
    if (story.outcomes[i] > 0) outcomes_.emplace(name_of(static_cast<Outcome>(i)));
  for (const Attempt& attempt : story.attempts)
    if (attempt.was_connected) tls_.emplace(name_of_tls(attempt.tls.tls));
  for (std::size_t i = 0; i < kPhases; ++i)
    longest_[i] = std::max(longest_[i], story.longest[i]);
  longest_session_ = std::max(longest_session_, span_of(story.begun, story.ended));
}

std::vector<std::string> WhatCameOut::tell() {
  note(judged_.finish());
  note(stories_.finish());
  if (all_ > 0)
    return {counted(all_, "session") + " came out so; filters or times leave none of them"};
  std::vector<std::string> lines;
  std::string each;
  for (const auto& [mark, option] : kOptions) {
    if ((rules_->all() & mark) == 0) continue;
    const std::size_t holding = holding_[place_of(mark)];
    if (holding == 0) lines.push_back(std::string(option) + ": " + about(mark));
    each += (each.empty() ? "" : ", ") + std::string(option) + " " + std::to_string(holding);
  }
  if (lines.empty()) lines.push_back("no session has all of it; by themselves it is: " + each);
  return lines;
}

std::string WhatCameOut::about(SessionMarks mark) const {
  switch (mark) {
    case OutcomeRules::kCode: return "no reply had it; there were " + listed(codes_);
    case OutcomeRules::kOutcome: return "nothing came out so; there were " + listed(outcomes_);
    case OutcomeRules::kReply: return "no reply has it in it";
    case OutcomeRules::kSlow: return about_slow();
    case OutcomeRules::kDuration: return "the longest session took " + seconds(longest_session_);
    case OutcomeRules::kTls: return "no connection was so; there were: " + listed(tls_);
    default: return "no line matches";
  }
}

std::string WhatCameOut::about_slow() const {
  std::set<std::string> all;
  for (const SlowPhase& slow : rules_->wishes().slow) {
    const auto place = static_cast<std::size_t>(slow.phase);
    all.insert(std::string(name_of(slow.phase)) + " " + seconds(longest_[place]));
  }
  return "nothing took so long; the longest took: " + listed(all);
}

}  // namespace smtptape
