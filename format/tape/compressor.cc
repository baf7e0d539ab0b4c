#include "format/tape/compressor.h"

#include <algorithm>
#include <new>
#include <vector>

#include <zstd.h>

#include "base/error.h"
#include "format/limits.h"

namespace smtptape {

namespace {

std::size_t checked(std::size_t result) {
  if (ZSTD_isError(result) != 0) throw Error(std::string("zstd: ") + ZSTD_getErrorName(result));
  return result;
}

}  // namespace

struct Compressor::Impl {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::vector<char> room = std::vector<char>(ZSTD_CStreamOutSize());
  Impl() {
    if (context == nullptr) throw std::bad_alloc();
  }
  ~Impl() { ZSTD_freeCCtx(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void run(std::string_view bytes, ZSTD_EndDirective mode, std::string& out) {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer output{room.data(), room.size(), 0};
      const std::size_t left = checked(ZSTD_compressStream2(context, &output, &input, mode));
      out.append(room.data(), output.pos);
      if (mode == ZSTD_e_continue ? input.pos == input.size : left == 0) return;
    }
  }
};

Compressor::Compressor(int level, int window_log) : impl_(std::make_unique<Impl>()) {
  const auto set = [this](ZSTD_cParameter parameter, int value) {
    checked(ZSTD_CCtx_setParameter(impl_->context, parameter, value));
  };
  set(ZSTD_c_compressionLevel, level);
  set(ZSTD_c_windowLog, window_log);
  set(ZSTD_c_checksumFlag, 1);
}
Compressor::~Compressor() = default;

void Compressor::add(std::string_view bytes, std::string& out) {
  impl_->run(bytes, ZSTD_e_continue, out);
}
void Compressor::flush(std::string& out) {
  impl_->run({}, ZSTD_e_flush, out);
}
void Compressor::end(std::string& out) {
  impl_->run({}, ZSTD_e_end, out);
}

struct Decompressor::Impl {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  Impl() {
    if (context == nullptr) throw std::bad_alloc();
    checked(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kMostWindowLog));
  }
  ~Impl() { ZSTD_freeDCtx(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

Decompressor::Decompressor() : impl_(std::make_unique<Impl>()) {
}
Decompressor::~Decompressor() = default;

Decompressor::Step Decompressor::step(std::string_view input, char* output, std::size_t size) {
  constexpr std::size_t kBlockHeaderBytes = 3;
  ZSTD_inBuffer in{input.data(), input.size(), 0};
  ZSTD_outBuffer out{output, size, 0};
  const std::size_t result = ZSTD_decompressStream(impl_->context, &out, &in);
  Step step;
  step.consumed = in.pos;
  step.produced = out.pos;
  if (ZSTD_isError(result) != 0) {
    step.error = ZSTD_getErrorName(result);
    return step;
  }
  step.frame_ended = result == 0;
  step.at_block_border = result == kBlockHeaderBytes && out.pos < size;
  return step;
}

void Decompressor::reset() {
  checked(ZSTD_DCtx_reset(impl_->context, ZSTD_reset_session_only));
}

std::string compress_whole(std::string_view bytes) {
  constexpr int kWholeLevel = 9;  // directories: a fifth smaller than with level 3
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(
      checked(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kWholeLevel)));
  return out;
}

std::string decompress_whole(std::string_view bytes, std::uint64_t most) {
  Decompressor decompressor;
  std::string out;
  for (;;) {
    const std::size_t before = out.size();
    if (before >= most) throw Error("decompressing: more than " + std::to_string(most) + " bytes");
    const std::size_t room =
        std::min<std::uint64_t>(std::max<std::size_t>(before, 1 << 16), most - before);
    out.resize(before + room);
    const auto step = decompressor.step(bytes, out.data() + before, room);
    if (step.error != nullptr) throw Error(std::string("decompressing: ") + step.error);
    bytes.remove_prefix(step.consumed);
    out.resize(before + step.produced);
    if (step.frame_ended) return out;
    if (step.consumed == 0 && step.produced == 0) throw Error("decompressing: cut short");
  }
}

std::size_t whole_frame_size(std::string_view bytes) {
  const std::size_t size = ZSTD_findFrameCompressedSize(bytes.data(), bytes.size());
  return ZSTD_isError(size) != 0 ? 0 : size;
}

}  // namespace smtptape
