// The lines of a server, whose first bytes tell what they are.  However the bytes were split, the
// same comes out.  As KumoMTA takes it, a line ends in CR LF and in nothing else.
//
// Pure: a small and fixed memory, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace smtptape {

class ReplyLines {
 public:
  struct Item {
    std::string_view text;   // of the line, or a piece of it, without its "\n"
    bool ends = false;       // here; else more of the line comes
    std::uint16_t code = 0;  // if it ends; 0: it is no line of a reply
    bool last = false;       // of its reply
  };
  // The first line of `text` or piece of one, which the text loses.
  [[nodiscard]] Item next(std::string_view& text);
  // The connection ends within a line.
  [[nodiscard]] Item end();
  void start_over() { *this = {}; }

  [[nodiscard]] bool in_line() const { return size_ > 0; }

 private:
  Item finish(Item item);
  [[nodiscard]] std::size_t find_end(std::string_view text) const;

  bool after_cr_ = false;  // what of the line was seen ends in one
  std::uint8_t size_ = 0;
  std::array<char, 4> start_{};
};

// "5.1.1" of the first line of a reply that is one of these codes' kind; empty: it has none.
[[nodiscard]] std::string_view enhanced_code(std::string_view reply);

}  // namespace smtptape
