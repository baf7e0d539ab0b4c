// What CSV (RFC 4180) is made of, whoever prints it.
//
// Foreign text comes visible: no field holds a line end, a control character or what is no UTF-8,
// so a line of the file is a row.  And none is a formula: a spreadsheet runs what begins with = + -
// or @, so these get an apostrophe in front.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace smtptape {

inline constexpr std::string_view kCsvLineEnd = "\r\n";
// Bytes of a text, before it is made visible: a cell of a spreadsheet holds no more than 32767.
inline constexpr std::size_t kMostCsvField = 4096;

// A text that is not ours, quoted where it has to be.  What is ours, words and figures, needs none
// of it: a negative number is no formula.
void append_csv_field(std::string& out, std::string_view text);

}  // namespace smtptape
