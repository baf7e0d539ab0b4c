// What became of a session's messages: exchanges to outcomes, as KumoMTA decides.
//
// A recipient is decided by the first of these that was no success: the reply to MAIL, to its own
// RCPT, to DATA or a chunk, and then the reply to the message's end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "format/meta.h"
#include "sessions/story.h"

namespace smtptape {

class MessageLog {
 public:
  static constexpr std::size_t kMostMessages = 4096;
  static constexpr std::size_t kMostRecipients = 20'000;  // of all messages
  static constexpr std::size_t kMostReplyBytes = 2048;    // of the reply to a recipient

  struct At {
    const Meta* meta = nullptr;  // of the event
    WallTime when;
    std::size_t attempt = 0;
  };
  void obtained(const At& at);
  // In their order.  The message that the exchange belongs to.
  std::optional<std::size_t> take(const SmtpExchange& exchange, const At& at);
  // Where a connection ends, so does what was begun on it.
  void connection_ended() { end_message(); }
  // Something is missing here.
  void lost_track();

  // Decides what is left, and counts.
  void finish(Story& story);
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

 private:
  void begin(const At& at, bool begun_before);
  bool resume(const Meta* meta);
  void end_message();
  void take_sender(const SmtpExchange& exchange);
  void take_recipient(const SmtpExchange& exchange);
  void take_end(const SmtpExchange& exchange, const At& at);
  void decide_open(const SmtpExchange& exchange, WallTime when);
  void decide_one(Recipient& recipient, const SmtpExchange& exchange);
  void add_unsent(Message& message);
  static void conclude(Message& message);

  std::vector<Message> messages_;
  std::optional<std::size_t> current_;
  std::size_t recipients_ = 0;  // of all messages
  std::uint64_t left_out_ = 0;
  // Of the transaction, in the current message.
  std::deque<std::size_t> open_;         // its recipients that nothing has decided
  std::optional<SmtpExchange> refused_;  // the MAIL that was no success
  bool last_chunk_seen_ = false;
  std::vector<std::string> wanted_;  // recipients of the current message, by its metadata
  bool lost_ = false;                // some of the current message
};

}  // namespace smtptape
