// Whatever a subscriber sends: it is refused with an Error, or its written form is read as the same
// request.
#include "filters/request.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

std::optional<smtptape::TraceRequest> read(std::string_view json) {
  try {
    return smtptape::parse_request(json);
  } catch (const smtptape::Error&) {
    return {};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = read({reinterpret_cast<const char*>(data), size});
  if (request) SMTPTAPE_CHECK(read(smtptape::to_json(*request)) == request);
  return 0;
}
