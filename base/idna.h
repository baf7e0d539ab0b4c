// Host names that are not ASCII, in the form that DNS and the Host header know (IDNA 2008, as
// UTS 46 maps names beforehand).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

// Each label in lower case; those with other characters become "xn--…".  nullopt: not UTF-8, or
// characters that no host name may have.  What is ASCII already is not judged.
[[nodiscard]] std::optional<std::string> to_ascii_host(std::string_view utf8);

// How the same name may stand elsewhere: with or without the dot at its end, in lower case, as
// ASCII, and as a person reads it.  Without `name` itself; none of what is no name.
[[nodiscard]] std::vector<std::string> other_spellings(std::string_view name);

}  // namespace smtptape
