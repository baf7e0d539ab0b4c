// The hash of a text that strangers may have written, with a key that they don't know: whoever can
// make two lines with the same hash could hide a name behind a line that was looked at before.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace smtptape {

[[nodiscard]] inline std::uint64_t keyed_hash(std::string_view text) {
  static const KeyedHash kHash;
  return kHash(text);
}

}  // namespace smtptape
