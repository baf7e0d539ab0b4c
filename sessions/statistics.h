// Sessions counted by what they have in common: a provider, one of our addresses, a reply.
//
// Bounded: of very many keys or replies the later ones are counted together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sessions/histogram.h"
#include "sessions/providers.h"
#include "sessions/story.h"
#include "sessions/summary.h"

namespace smtptape {

enum class StatsKey : std::uint8_t {
  Provider,
  MxHost,
  MxAddress,
  Source,  // the address that we sent from
  Pool,
  EgressSource,
  Tenant,
  Campaign,
  Domain,
  Code,
  Reply,  // normalised
  Phase,
  Tls,
  Hour,
};
inline constexpr std::size_t kStatsKeys = 14;
[[nodiscard]] std::string_view name_of(StatsKey key);
// Only a story tells; of the others a summary does.
[[nodiscard]] bool needs_story(StatsKey key);

using PhaseTimes = std::array<std::unique_ptr<Histogram>, kPhases>;

// What was counted of one key.
struct KeyFigures {
  struct Bucket {
    std::uint64_t sessions = 0;
    std::uint64_t recipients = 0;
    std::uint64_t failed = 0;  // deferred and bounced
  };

  std::uint64_t sessions = 0;
  std::uint64_t messages = 0;
  std::uint64_t replies = 0;  // that have it, of a key of replies
  OutcomeCounts outcomes{};   // of recipients
  std::int64_t first = std::numeric_limits<std::int64_t>::max();  // received
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  PhaseTimes phases;                              // of each connection; null: none
  std::map<std::string, std::uint64_t> refusals;  // normalised replies of 400 and more
  std::map<std::int64_t, Bucket> buckets;         // by when the sessions began

  [[nodiscard]] std::uint64_t recipients() const;
  [[nodiscard]] std::uint64_t of(Outcome outcome) const {
    return outcomes[static_cast<std::size_t>(outcome)];
  }
  [[nodiscard]] std::uint64_t failed() const {
    return of(Outcome::Deferred) + of(Outcome::Bounced);
  }
  // Of all recipients; 0 of none.
  [[nodiscard]] double share(Outcome outcome) const;
};

class Statistics {
 public:
  static constexpr std::size_t kMostKeys = 10'000;
  static constexpr std::size_t kMostKeysWithPhases = 2000;  // 30 KiB each
  static constexpr std::size_t kMostReplies = 50'000;       // of all keys
  static constexpr std::size_t kMostBuckets = 200'000;
  static constexpr std::string_view kOthers = "(other)";
  static constexpr std::string_view kNone = "(none)";

  struct Question {
    std::vector<StatsKey> by;  // one or two
    std::int64_t bucket = 0;   // ns; 0: none
    bool phases = false;
    bool refusals = false;
  };
  using Key = std::vector<std::string>;
  using Table = std::map<Key, KeyFigures>;

  Statistics(Question question, Providers providers);

  void add(const SessionSummary& session);
  void add(const SessionSummary& session, const Story& story);

  [[nodiscard]] const Question& question() const { return question_; }
  [[nodiscard]] const Table& table() const { return table_; }
  [[nodiscard]] const KeyFigures& all() const { return all_; }
  // There were more keys than fit; they are together in kOthers.
  [[nodiscard]] bool has_others() const { return others_; }
  [[nodiscard]] std::size_t most_keys() const {
    return question_.phases ? kMostKeysWithPhases : kMostKeys;
  }

 private:
  // What a key is made of, as far as it applies.
  struct Grain {
    const SessionSummary& session;
    const Message* message = nullptr;
    std::uint16_t code = 0;
    std::string reply = {};
    Phase phase = Phase::Other;
  };
  [[nodiscard]] std::string value_of(StatsKey key, const Grain& grain) const;
  [[nodiscard]] Key key_of(const Grain& grain) const;
  KeyFigures& figures_of(Key key);
  [[nodiscard]] bool by(StatsKey key) const;
  [[nodiscard]] bool by_message() const;
  [[nodiscard]] bool by_reply() const;

  void count_whole(KeyFigures& figures, const SessionSummary& session) const;
  void count_session(KeyFigures& figures, const SessionSummary& session) const;
  void count_recipients(KeyFigures& figures,
                        const SessionSummary& session,
                        Outcome outcome,
                        std::uint64_t recipients) const;
  void count_messages(const SessionSummary& session, const Story& story, std::set<Key>& keys);
  void count_replies(const SessionSummary& session, const Story& story, std::set<Key>& keys);
  void count_details(KeyFigures& figures, const Story& story);
  void count_phase(KeyFigures& figures, const Story& story, Phase phase) const;
  void note_refusal(KeyFigures& figures, std::string reply);
  KeyFigures::Bucket* bucket_of(KeyFigures& figures, const SessionSummary& session) const;

  Question question_;
  Providers providers_;
  Table table_;
  KeyFigures all_;
  bool others_ = false;
  std::size_t replies_ = 0;
  mutable std::size_t buckets_ = 0;
};

}  // namespace smtptape
