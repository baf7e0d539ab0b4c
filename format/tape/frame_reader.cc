#include "format/tape/frame_reader.h"

#include <algorithm>
#include <utility>

#include "format/limits.h"

namespace smtptape {

void FrameReader::begin() {
  at_block_border_ = false;
  frame_ended_ = false;
  last_piece_ = before_last_piece_ = input_.offset();
}

FrameReader::Got FrameReader::read(char* to, std::size_t size) {
  rested_at_.reset();
  std::size_t have = 0;
  while (have < size) {
    if (frame_ended_) {
      why_ = "a frame ends inside a batch";
      return have == 0 ? Got::FrameEnd : Got::Bad;
    }
    if (!input_.fill(decompressor_.wanted())) {
      return have == 0 && at_block_border_ && input_.view().empty() ? Got::Border : Got::Cut;
    }
    const auto step = decompressor_.step(input_.view(), to + have, size - have);
    if (hashes_) hasher_.add(input_.view().substr(0, step.consumed));
    if (step.consumed > 0) before_last_piece_ = std::exchange(last_piece_, input_.offset());
    input_.consume(step.consumed);
    have += step.produced;
    at_block_border_ = step.at_block_border;
    if (at_block_border_ && have == 0 && step.consumed == 0) rested_at_ = input_.offset();
    if (step.error != nullptr) {
      why_ = std::string("zstd: ") + step.error;
      return Got::Bad;
    }
    frame_ended_ = step.frame_ended;
  }
  return Got::All;
}

FrameReader::Got FrameReader::read(std::uint64_t size, AlignedBytes& to) {
  constexpr std::uint64_t kStep = 4 * kMiB;
  for (std::uint64_t have = 0; have < size;) {
    const std::uint64_t more = std::min(std::max(kStep, have), size - have);
    to.resize(have + more);
    const Got got = read(to.data() + have, more);
    if (got != Got::All) return got == Got::FrameEnd ? Got::Bad : got;
    have += more;
  }
  return Got::All;
}

}  // namespace smtptape
