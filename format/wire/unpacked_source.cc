#include "format/wire/unpacked_source.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/error.h"

#include <zlib.h>

namespace smtptape {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kRoom = 256 << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF"sv;

// "smtptape" stands behind the head of a skippable frame (format/tape/section.h).
constexpr std::string_view kTapeBegin = "\x53\x2A\x4D\x18"sv;
constexpr std::size_t kTapeNameAt = 8;
constexpr std::string_view kTapeName = "smtptape"sv;

struct Signature {
  std::string_view bytes;
  Packing packing;
};
// Longer ones before those that they begin with.
constexpr std::array kSignatures{
    Signature{"\x28\xB5\x2F\xFD"sv, Packing::Zstd},
    Signature{"\x1F\x8B"sv, Packing::Gzip},
    Signature{kByteOrderMark, Packing::Marked},
    Signature{"\xFF\xFE"sv, Packing::Utf16},
    Signature{"\xFE\xFF"sv, Packing::Utf16},
    Signature{"\0\0\xFE\xFF"sv, Packing::Utf16},
    Signature{"{\0"sv, Packing::Utf16},  // without a mark
    Signature{"\0{"sv, Packing::Utf16},
    Signature{"\0\0\0{"sv, Packing::Utf16},
    Signature{"\xFD\x37zXZ\0"sv, Packing::Other},
    Signature{"BZh"sv, Packing::Other},
    Signature{"PK\x03\x04"sv, Packing::Other},
    Signature{"\x04\x22\x4D\x18"sv, Packing::Other},  // lz4
};

bool is_skippable(std::string_view bytes) {
  return bytes.size() >= 4 && (static_cast<unsigned char>(bytes[0]) & 0xF0U) == 0x50U &&
         bytes.substr(1, 3) == kTapeBegin.substr(1);
}

// Of a frame that zstd passes over, or a section of a tape.
Packing packing_of_skippable(std::string_view bytes) {
  if (bytes.substr(0, 4) != kTapeBegin) return Packing::Zstd;
  const std::string_view name = bytes.size() > kTapeNameAt ? bytes.substr(kTapeNameAt) : ""sv;
  if (name.starts_with(kTapeName)) return Packing::Tape;
  return kTapeName.starts_with(name) ? Packing::Unclear : Packing::Zstd;
}

// What unpacks one format: takes some of the input, gives some output.
class Unpacker {
 public:
  Unpacker() = default;
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  virtual ~Unpacker() = default;
  struct Step {
    std::size_t taken = 0;
    std::size_t given = 0;
    const char* error = nullptr;
  };
  virtual Step step(std::string_view input, char* to, std::size_t size) = 0;
  // The input may end here.
  [[nodiscard]] virtual bool is_between() const = 0;
  [[nodiscard]] virtual const char* tool() const = 0;  // that unpacks it, too
};

class ZstdUnpacker : public Unpacker {
 public:
  ZstdUnpacker() : context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
  }
  ~ZstdUnpacker() override { ZSTD_freeDCtx(context_); }
  Step step(std::string_view input, char* to, std::size_t size) override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{to, size, 0};
    const std::size_t left = ZSTD_decompressStream(context_, &out, &in);
    if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation) throw std::bad_alloc();
    if (ZSTD_isError(left) != 0) return {in.pos, out.pos, ZSTD_getErrorName(left)};
    if (in.pos > 0 || out.pos > 0) between_ = left == 0;
    return {in.pos, out.pos, nullptr};
  }
  [[nodiscard]] bool is_between() const override { return between_; }
  [[nodiscard]] const char* tool() const override { return "zstdcat"; }

 private:
  ZSTD_DCtx* context_;
  bool between_ = true;
};

class GzipUnpacker : public Unpacker {
 public:
  GzipUnpacker() {
    constexpr int kGzipOnly = 16;
    if (::inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~GzipUnpacker() override { ::inflateEnd(&stream_); }
  Step step(std::string_view input, char* to, std::size_t size) override {
    Step step;
    if (between_ && !first_) {
      // Zeros may fill the last block of a tape drive.
      step.taken = std::min(input.find_first_not_of('\0'), input.size());
      input.remove_prefix(step.taken);
      if (input.empty()) return step;
      ::inflateReset(&stream_);
    }
    if (input.empty() && between_) return step;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(std::min(input.size(), kRoom));
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(std::min(size, kRoom));
    const uInt offered = stream_.avail_in;
    const uInt room = stream_.avail_out;
    first_ = false;
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    between_ = result == Z_STREAM_END;
    step.taken += offered - stream_.avail_in;
    step.given = room - stream_.avail_out;
    const bool bad = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
    if (bad) step.error = stream_.msg != nullptr ? stream_.msg : ::zError(result);
    return step;
  }
  [[nodiscard]] bool is_between() const override { return between_; }
  [[nodiscard]] const char* tool() const override { return "zcat"; }

 private:
  z_stream stream_{};
  bool first_ = true;
  bool between_ = true;
};

}  // namespace

Packing packing_of(std::string_view first_bytes) {
  if (first_bytes.substr(0, 4) == "\xFF\xFE\0\0"sv) return Packing::Utf16;
  if (is_skippable(first_bytes)) return packing_of_skippable(first_bytes);
  bool may_become = first_bytes.size() < 4 && !first_bytes.empty() &&
                    (static_cast<unsigned char>(first_bytes[0]) & 0xF0U) == 0x50U &&
                    kTapeBegin.substr(1).starts_with(first_bytes.substr(1));
  for (const Signature& signature : kSignatures) {
    if (first_bytes.starts_with(signature.bytes)) return signature.packing;
    if (signature.bytes.starts_with(first_bytes)) may_become = true;
  }
  return may_become ? Packing::Unclear : Packing::Plain;
}

struct UnpackedSource::Impl {
  std::unique_ptr<ByteSource> source;
  std::string name;
  Content content;
  std::vector<char> room = std::vector<char>(kRoom);
  std::string_view held;  // in `room`: read and not used yet
  bool source_ended = false;
  std::unique_ptr<Unpacker> unpacker;  // null: nothing to unpack
  std::string first;                   // of the content, until it is clear what that is
  bool begun = false;
  bool judged = false;
  bool marked = false;
  std::uint64_t given = 0;

