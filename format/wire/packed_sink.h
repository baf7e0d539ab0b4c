// Bytes on their way to somewhere, packed by zstd: the counterpart of UnpackedSource.
//
//     PackedSink packed(file);
//     packed.write(lines);
//     packed.finish();
//
// One zstd frame with a checksum, which zstd -d, zstdcat and `smtptape import` unpack.  Of nothing
// it is an empty frame: a file that was made of nothing is none that was cut.
#pragma once

#include <memory>
#include <string_view>

#include "base/io.h"

namespace smtptape {

class PackedSink : public ByteSink {
 public:
  // `to` outlives it.
  explicit PackedSink(ByteSink& to);
  ~PackedSink() override;

  void write(std::string_view bytes) override;
  // All is written; to be called once.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
