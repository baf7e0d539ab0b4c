// A block of data in a page: deflated and in base64, within a script element that no browser runs.
#pragma once

#include <string>
#include <string_view>

#include "base/io.h"

namespace smtptape {

// As RFC 1950 has it (zlib), with a checksum: what was damaged on its way is noticed.
[[nodiscard]] std::string deflated(std::string_view bytes);
[[nodiscard]] std::string as_base64(std::string_view bytes);

// `name`: the value of its data-block, a word of ours.
void write_packed_block(ByteSink& out, std::string_view name, std::string_view bytes);

}  // namespace smtptape
