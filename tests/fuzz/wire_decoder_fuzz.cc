// Whatever arrives as a text frame: it is given back byte for byte, and abbreviating it breaks
// nothing.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "format/wire/wire.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

std::string encoded(const smtptape::Event& event) {
  std::string frame;
  smtptape::append_frame(frame, event);
  SMTPTAPE_CHECK(frame.size() == smtptape::frame_size(event));
  return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view frame(reinterpret_cast<const char*>(data), size);
  smtptape::WireDecoder decoder;
  smtptape::EventBatch batch;
  smtptape::Event& event = decoder.decode(frame, smtptape::Opcode::Text, batch);
  SMTPTAPE_CHECK(encoded(event) == frame);

  smtptape::abbreviate(event, batch.arena);
  const std::string abbreviated = encoded(event);
  smtptape::EventBatch again;
  SMTPTAPE_CHECK(encoded(decoder.decode(abbreviated, smtptape::Opcode::Text, again)) ==
                 abbreviated);
  return 0;
}
