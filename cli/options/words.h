// Lists and numbers as values of options.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

// "a,b,c"; empty words are left out.
[[nodiscard]] std::vector<std::string> words_of(std::string_view list);
// From 1 on.  Throws UsageError that names `option`.
[[nodiscard]] std::uint64_t parse_count_of(std::string_view text, std::string_view option);

}  // namespace smtptape
