// Finding the way again after damage.  Private to format/tape.
//
// Whatever looks like a section has its checksum tried.  A hostile tape is full of such places, so
// the bytes that are tried are bounded over a whole tape, and so is how far it goes back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "format/limits.h"
#include "format/tape/tape_scan.h"

namespace smtptape {

class SectionSearch {
 public:
  explicit SectionSearch(TapeScan& tape) : tape_(tape) {}

  // The first thing after `from` in the bytes at hand that is a whole section of this tape.
  [[nodiscard]] std::optional<std::size_t> find(std::size_t from);
  // Back to where the input was held, if there is one and not too often.
  void go_back();
  // Goes on to the next one behind the input's place; false: there is none, the input has ended.
  [[nodiscard]] bool go_to_next();
  // Where, within the first MiB and behind the first byte, a group begins; for tapes whose header
  // can't be read.
  [[nodiscard]] std::optional<std::size_t> find_first_group();

 private:
  [[nodiscard]] bool is_section(std::string_view bytes);
  [[nodiscard]] bool read_on();

  TapeScan& tape_;
  std::uint64_t tries_left_ = kMostSearchBytes;
  std::uint64_t back_left_ = kMostBackBytes;
};

}  // namespace smtptape
