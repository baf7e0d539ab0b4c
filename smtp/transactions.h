// Follows one session's dialogue far enough to count what became of its messages and of their
// recipients: the replies that decided, the worst and the last reply.
//
// A reply is paired with the command that waits for it, in order, so pipelining is fine.  It counts
// what it has seen; where it can't know, it says so (unsure) and never guesses silently.
// Pure: no clock, no I/O, a small and fixed memory, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "smtp/client_lines.h"
#include "smtp/reply_lines.h"

namespace smtptape {

class SmtpTransactions {
 public:
  struct Counts {
    std::uint32_t recipients = 0;  // RCPT commands
    // The replies that decide a message: to the end of its data, or the refusal that ended its
    // transaction before.  (LMTP: one for each recipient.)
    std::uint32_t accepted = 0;  // 2xx
    std::uint32_t deferred = 0;  // 4xx
    std::uint32_t refused = 0;   // 5xx
    // What became of those recipients of which it is known: the reply to RCPT decides if it
    // refuses, or the one that refused the sender; else what decides the message.
    std::uint32_t delivered = 0;
    std::uint32_t put_off = 0;  // 4xx
    std::uint32_t bounced = 0;
    std::uint16_t last = 0;   // 0: none
    std::uint16_t worst = 0;  // the greatest from 200 to 599, 0: none
  };

  // What comes was preceded by something that was not seen.
  void begin_midway();
  void connected();
  void closed();
  void message_obtained();
  // `full`: bytes of the text, of which `text` may be the beginning only.
  void write(std::string_view text, std::uint64_t full);
  // Of a text of so many bytes the first line is known.
  void abbreviated_write(std::string_view first_line, std::uint64_t full);
  void read(std::string_view text);
  // Something was not seen, or could not be read.
  void lost_track() { unsure_ = true; }
  // From here on: what was counted before is somebody else's.
  void count_anew() { counts_ = {}; }

  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] bool unsure() const { return unsure_; }
  // No command, reply, body or transaction is unfinished.
  [[nodiscard]] bool at_rest() const;

 private:
  // What waits for a reply.
  struct Run {
    SmtpStep what = SmtpStep::Other;
    std::uint32_t count = 0;
  };
  enum class Transaction : std::uint8_t {
    None,
    Open,
    Unknown,  // it may have begun before
  };
  static constexpr std::size_t kMostRuns = 12;

  void take(const ClientLines::Item& item);
  void wait_for(SmtpStep what, std::uint32_t count = 1);
  void take_reply(std::uint16_t code);
  void take_unasked(std::uint16_t code);
  void take_sender(std::uint16_t code);
  void decide(std::uint16_t code);
  void decide_recipients(std::uint16_t code, std::uint32_t count);
  void refuse(std::uint16_t code);
  void take_recipient(std::uint16_t code);
  void take_data(std::uint16_t code);
  void take_last_chunk(std::uint16_t code);
  void take_auth(std::uint16_t code);
  void begin_message();
  void end_message();
  void end_transaction();
  void forget_transaction();

  Counts counts_;
  std::array<Run, kMostRuns> runs_{};  // in the order of the commands
  std::uint8_t run_count_ = 0;
  Transaction transaction_ = Transaction::None;
  bool unsure_ = false;
  bool midway_ = false;  // nothing told yet where we are
  ClientLines client_;
  ReplyLines server_;
  std::uint16_t sender_refusal_ = 0;
  std::uint16_t refusal_ = 0;  // of the last recipient
  std::uint32_t taken_ = 0;    // recipients of the transaction
  std::uint32_t waiting_ = 0;  // recipients of the message that was sent
  bool settled_ = false;       // what is sent is for nobody
  bool obtained_ = false;      // a message, for which no MAIL was sent yet
  bool reconnected_ = false;
  bool was_connected_ = false;
};

}  // namespace smtptape
