// What a client sends, taken apart: commands, answers of AUTH, messages up to their final dot, the
// chunks of BDAT.  However the bytes were split, the same comes out.
//
// Pure: no clock, no I/O, a small and fixed memory, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace smtptape {

// What a server answers.
enum class SmtpStep : std::uint8_t {
  Banner,  // nothing: it speaks first
  Hello,   // EHLO, HELO, LHLO
  StartTls,
  Auth,
  Answer,  // to a challenge of AUTH
  Mail,
  Rcpt,
  Data,
  Chunk,      // BDAT
  LastChunk,  // BDAT LAST
  Message,    // the final dot
  Reset,
  Quit,
  Other,
};
// `line` comes without its end; its first bytes are enough.
[[nodiscard]] SmtpStep step_of_command(std::string_view line);

class ClientLines {
 public:
  static constexpr std::size_t kLineStart = 32;  // bytes of a command that tell what it is

  enum class What : std::uint8_t {
    Piece,       // of a command; its end comes later
    Line,        // the end of a command, or all of it
    Message,     // a piece of a message
    MessageEnd,  // its last piece, with the final dot
    Chunk,       // a piece of one
    Unclear,     // may hold commands, but not all of it is known
  };
  struct Item {
    What what = What::Unclear;
    std::string_view text;      // without the end of a line
    std::string_view start{};   // Piece, Line: how the line begins, if not here
    SmtpStep step{};            // Line; of a Piece only whether it is one of an Answer
    bool size_unclear = false;  // Line: how long the chunk is can't be read
    std::uint64_t size = 0;     // Message, Chunk: of the piece; MessageEnd: of the message, without
                                // the line of the dot
  };
  // What comes first of `full` bytes, of which `text` are the first ones; both lose it.  `full` is
  // not 0.
  [[nodiscard]] Item next(std::string_view& text, std::uint64_t& full);
  // Of a text of so many bytes the first line is known.
  [[nodiscard]] Item next_abbreviated(std::string_view first_line, std::uint64_t full);

  // DATA was accepted.
  void begin_message();
  // The next line answers the server.
  void expect_answer() { answer_next_ = true; }
  // It doesn't: the server has answered for the last time.
  void expect_command() { answer_next_ = false; }
  // The connection is another one.
  void start_over() { *this = {}; }
  // Something is missing: what was begun may have ended.
  void lose_track();

  [[nodiscard]] bool is_lmtp() const { return lmtp_; }
  [[nodiscard]] bool in_message() const { return in_message_; }
  // Nothing of the message has come.
  [[nodiscard]] bool is_message_unseen() const { return in_message_ && message_bytes_ == 0; }
  [[nodiscard]] bool in_chunk() const { return chunk_left_ > 0; }
  [[nodiscard]] bool in_line() const { return command_size_ > 0; }
  // Nothing is unfinished.
  [[nodiscard]] bool between_lines() const {
    return !in_message_ && chunk_left_ == 0 && command_size_ == 0;
  }

 private:
  Item next_of_message(std::string_view& text, std::uint64_t& full);
  Item next_of_line(std::string_view& text, std::uint64_t& full);
  Item end_line(Item item);
  bool read_chunk_size(std::string_view line);
  [[nodiscard]] std::size_t find_end(std::string_view text);

  std::uint64_t chunk_left_ = 0;  // bytes of a BDAT
  std::uint64_t message_bytes_ = 0;
  bool in_message_ = false;  // after DATA was accepted, up to the final dot
  bool answer_next_ = false;
  bool lmtp_ = false;
  std::uint8_t end_matched_ = 0;  // bytes of what ends a message
  std::uint8_t command_size_ = 0;
  std::array<char, kLineStart> command_{};  // the start of a line that is not finished
};

}  // namespace smtptape
