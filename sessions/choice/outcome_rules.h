// What a session has to have come out as, said on a command line: replies, outcomes, times, TLS,
// lines.  Values of one kind are alternatives, the kinds have to hold together.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filters/session_rules.h"
#include "sessions/choice/line_patterns.h"
#include "sessions/choice/reply_codes.h"
#include "sessions/story.h"

namespace smtptape {

// What somebody may ask for as an outcome: those of recipients and messages, and that of a session
// that never had a connection.
class OutcomeSet {
 public:
  // Adds the words of a list with commas.  Throws UsageError that says which there are.
  void add(std::string_view list);
  // What did not work: deferred, bounced, unfinished, not connected.
  void add_failures();
  [[nodiscard]] bool empty() const { return bits_ == 0; }
  [[nodiscard]] bool has(Outcome outcome) const {
    return (bits_ >> static_cast<unsigned>(outcome) & 1) != 0;
  }
  [[nodiscard]] bool has_not_connected() const { return (bits_ & kNotConnected) != 0; }
  [[nodiscard]] bool match(const Story& story) const;
  // False: the row tells that none of them is in it.
  [[nodiscard]] bool may_match(const SessionRow& row) const;

 private:
  static constexpr std::uint32_t kNotConnected = 1U << kOutcomes;
  void add_one(std::string_view word);

  std::uint32_t bits_ = 0;
};

// "banner>5s": a stretch of the phase that took longer.
struct SlowPhase {
  Phase phase = Phase::Other;
  std::chrono::nanoseconds longer_than{};
};
// Throws UsageError that says what it looks like.
[[nodiscard]] SlowPhase parse_slow_phase(std::string_view text);

// Of one connection of the session.
struct TlsWish {
  enum class What : std::uint8_t { None, Yes, Failed, Version };
  What what = What::Yes;
  Tls version = Tls::Unknown;
};
[[nodiscard]] TlsWish parse_tls_wish(std::string_view text);

struct OutcomeWishes {
  ReplyCodes codes;
  OutcomeSet outcomes;
  LinePatterns replies;  // in a reply, reassembled
  LinePatterns lines;
  LinePatterns lines_of_any_case;
  std::vector<SlowPhase> slow;
  std::optional<std::chrono::nanoseconds> least_duration;
  std::vector<TlsWish> tls;
};

class OutcomeRules : public SessionRules {
 public:
  static constexpr SessionMarks kCode = kFirstRule;
  static constexpr SessionMarks kOutcome = kFirstRule << 1;
  static constexpr SessionMarks kReply = kFirstRule << 2;
  static constexpr SessionMarks kLine = kFirstRule << 3;
  static constexpr SessionMarks kLineOfAnyCase = kFirstRule << 4;
  static constexpr SessionMarks kSlow = kFirstRule << 5;
  static constexpr SessionMarks kDuration = kFirstRule << 6;
  static constexpr SessionMarks kTls = kFirstRule << 7;

  explicit OutcomeRules(OutcomeWishes wishes);

  [[nodiscard]] SessionMarks all() const override { return all_; }
  [[nodiscard]] SessionMarks may_hold(const SessionRow& row) const override;
  [[nodiscard]] std::unique_ptr<SessionChooser> chooser(Complete complete) const override;

  [[nodiscard]] const OutcomeWishes& wishes() const { return wishes_; }
  // Of a story without its replies: what it tells.
  [[nodiscard]] SessionMarks of_story(const Story& story) const;

 private:
  OutcomeWishes wishes_;
  SessionMarks all_ = 0;
};

// Null: nothing is asked.
[[nodiscard]] std::shared_ptr<const SessionRules> rules_of(OutcomeWishes wishes);

}  // namespace smtptape
