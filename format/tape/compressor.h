// zstd streams with our settings; zstd's own headers stay in compressor.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace smtptape {

// One zstd frame after another, the context reused.
class Compressor {
 public:
  // `window_log`: how far back repetitions are found, 2^n bytes; also the decoder's memory.
  Compressor(int level, int window_log);
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // From the next frame on: long repetitions are looked for in all of the window.
  void look_far(bool yes);

  // Appends compressed bytes to `out` as they become ready.
  void add(std::string_view bytes, std::string& out);
  // Everything added so far can be read from `out` (and what it gave before).
  void flush(std::string& out);
  // Ends the frame.
  void end(std::string& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One zstd frame after another, fed piece by piece.
//
// What comes out must not depend on how the input happens to be cut: zstd forgets what it has put
// out in a call that fails.  So a call gets one piece, a header or a block, and what is ready is
// fetched before the next.
//
// zstd's own checksum of a frame is not compared: each batch has one that covers the same bytes and
// is there before the frame ends, and the group's index has one of the compressed bytes.
class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  struct Step {
    std::size_t consumed = 0;  // of the input
    std::size_t produced = 0;  // of the output
    bool frame_ended = false;
    // Nothing of a block is pending: what was written so far ended with a flush here.
    bool at_block_border = false;
    const char* error = nullptr;  // zstd's words
  };
  // How many bytes the next step() wants, no more; 0: none, output is waiting.
  [[nodiscard]] std::size_t wanted() const;
  // Takes wanted() bytes from the front of `input` (fewer only where the input ends).
  Step step(std::string_view input, char* output, std::size_t size);
  // Forgets a frame that was begun.
  void reset();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A whole frame at once, for small things.
[[nodiscard]] std::string compress_whole(std::string_view bytes);
// Throws Error when it is damaged or larger than `most`.
[[nodiscard]] std::string decompress_whole(std::string_view bytes, std::uint64_t most);

// Decompresses one whole frame into exactly `size` bytes; false when it is anything else.  zstd's
// own checksum is not compared, as in Decompressor.
[[nodiscard]] bool decompress_into(std::string_view frame, char* to, std::size_t size);
// What a frame can decompress to at most, told from the headers of its blocks; 0: it is none.
[[nodiscard]] std::uint64_t decompressed_bound(std::string_view frame);

// The size of the zstd frame at the start of `bytes`, 0 when it is cut or none.
[[nodiscard]] std::size_t whole_frame_size(std::string_view bytes);

}  // namespace smtptape
