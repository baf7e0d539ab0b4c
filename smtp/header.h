// Where a message's header ends, so that nothing of its body is taken for it.
//
// Lines may end in CR LF, or in one of the two.  The empty line is the header's last.  What can't
// be a field, is too long for one or comes after too many of them is no header any more: what is no
// message as it should be may have none at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace smtptape {

class HeaderReader {
 public:
  static constexpr std::size_t kMostBytes = 65536;
  // RFC 5322 allows 998; not everybody folds.
  static constexpr std::size_t kMostLine = 8192;

  // A piece of the message; returns how many bytes at its beginning belong to the header.
  std::size_t take(std::string_view text);
  // Whatever follows is body.
  void end() { place_ = Place::Body; }

 private:
  enum class Place : std::uint8_t { Start, Fields, InField, Body };

  // `content` without its end.
  bool take_line(std::string_view content, bool finished);

  Place place_ = Place::Start;
  bool after_cr_ = false;  // the piece before ended in a CR; it may have been half of a line end
  std::size_t bytes_ = 0;
  std::size_t line_ = 0;  // bytes of the line that is not finished
};

}  // namespace smtptape
