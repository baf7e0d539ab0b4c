#include "format/wire/packed_sink.h"

#include <string>

#include "format/tape/compressor.h"

namespace smtptape {

namespace {

constexpr int kLevel = 3;  // zstd's own default
// 8 MiB, which zstd's decoders take without being asked: metadata comes again and again.
constexpr int kWindowLog = 23;

}  // namespace

struct PackedSink::Impl {
  ByteSink& to;
  Compressor compressor{kLevel, kWindowLog};
  std::string packed;

  explicit Impl(ByteSink& sink) : to(sink) {}
  void hand_on() {
    if (packed.empty()) return;
    to.write(packed);
    packed.clear();
  }
};

PackedSink::PackedSink(ByteSink& to) : impl_(std::make_unique<Impl>(to)) {
}

PackedSink::~PackedSink() = default;

void PackedSink::write(std::string_view bytes) {
  impl_->compressor.add(bytes, impl_->packed);
  impl_->hand_on();
}

void PackedSink::finish() {
  impl_->compressor.end(impl_->packed);
  impl_->hand_on();
}

}  // namespace smtptape
