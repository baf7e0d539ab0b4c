// What the rows of a group hold of one key of the metadata.  Private to format/tape.
#pragma once

#include <cstddef>

#include "format/tape/messages.h"
#include "format/tape/session_rows.h"

namespace smtptape {

void write_property(tape::PropertyColumns::Builder to, const SessionRows::Property& from);
// `room`: values that all properties of the group may still list.
[[nodiscard]] SessionRows::Property read_property(const tape::PropertyColumns::Reader& from,
                                                  std::size_t rows,
                                                  std::size_t& room);

}  // namespace smtptape
