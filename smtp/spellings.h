// How programs spell a text that they repeat: escaped in a literal, in a URL, in a mail, as base64.
// Each way is undone by itself, whatever wrote the text; what is no spelling stays as it is.
// Pure, linear, and in one pass.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

enum class Spelling : std::uint8_t {
  Backslash,        // literals of Rust, JSON and C: \" \n \u{e9} \u00e9 \xe9 \351
  Percent,          // URLs: %22
  QuotedPrintable,  // mail: =22, and lines that go on after "="
  Xtext,            // SMTP's own: +22
  Entity,           // HTML: &quot; &#34; &#x22;
  // Everything beyond ASCII as kNotAscii, a run of it as one: in another character set, or replaced
  // because it was no UTF-8 or was cut in two, it's not the same bytes any more.
  NotAscii,
};
inline constexpr std::array kSpellings{Spelling::Backslash,
                                       Spelling::Percent,
                                       Spelling::QuotedPrintable,
                                       Spelling::Xtext,
                                       Spelling::Entity,
                                       Spelling::NotAscii};
inline constexpr char kNotAscii = '\xff';

// Runs of digits, read as bytes.  The alphabets of base64 are both understood.
enum class Digits : std::uint8_t { Base64, Hex };

// A text of which one spelling was undone.
struct Respelled {
  struct Place {
    std::uint32_t from;
    std::uint32_t to;
  };
  std::string text;
  std::vector<Place> places;  // for each byte of `text`, what spells it in the original
  std::size_t open = 0;       // what the original ends in from here on may go on as a spelling
  bool changed = false;       // there was such a spelling
};

// `text` has less than 4 GiB.
void undo(Spelling spelling, std::string_view text, Respelled& out);
// `skip`: how many bits of each run stand before the first whole byte; at most those of a digit.
void undo(Digits digits, unsigned skip, std::string_view text, Respelled& out);

// Without the padding, if there is one; empty when it is not base64.
[[nodiscard]] std::string decode_base64(std::string_view text);

}  // namespace smtptape
