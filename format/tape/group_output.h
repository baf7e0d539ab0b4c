// From collected batches to the bytes of a tape, in either layout.  Private to format/tape.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/io.h"
#include "format/tape/batch_builder.h"
#include "format/tape/group_builder.h"
#include "format/tape/tape_info.h"
#include "format/tape/tape_options.h"

namespace smtptape {

// Where the groups of a tape go, one after another; one thread at a time.
class GroupPlace : public ByteSink {
 public:
  [[nodiscard]] virtual std::uint64_t offset() const = 0;
  // All bytes of the group were written.
  virtual void end_group(GroupBuilder::Gathered gathered) = 0;
};

class GroupOutput {
 public:
  GroupOutput() = default;
  GroupOutput(const GroupOutput&) = delete;
  GroupOutput& operator=(const GroupOutput&) = delete;
  virtual ~GroupOutput() = default;

  // The one that takes records now.
  [[nodiscard]] virtual BatchBuilder& batch() = 0;
  // Takes batch(), as that number of the group; there is an empty one afterwards.
  virtual void end_batch(std::uint32_t group, std::uint32_t number) = 0;
  virtual void end_group(GroupBuilder::Gathered gathered) = 0;
  // Until everything was given to its place.
  virtual void settle() = 0;
};

// Interleaved: batch(), end_batch() and end_group() on the caller's thread, and each batch can be
// read from `place` at once.  Two frames: the columns, the payload and the end of a group have a
// thread each; what they throw is thrown by a later call.  All that is handed in outlives it.
[[nodiscard]] std::unique_ptr<GroupOutput> make_group_output(const TapeHeader& header,
                                                             const TapeOptions& options,
                                                             GroupPlace& place);

}  // namespace smtptape
