// One session's dialogue as exchanges: what was sent, what answered it, and when both were.
//
// A reply belongs to the first command that waits for one, so pipelining is fine.  After something
// was missed nothing is paired, until KumoMTA sends what it only sends when nothing is outstanding:
// the replies come out by themselves, the commands with an unknown answer.  However the bytes were
// split, the same comes out.
// Pure: no clock, no I/O, a bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "smtp/client_lines.h"
#include "smtp/reply_lines.h"

namespace smtptape {

// The caller's word for when something was; what of several pieces is made has that of the last.
using SmtpMark = std::uint64_t;

struct SmtpReply {
  std::uint16_t code = 0;       // of its last line; 0: it is none
  std::string text;             // its lines, the codes too, with "\n" between them
  bool cut = false;             // it was longer
  bool mixed = false;           // its lines have several codes
  bool bare_line_feed = false;  // within a line, which KumoMTA doesn't take for its end
};

struct SmtpExchange {
  enum class Answer : std::uint8_t {
    Reply,
    None,     // the connection ended before it came
    Unknown,  // it can't be told which reply answers it, or whether one does
  };
  enum class Kind : std::uint8_t {
    Command,   // or a message, and the reply
    Unasked,   // a reply that nothing waited for
    Unpaired,  // a reply to what was missed, or to one of those with an unknown answer
    NotSmtp,   // a line of the server's that is no reply
    Unclear,   // sent, and it is not known what
  };
  Kind kind = Kind::Command;
  SmtpStep step = SmtpStep::Other;  // of a command
  std::string command;              // without its end and, of AUTH, without its argument
  bool cut = false;                 // the command was longer
  std::uint64_t bytes = 0;          // that were sent: of a message without its final dot
  Answer answer = Answer::Unknown;
  SmtpReply reply;
  bool has_begun = false;  // Message: some of it was seen
  bool early = false;      // answered before it was sent to its end
  bool for_one = false;    // Message, LastChunk: each recipient that was taken has such a reply
  SmtpMark begun = 0;      // Message, chunk: its first byte
  SmtpMark sent = 0;       // its end
  SmtpMark replied = 0;    // the reply's end
};

class SmtpExchanges {
 public:
  static constexpr std::size_t kMostCommand = 512;  // bytes of each that are kept
  static constexpr std::size_t kMostReply = 16384;
  static constexpr std::size_t kMostWaiting = 4096;  // commands; of more the pairing is given up
  static constexpr std::size_t kMostDone = 16384;    // that are kept until they are taken

  // What comes was preceded by something that was not seen.
  void begin_midway() { lost_ = true; }
  void connected(SmtpMark at);
  void closed(SmtpMark at);
  // KumoMTA sends the next message when all of the one before is answered.
  void message_obtained(SmtpMark at);
  // `full`: bytes of the text, of which `text` may be the beginning only.
  void write(std::string_view text, std::uint64_t full, SmtpMark at);
  // Of a text of so many bytes the first line is known.
  void abbreviated_write(std::string_view first_line, std::uint64_t full, SmtpMark at);
  void read(std::string_view text, SmtpMark at);
  // Something is missing here.
  void lost_track();

  // What is complete since it was taken last, in the order in which it was sent; what nothing
  // waited for when it came.
  [[nodiscard]] std::vector<SmtpExchange> take() { return std::exchange(done_, {}); }
  // Of what was complete at once, so much was too much to be kept.
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }
  // What waits for its reply.
  [[nodiscard]] const std::deque<SmtpExchange>& waiting() const { return waiting_; }
  // Nothing can be paired here.
  [[nodiscard]] bool is_lost() const { return lost_; }

 private:
  void take(const ClientLines::Item& item, SmtpMark at);
  void take_piece(std::string_view piece);
  void take_line(const ClientLines::Item& item, SmtpMark at);
  SmtpExchange end_line(SmtpStep step, SmtpMark at);
  void take_message(const ClientLines::Item& item, SmtpMark at);
  void take_chunk(std::uint64_t size, SmtpMark at);
  void send(SmtpExchange exchange);
  void write_lost(std::string_view& text, std::uint64_t& full, SmtpMark at);
  bool find_way(std::string_view& text, SmtpMark at);
  void take_lost_bytes(std::uint64_t size, SmtpMark at);
  void end_lost_bytes(SmtpExchange::Kind kind, SmtpMark at);
  void take_reply_line(const ReplyLines::Item& line, SmtpMark at);
  void end_reply_line(const ReplyLines::Item& line, SmtpMark at);
  void take_reply(SmtpMark at);
  void answer_first(SmtpMark at);
  void follow(SmtpStep answered, std::uint16_t code);
  void end_reply_midway(SmtpMark at);
  void hold_reply(SmtpMark at);
  void settle_held(bool client_goes_on);
  void give_up_waiting(SmtpExchange::Answer answer);
  void end_connection(SmtpMark at);
  void finish(SmtpExchange exchange);

  ClientLines client_;
  ReplyLines server_;
  bool lost_ = false;
  bool hello_seen_ = false;  // on this connection: it is known whether it is LMTP
  bool begun_here_ = false;  // and nothing was missed since: it would have been seen
  bool data_lost_ = false;   // while nothing can be paired, DATA was sent last
  std::string command_;      // the beginning of a line that is not finished
  std::uint64_t command_bytes_ = 0;
  bool command_ends_in_cr_ = false;
  std::string reply_line_;  // likewise
  bool reply_line_cut_ = false;
  SmtpReply reply_;           // its lines so far
  SmtpExchange lost_bytes_;   // what was sent of a message, most likely
  std::size_t accepted_ = 0;  // recipients of the transaction
  // Replies to a message of which it is not known whether there is one, or one for each recipient:
  // the client goes on when they are all there.
  struct Held {
    SmtpReply reply;
    SmtpMark at = 0;
  };
  bool holding_ = false;
  std::vector<Held> held_;
  std::deque<SmtpExchange> waiting_;
  std::vector<SmtpExchange> done_;
  std::uint64_t left_out_ = 0;
};

}  // namespace smtptape
