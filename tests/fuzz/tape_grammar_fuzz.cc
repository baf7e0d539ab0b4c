// Tapes that look right up to the last checksum, and what all readers make of them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/grammar_tape.h"
#include "tests/fuzz/tape_promise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smtptape;
  check_tape_promise(grammar_tape({reinterpret_cast<const char*>(data), size}));
  return 0;
}
