// What the parts of the reader share: a tape's bytes, whose they are, and how far they were good.
// Private to format/tape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/io.h"
#include "format/tape/input_buffer.h"
#include "format/tape/tape_info.h"
#include "format/tape/tape_reader.h"

namespace smtptape {

struct TapeScan {
  TapeScan(ByteSource& source, std::string the_name, Checksums how)
      : input(source), name(std::move(the_name)), compares(how == Checksums::Compare) {}

  InputBuffer input;
  std::string name;              // for messages
  std::optional<Id128> tape_id;  // of the first thing that was whole
  std::uint64_t good_until = 0;  // where the last whole batch or section ended
  std::uint32_t next_group = 0;  // number of the group that has to begin next
  bool compares;                 // checksums of groups and batches

  [[nodiscard]] bool is_foreign(const Id128& id) const { return tape_id && *tape_id != id; }
};

}  // namespace smtptape
