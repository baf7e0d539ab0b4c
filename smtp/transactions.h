// Follows one session's dialogue far enough to count what became of its messages: recipients, the
// replies that decided, the worst and the last reply.
//
// A reply is paired with the command that waits for it, in order, so pipelining is fine.  It counts
// what it has seen; where it can't know, it says so (unsure) and never guesses silently.
// Pure: no clock, no I/O, a small and fixed memory, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

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
    std::uint16_t last = 0;      // 0: none
    std::uint16_t worst = 0;     // the greatest from 200 to 599, 0: none
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

  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] bool unsure() const { return unsure_; }
  // No command, reply, body or transaction is unfinished.
  [[nodiscard]] bool at_rest() const;

 private:
  // What waits for a reply.
  enum class Waiting : std::uint8_t {
    Banner,
    Mail,
    Rcpt,
    Data,
    Chunk,      // BDAT
    LastChunk,  // BDAT LAST
    Message,    // the final dot
    Reset,      // what ends a transaction: RSET, EHLO, QUIT, …
    Auth,
    Other,
  };
  struct Run {
    Waiting what = Waiting::Other;
    std::uint32_t count = 0;
  };
  enum class Transaction : std::uint8_t {
    None,
    Open,
    Unknown,  // it may have begun before
  };
  static constexpr std::size_t kMostRuns = 12;
  static constexpr std::size_t kLineStart = 32;  // bytes of a command that tell what it is

  void write_message(std::string_view text, bool whole);
  void take_line(std::string_view line);
  void take_chunk(std::string_view line);
  void wait_for(Waiting what, std::uint32_t count = 1);
  void take_reply(std::uint16_t code);
  void take_unasked(std::uint16_t code);
  void take_sender(std::uint16_t code);
  void decide(std::uint16_t code);
  void refuse(std::uint16_t code);
  void take_recipient(std::uint16_t code);
  void take_data(std::uint16_t code);
  void take_auth(std::uint16_t code);
  void end_message();
  void end_transaction();
  void forget_transaction();
  void end_reply_line();

  Counts counts_;
  std::array<Run, kMostRuns> runs_{};  // in the order of the commands
  std::uint8_t run_count_ = 0;
  Transaction transaction_ = Transaction::None;
  bool unsure_ = false;
  bool midway_ = false;  // nothing told yet where we are
  bool lmtp_ = false;
  bool in_message_ = false;  // after DATA was accepted, up to the final dot
  bool line_begins_ = true;  // in a message
  bool challenged_ = false;  // the next line answers a 334
  std::uint8_t command_size_ = 0;
  std::uint8_t reply_size_ = 0;
  std::array<char, kLineStart> command_{};  // the start of a line that is not finished
  std::array<char, 4> reply_{};             // likewise
  std::uint16_t refusal_ = 0;               // of the last recipient
  std::uint32_t taken_ = 0;                 // recipients of the transaction
  std::uint64_t chunk_left_ = 0;            // bytes of a BDAT
};

}  // namespace smtptape
