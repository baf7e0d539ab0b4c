// What a client has sent as arguments of AUTH, so that a text that repeats it is noticed: whole, in
// part, or decoded, and however it is spelled there (smtp/spellings.h).  Bounded: what is too much
// is forgotten, oldest first; a long text is looked through piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/spellings.h"

namespace smtptape {

struct ByteRange {
  std::size_t from = 0;
  std::size_t to = 0;  // behind the last one
};

class SeenSecrets {
 public:
  // Of one argument: a line of AUTH is no longer (RFC 4954).
  static constexpr std::size_t kMostArgument = 12288;
  // Of all texts together: such a one and what it decodes to.
  static constexpr std::size_t kMostBytes = 2 * kMostArgument;
  // Shorter ones stand in many a reply by accident.
  static constexpr std::size_t kLeastBytes = 4;
  // So much of an argument as it was sent is enough to know it by.
  static constexpr std::size_t kWindow = 6;
  // So much of a secret at the end of a text may be the beginning of a repetition.  A byte or two
  // may well be something else; if not, the rest of it will be found.
  static constexpr std::size_t kLeastOpen = 3;
  // Of a text that is looked through at once.
  static constexpr std::size_t kPiece = 16384;

  // A piece of the argument that is being sent.
  void append(std::string_view piece);
  // It is complete.  `is_name`: what it decodes to is no secret.
  void end_argument(bool is_name);

  // Appends where `text` repeats something.
  void find(std::string_view text, std::vector<ByteRange>& found) const;
  // The same in a piece of what one side sends, where a repetition may begin in the piece before;
  // `open` is what of that matters, and is kept by the caller.
  void find_in_piece(std::string_view text, std::string& open, std::vector<ByteRange>& found) const;

 private:
  // `fallback`: of each beginning of the text, how much of its end is a beginning again.
  struct Known {
    std::string text;
    std::vector<std::uint16_t> fallback;
    bool is_argument = false;
  };
  class Layer;
  class Search;

  std::size_t look_through(std::string_view text,
                           std::string& open,
                           std::vector<ByteRange>& found) const;
  void remember(std::string_view secret, bool is_argument);
  void remember_variants(const std::string& secret);
  void find_windows();

  std::string argument_;
  std::vector<Known> texts_;
  std::vector<std::uint64_t> windows_;  // ascending: each kWindow bytes of the arguments
  std::size_t bytes_ = 0;               // of texts_
};

}  // namespace smtptape
