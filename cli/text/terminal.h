// What the terminal that a person reads on can show.
#pragma once

#include <cstddef>

namespace smtptape {

// Of standard output: COLUMNS, else what the terminal says, else 80.
[[nodiscard]] std::size_t terminal_columns();
// The locale is one of UTF-8.
[[nodiscard]] bool terminal_takes_utf8();

}  // namespace smtptape
