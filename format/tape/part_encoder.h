// Batches of a group to the bytes of one of its zstd frames.  Private to format/tape.
#pragma once

#include <cstdint>
#include <string>

#include "base/io.h"
#include "format/tape/batch_builder.h"
#include "format/tape/compressor.h"
#include "format/tape/far_matches.h"
#include "format/tape/tape_info.h"

namespace smtptape {

// Numbers stand in the header of a batch.
enum class Part : std::uint16_t { Everything = 0, Columns = 1, Payload = 2 };

// One thread at a time; what the bytes are depends on what is added and on nothing else.
class PartEncoder {
 public:
  // `window_log`: how far back repetitions are found, 2^n bytes.  `header` outlives it.
  PartEncoder(const TapeHeader& header, Part part, int level, int window_log);

  // The next bytes are of that group.
  void begin_group(std::uint32_t number);
  // Gives `out` what is ready as it comes, so that a huge batch takes no second copy.  The columns
  // and the payload of one batch may be added by two encoders at the same time.
  void add(BatchBuilder& batch, std::uint32_t number, ByteSink& out);
  // Everything added so far can be read from `out`.
  void flush(ByteSink& out);
  // Ends the group's frame.
  void end(ByteSink& out);

  // Of the group, before compression.
  [[nodiscard]] std::uint64_t raw_bytes() const { return raw_bytes_; }

 private:
  void compress(std::string_view bytes, ByteSink& out);
  void give(ByteSink& out);

  const TapeHeader& header_;
  Part part_;
  Compressor compressor_;
  std::string ready_;
  std::uint32_t group_ = 0;
  std::uint64_t raw_bytes_ = 0;
  std::uint64_t compressed_bytes_ = 0;
  FarMatches far_;  // of payloads alone: columns are short, and a recorder has no time
};

}  // namespace smtptape
