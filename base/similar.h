// How much alike two words are: for "did you mean …?".
#pragma once

#include <cstddef>
#include <string_view>

namespace smtptape {

// The least number of bytes put in, left out or replaced that makes one of the other.  Takes
// a.size() * b.size() steps.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// So much may differ from `word` in what was meant.
[[nodiscard]] std::size_t most_edits(std::string_view word);

}  // namespace smtptape
