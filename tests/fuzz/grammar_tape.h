// A tape out of a fuzzer's bytes, as a grammar of what a tape may hold: header, groups of batches
// of records, indexes, footer, all with the checksums that a stranger could compute as well.
//
// Half of all inputs are told honestly: the tape is then what a writer could have written.  In the
// others a number is wrong here and there, a pointer of a message points elsewhere, a list claims
// what is not there, a piece comes thousands of times, is missing, or stands where it does not
// belong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace smtptape {

struct GrammarTape {
  std::string bytes;
  bool honest = false;
  bool sealed = false;
  std::uint64_t events = 0;         // when honest
  std::uint64_t largest_group = 0;  // decompressed, with its index
  std::uint64_t footer = 0;         // its message
};

[[nodiscard]] GrammarTape grammar_tape(std::string_view choices);

}  // namespace smtptape
