// Whatever bytes a peer sends: the same messages however they are cut, in bounded memory.
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/ws_frames_promise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  smtptape::check_ws_frames_promise({reinterpret_cast<const char*>(data), size});
  return 0;
}
