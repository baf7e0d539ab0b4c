// Finding the way again after damage.  Private to format/tape.
//
// Whatever looks like a section has its checksum tried, and whatever looks like a group has its
// first bytes decompressed: a damaged index costs no more than itself.  A hostile tape is full of
// such places, so the bytes that are tried are bounded over a whole tape, and so is how far it goes
// back.
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

  // The first thing at or after `from` in the bytes at hand that is a whole section of this tape.
  [[nodiscard]] std::optional<std::size_t> find(std::size_t from);
  // Whether a section or a group begins behind the first byte of those at hand, and before `end`;
  // reads what it takes to tell.
  [[nodiscard]] bool begins_within(std::size_t end);
  // Back to where the input was held, if there is one and not too often.
  void go_back();
  // Goes on to the next one behind the input's place; false: there is none, the input has ended.
  [[nodiscard]] bool go_to_next();
  // Where, within the first MiB and behind the first byte, a group begins; for tapes whose header
  // can't be read.
  [[nodiscard]] std::optional<std::size_t> find_first_group();

 private:
  // What stands at a place of the bytes at hand; Cut: a section may begin there, and is not whole.
  enum class Is : std::uint8_t { Nothing, Whole, Cut };
  [[nodiscard]] Is section_at(std::size_t place);
  [[nodiscard]] bool is_next_group(std::string_view bytes);
  // The first of a section and a group; `cut`: where a section may begin that is not whole.
  [[nodiscard]] std::optional<std::size_t> find_next(std::size_t from,
                                                     std::optional<std::size_t>& cut);
  [[nodiscard]] std::optional<std::size_t> find_group(std::size_t from, std::size_t before);

  TapeScan& tape_;
  std::uint64_t tries_left_ = kMostSearchBytes;
  std::uint64_t back_left_ = kMostBackBytes;
};

}  // namespace smtptape
