#include "format/tape/compressor.h"

#include <algorithm>
#include <new>
#include <vector>

#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_d_forceIgnoreChecksum
#include <zstd.h>
#include <zstd_errors.h>

#include "base/error.h"
#include "format/limits.h"

namespace smtptape {

namespace {

// That we have no memory says nothing about the bytes.
bool is_error(std::size_t result) {
  if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) throw std::bad_alloc();
  return ZSTD_isError(result) != 0;
}

std::size_t checked(std::size_t result) {
  if (is_error(result)) throw Error(std::string("zstd: ") + ZSTD_getErrorName(result));
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

  void set(ZSTD_cParameter parameter, int value) const {
    checked(ZSTD_CCtx_setParameter(context, parameter, value));
  }

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
  // The table that zstd takes for its fastest level forgets templates; this one finds nearly all of
  // them again, and 256 KiB stay in the processor's cache.
  constexpr int kFastest = 1;
  constexpr int kTableLog = 16;
  impl_->set(ZSTD_c_compressionLevel, level);
  if (level == kFastest) impl_->set(ZSTD_c_hashLog, kTableLog);
  impl_->set(ZSTD_c_windowLog, window_log);
  impl_->set(ZSTD_c_checksumFlag, 1);
}
Compressor::~Compressor() = default;

void Compressor::look_far(bool yes) {
  impl_->set(ZSTD_c_enableLongDistanceMatching, yes ? 1 : 0);
}

void Compressor::add(std::string_view bytes, std::string& out) {
  impl_->run(bytes, ZSTD_e_continue, out);
}
void Compressor::flush(std::string& out) {
  impl_->run({}, ZSTD_e_flush, out);
}
void Compressor::end(std::string& out) {
  impl_->run({}, ZSTD_e_end, out);
}

namespace {
constexpr std::size_t kFrameStart = 5;  // the least that zstd wants of a frame
constexpr std::size_t kBlockHeader = 3;
}  // namespace

namespace {

// A context for decompression, with our bounds.
class Context {
 public:
  Context() {
    if (context_ == nullptr) throw std::bad_alloc();
    checked(ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMostWindowLog));
    // A zstd that can't leave it out compares it: slower, and no worse.
    static_cast<void>(
        ZSTD_DCtx_setParameter(context_, ZSTD_d_forceIgnoreChecksum, ZSTD_d_ignoreChecksum));
  }
  ~Context() { ZSTD_freeDCtx(context_); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  [[nodiscard]] ZSTD_DCtx* get() const { return context_; }

 private:
  ZSTD_DCtx* context_ = ZSTD_createDCtx();
};

}  // namespace

struct Decompressor::Impl {
  Context context;
  std::size_t hint = kFrameStart;  // zstd's: the piece that is next, and the header behind it
  bool waiting = false;            // there may be output
};

Decompressor::Decompressor() : impl_(std::make_unique<Impl>()) {
}
Decompressor::~Decompressor() = default;

std::size_t Decompressor::wanted() const {
  if (impl_->waiting) return 0;
  return impl_->hint > kBlockHeader ? impl_->hint - kBlockHeader : impl_->hint;
}

Decompressor::Step Decompressor::step(std::string_view input, char* output, std::size_t size) {
  input = input.substr(0, wanted());
  ZSTD_inBuffer in{input.data(), input.size(), 0};
  ZSTD_outBuffer out{output, size, 0};
  const std::size_t result = ZSTD_decompressStream(impl_->context.get(), &out, &in);
  Step step;
  step.consumed = in.pos;
  step.produced = out.pos;
  if (is_error(result)) {
    step.error = ZSTD_getErrorName(result);
    return step;
  }
  impl_->waiting = out.pos == size;
  step.frame_ended = result == 0;
  impl_->hint = step.frame_ended ? kFrameStart : result;
  step.at_block_border = result == kBlockHeader && !impl_->waiting;
  return step;
}

void Decompressor::reset() {
  checked(ZSTD_DCtx_reset(impl_->context.get(), ZSTD_reset_session_only));
  impl_->hint = kFrameStart;
  impl_->waiting = false;
}

std::string compress_whole(std::string_view bytes) {
  constexpr int kWholeLevel = 3;  // directories: level 9 takes three times as long for 6 %
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
    if (bytes.size() < decompressor.wanted()) throw Error("decompressing: cut short");
    const auto step = decompressor.step(bytes, out.data() + before, room);
    if (step.error != nullptr) throw Error(std::string("decompressing: ") + step.error);
    bytes.remove_prefix(step.consumed);
    out.resize(before + step.produced);
    if (step.frame_ended) return out;
  }
}

bool decompress_into(std::string_view frame, char* to, std::size_t size) {
  thread_local const Context context;
  const std::size_t got = ZSTD_decompressDCtx(context.get(), to, size, frame.data(), frame.size());
  return !is_error(got) && got == size;
}

std::uint64_t decompressed_bound(std::string_view frame) {
  const unsigned long long bound = ZSTD_decompressBound(frame.data(), frame.size());
  return bound == ZSTD_CONTENTSIZE_ERROR ? 0 : bound;
}

std::size_t whole_frame_size(std::string_view bytes) {
  const std::size_t size = ZSTD_findFrameCompressedSize(bytes.data(), bytes.size());
  return ZSTD_isError(size) != 0 ? 0 : size;
}

}  // namespace smtptape
