// Events of one session to its story, one after another.  Memory is bounded whatever comes: what is
// too much is left out and counted, outcomes and phases are still right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "sessions/message_log.h"
#include "sessions/story.h"
#include "smtp/exchanges.h"

namespace smtptape {

// Is told of each reply, also of those for which a story has no room.
class ReplyWatcher {
 public:
  ReplyWatcher() = default;
  ReplyWatcher(const ReplyWatcher&) = delete;
  ReplyWatcher& operator=(const ReplyWatcher&) = delete;
  virtual ~ReplyWatcher() = default;
  virtual void watch(const SmtpReply& reply) = 0;
};

class StoryBuilder {
 public:
  static constexpr std::size_t kMostAttempts = 256;
  static constexpr std::size_t kMostExchanges = 20'000;
  static constexpr std::size_t kMostSpans = 20'000;
  static constexpr std::size_t kMostErrors = 200;
  static constexpr std::size_t kMostGaps = 20;
  static constexpr std::size_t kMostPolicies = 8;         // of an attempt
  static constexpr std::size_t kMostTextBytes = 8 << 20;  // of all exchanges
  static constexpr std::size_t kMostErrorBytes = 4096;    // of each

  // With a watcher, which outlives it, exchanges and spans are not kept.
  explicit StoryBuilder(std::string id, ReplyWatcher* watcher = nullptr);

  // In their order.
  void add(const Event& event);
  // Events are missing between the last one and the next, in so many places; the first in words.
  void add_gaps(std::string_view what, std::uint64_t count);
  // The same of some that came before: nobody knows any more between which.
  void note_gaps(std::string_view what, std::uint64_t count);
  // Nothing more comes.
  [[nodiscard]] Story finish();

  [[nodiscard]] const Story& so_far() const { return story_; }
  // Its last attempt is over.
  [[nodiscard]] bool is_closed() const { return !connecting_ && !story_.attempts.empty(); }

 private:
  void take_first(const Event& event);
  void join(const Event& event);
  void take_meta(const Meta& meta);
  void take_payload(const Event& event);
  void begin_session();
  void connect(const Event& event);
  void close();
  void diagnose(std::string_view level, std::string_view message);
  void inform(std::string_view message);
  void report_error(std::string_view message);
  void write(const Event& event);

  Attempt& attempt();
  void begin_attempt();
  void end_connection();
  void name_target(Attempt& attempt, std::string_view target) const;
  void name_connection(Attempt& attempt, const Event& event) const;
  static void add_policy(std::vector<std::string>& policies, std::string_view message);
  void drain();
  void take_exchange(SmtpExchange exchange);
  void note_reply(const SmtpExchange& exchange);
  void learn_about_tls(const SmtpExchange& exchange);
  void spend(Phase phase, WallTime until);
  void keep_span(const PhaseSpan& span, bool goes_on);
  void spend_on(const SmtpExchange& exchange);
  [[nodiscard]] Phase phase_of_waiting() const;

  ReplyWatcher* watcher_;
  Story story_;
  PhaseSpan last_span_;
  SmtpExchanges smtp_;
  MessageLog log_;
  const Meta* meta_ = nullptr;  // of the event that is taken
  std::uint64_t meta_serial_ = 0;
  MetaPtr kept_meta_;
  WallTime now_;
  WallTime last_;  // event
  WallTime spent_until_;
  bool any_ = false;
  bool connecting_ = false;  // the last attempt is not over
  bool throttled_ = false;   // before it
  bool connected_ = false;
  bool gap_ahead_ = false;
  bool hello_done_ = false;
  std::size_t text_bytes_ = 0;
};

}  // namespace smtptape
