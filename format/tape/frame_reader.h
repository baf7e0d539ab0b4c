// The zstd frame at the input, decompressed to as many bytes as are asked for.
// Private to format/tape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/hash.h"
#include "format/tape/aligned_bytes.h"
#include "format/tape/compressor.h"
#include "format/tape/input_buffer.h"

namespace smtptape {

class FrameReader {
 public:
  FrameReader(InputBuffer& input, bool hashes) : input_(input), hashes_(hashes) {}

  // A frame begins at the input.
  void begin();
  // What was begun is given up.
  void forget() { decompressor_.reset(); }

  enum class Got : std::uint8_t {
    All,
    FrameEnd,  // nothing: the frame has ended
    Border,    // nothing: the input ends where a flush ended
    Cut,       // the input ends
    Bad,       // why() says what is wrong
  };
  // Exactly `size` bytes.
  [[nodiscard]] Got read(char* to, std::size_t size);
  // The same, into bytes that grow with what really comes out of the frame.
  [[nodiscard]] Got read(std::uint64_t size, AlignedBytes& to);

  [[nodiscard]] const std::string& why() const { return why_; }
  // Where the input stood when the latest read() found that nothing was waiting: what had been
  // read before was flushed up to there.
  [[nodiscard]] std::optional<std::uint64_t> rested_at() const { return rested_at_; }
  // Where the block began that the next bytes may come from, or the one before.
  [[nodiscard]] std::uint64_t block_start() const { return before_last_piece_; }
  // Everything up to the input's place has come out.
  [[nodiscard]] bool is_at_border() const { return at_block_border_ || frame_ended_; }
  // XXH3-64 of the compressed bytes since the last reset.
  [[nodiscard]] std::uint64_t hash() const { return hasher_.value(); }
  void reset_hash() { hasher_.reset(); }

 private:
  InputBuffer& input_;
  Decompressor decompressor_;
  Hasher hasher_;
  bool hashes_;
  bool at_block_border_ = false;
  bool frame_ended_ = false;
  // Where the latest pieces began, which are a block and its header.
  std::uint64_t last_piece_ = 0;
  std::uint64_t before_last_piece_ = 0;
  std::optional<std::uint64_t> rested_at_;
  std::string why_;
};

}  // namespace smtptape
