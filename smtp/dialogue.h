// Follows one connection's dialogue far enough to know which bytes of it are messages and which are
// arguments of AUTH.
//
// It believes nothing that it has not seen: a recording may begin in the middle, and events may be
// missing.  In doubt, what is no command is taken for a message, and a lone base64 line for an
// argument.  What a server sends can't make a message or an argument pass for a command.
// Pure: no clock, no I/O, a bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/header.h"
#include "smtp/levels.h"
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

  void connection_changed();
  void message_obtained();
  // Events may be missing here.
  void lost_track();

  [[nodiscard]] bool knows_secrets() const { return secrets_ != nullptr; }

 private:
  enum class Place : std::uint8_t {
    Commands,
    Data,       // DATA was sent; commands may follow if it is refused
    Message,    // and accepted: up to the final dot nothing is a command
    Auth,       // until the reply that ends it
    Challenge,  // the server waits for a line of the client's
  };
  // A line of the client's, or the part of it that is in this event.
  struct Line {
    std::string_view piece;  // with its end
    std::size_t at;          // in the event's text
    bool finished;
    std::string_view rest;  // of the event's text, this line included
  };

  // False: a message begins here.
  bool take_line(const Line& line, const Levels& levels, Cuts& cuts);
  bool take_other_line(const Line& line, Secrets secrets, Cuts& cuts);
  void take_command(const Line& line, std::string_view command, Secrets secrets, Cuts& cuts);
  void take_unfinished(const Line& line, std::string_view command, Secrets secrets, Cuts& cuts);
  void take_auth(const Line& line, std::string_view command, Secrets secrets, Cuts& cuts);
  // `size` bytes at the end of the line.
  void take_argument(const Line& line, std::size_t size, Secrets secrets, Cuts& cuts);
  void end_argument();
  void take_message(std::string_view text, std::size_t from, const Levels& levels, Cuts& cuts);
  void take_reply_code(std::string_view code);
  void forget_secrets();
  void end_message();

  Place place_ = Place::Commands;
  HeaderReader header_;
  bool in_argument_ = false;      // the client's line is not finished, and is an argument
  bool message_begun_ = false;    // some of it was seen
  bool login_name_next_ = false;  // AUTH LOGIN: its first answer is a name
  std::string unfinished_;        // the beginning of a command
  std::string reply_;             // the first bytes of the server's line
  std::unique_ptr<SeenSecrets> secrets_;
  // Where what each side sent last ended in what may be a repetition of a secret.
  std::string open_written_;
  std::string open_read_;
};

}  // namespace smtptape
