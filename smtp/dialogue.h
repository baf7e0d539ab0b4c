// Follows one connection's dialogue far enough to know which bytes of it are messages and which are
// arguments of AUTH.
//
// What is a command, an answer, a message, a chunk, `ClientLines` says; here is what is believed of
// it.  A recording may begin in the middle, and events may be missing: in doubt, what is no command
// is taken for a message, and a lone base64 line for an argument.  What a server sends can't make a
// message or an argument pass for a command.  Of a line that is not finished, what can't become a
// command is an argument at once.
// Pure: no clock, no I/O, a bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/client_lines.h"
#include "smtp/header.h"
#include "smtp/levels.h"
#include "smtp/reply_lines.h"
#include "smtp/seen_secrets.h"

namespace smtptape {

// What must not be stored of a text.
struct Cuts {
  std::vector<ByteRange> secrets;
  std::size_t kept = 0;  // of the text's beginning; what follows is a message's
};

class SmtpDialogue {
 public:
  // Of each, the text in full; `cuts` comes with `kept` at the text's size.
  void write(std::string_view text, const Levels& levels, Cuts& cuts);
  // The server has kept the first line only, of a text of so many bytes.
  void abbreviated_write(std::string_view first_line,
                         std::uint64_t length,
                         const Levels& levels,
                         Cuts& cuts);
  void read(std::string_view text, Cuts& cuts);
  // Where a text that is neither repeats what was sent.
  void find_quoted(std::string_view text, Cuts& cuts) const;

  void connected();
  void closed();
  void message_obtained();
  // Events may be missing here.
  void lost_track();

  [[nodiscard]] bool knows_secrets() const { return secrets_ != nullptr; }

 private:
  enum class Place : std::uint8_t {
    Commands,
    Data,  // DATA was sent; commands may follow if it is refused
    Auth,  // until the reply that ends it
  };
  // What of an event's text is looked at.
  struct Piece {
    std::string_view text;  // a line of the client's, or the part of it that is here, with its end
    std::size_t at;         // in the event's text
    std::string_view rest;  // of which, this line included
    bool finished;
  };

  // What came first, up to where a message may begin.
  void take_text(std::string_view text, const Levels& levels, Cuts& cuts);
  // False: it may be a message that begins here.
  bool take_line(const ClientLines::Item& item, const Piece& piece, Secrets secrets, Cuts& cuts);
  bool take_other_line(const Piece& piece, Secrets secrets, Cuts& cuts);
  void take_command(
      SmtpStep step, std::string_view command, const Piece& piece, Secrets secrets, Cuts& cuts);
  void take_auth(std::string_view command, const Piece& piece, Secrets secrets, Cuts& cuts);
  void take_answer(const Piece& piece, Secrets secrets, Cuts& cuts);
  // `size` bytes at the end of the line.
  void take_argument(const Piece& piece, std::size_t size, Secrets secrets, Cuts& cuts);
  void end_argument();
  void remember(std::string_view argument);
  void take_message(std::string_view text, std::size_t at, const Levels& levels, Cuts& cuts);
  void take_chunk(std::string_view text, std::size_t at, const Levels& levels, Cuts& cuts);
  void take_doubtful(std::string_view text, std::size_t at, const Levels& levels, Cuts& cuts);
  void mask_auth_lines(std::string_view text, std::size_t at, Cuts& cuts);
  void take_reply(std::uint16_t code);
  void end_auth();
  void forget_secrets();
  void end_message();
  void start_over();

  ClientLines client_;
  ReplyLines server_;
  Place place_ = Place::Commands;
  HeaderReader header_;
  bool sure_ = false;           // nothing was missed on this connection, or since the last message
  bool broken_line_ = false;    // something was missed after the beginning of a line
  bool in_argument_ = false;    // the client's line is not finished, and is an argument
  bool message_begun_ = false;  // some of it was seen
  bool last_chunk_ = false;     // the chunk ends its message
  bool auth_begun_ = false;     // the client has sent something of it
  bool login_ = false;          // its first argument is a name
  std::int8_t arguments_due_ = 0;  // that will come, whatever the server says but the end
  // Challenges that are not answered; below 0, answers that were sent ahead of theirs.
  std::int8_t challenges_ = 0;
  std::unique_ptr<SeenSecrets> secrets_;
  // Where what each side sent last ended in what may be a repetition of a secret.
  std::string open_written_;
  std::string open_read_;
};

}  // namespace smtptape