  void fill() {
    const std::size_t got = source->read(room.data(), room.size());
    held = {room.data(), got};
    source_ended = got == 0;
  }

  // Adds to what is held until it is clear what it is.
  void begin() {
    begun = true;
    std::size_t size = 0;
    Packing packing = Packing::Unclear;
    while (packing == Packing::Unclear && !source_ended) {
      const std::size_t got = source->read(room.data() + size, room.size() - size);
      source_ended = got == 0;
      size += got;
      held = {room.data(), size};
      packing = size == 0 ? Packing::Unclear : packing_of(held);
    }
    if (packing == Packing::Zstd) unpacker = std::make_unique<ZstdUnpacker>();
    if (packing == Packing::Gzip) unpacker = std::make_unique<GzipUnpacker>();
  }

  std::size_t read_content(char* to, std::size_t size) {
    return unpacker == nullptr ? read_plain(to, size) : unpack(to, size);
  }

  std::size_t read_plain(char* to, std::size_t size) {
    if (held.empty() && !source_ended) {
      const std::size_t got = source->read(to, size);
      source_ended = got == 0;
      return got;
    }
    const std::size_t taken = std::min(size, held.size());
    std::memcpy(to, held.data(), taken);
    held.remove_prefix(taken);
    return taken;
  }

  std::size_t unpack(char* to, std::size_t size) {
    for (;;) {
      const Unpacker::Step step = unpacker->step(held, to, size);
      held.remove_prefix(step.taken);
      given += step.given;
      if (step.error != nullptr) fail(std::string("is damaged (") + step.error + ")");
      if (step.given > 0) return step.given;
      if (step.taken > 0 && !held.empty()) continue;
      if (!held.empty()) fail("is damaged (nothing comes out of it)");
      if (!source_ended) fill();
      if (!source_ended) continue;
      if (unpacker->is_between()) return 0;
      fail("is cut off");
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    const std::string tool = unpacker->tool();
    throw Error("reading " + name + ": it " + what + " after " + std::to_string(given) +
                " bytes unpacked; what is good of it can be had by: " + tool + " " + name +
                " | smtptape " + "import - -o X.tape");
  }

  // The beginning of what was unpacked.
  void judge() {
    Packing packing = Packing::Unclear;
    std::array<char, kPackingBytes> buffer{};
    bool ended = false;
    while (packing == Packing::Unclear && !ended) {
      const std::size_t got = read_content(buffer.data(), buffer.size() - first.size());
      ended = got == 0;
      first.append(buffer.data(), got);
      packing = first.empty() ? Packing::Unclear : packing_of(first);
    }
    judged = true;
    refuse(packing);
    if (packing != Packing::Marked || content != Content::Lines) return;
    marked = true;
    first.erase(0, kByteOrderMark.size());
  }

  void refuse(Packing packing) const {
    const std::string reading = "reading " + name + ": it ";
    if (packing == Packing::Tape) {
      throw Error(reading + "is a tape already" + (unpacker == nullptr ? "" : ", packed") +
                  "; smtptape replay, info, extract and export read tapes");
    }
    if (content == Content::Frames) return;
    if (packing == Packing::Utf16) {
      throw Error(reading + "is UTF-16 or UTF-32, and JSON lines are UTF-8; " +
                  "convert it: iconv -f UTF-16 -t UTF-8 FILE");
    }
    if (packing == Packing::Other) {
      throw Error(reading + "is packed with something that is not unpacked here; " +
                  "unpack it and give - for standard input");
    }
    if (unpacker != nullptr && (packing == Packing::Zstd || packing == Packing::Gzip)) {
      throw Error(reading + "is packed twice; unpack it once and give - for standard input");
    }
  }
};

UnpackedSource::UnpackedSource(std::unique_ptr<ByteSource> source,
                               std::string name,
                               Content content)
    : impl_(std::make_unique<Impl>()) {
  impl_->source = std::move(source);
  impl_->name = std::move(name);
  impl_->content = content;
}
UnpackedSource::~UnpackedSource() = default;

std::size_t UnpackedSource::read(char* to, std::size_t size) {
  if (!impl_->begun) impl_->begin();
  if (!impl_->judged) impl_->judge();
  if (impl_->first.empty()) return impl_->read_content(to, size);
  const std::size_t taken = std::min(size, impl_->first.size());
  std::memcpy(to, impl_->first.data(), taken);
  impl_->first.erase(0, taken);
  return taken;
}

bool UnpackedSource::was_marked() const {
  return impl_->marked;
}

}  // namespace smtptape
