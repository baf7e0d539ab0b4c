#include "share/page/packed_block.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/error.h"

#include <zlib.h>

namespace smtptape {

std::string deflated(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  const int done = compress2(reinterpret_cast<Bytef*>(out.data()),
                             &size,
                             reinterpret_cast<const Bytef*>(bytes.data()),
                             bytes.size(),
                             Z_DEFAULT_COMPRESSION);
  SMTPTAPE_CHECK(done == Z_OK);
  out.resize(size);
  return out;
}

std::string as_base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t kThree = 3;
  std::string out;
  out.reserve((bytes.size() + 2) / kThree * 4);
  for (std::size_t at = 0; at < bytes.size(); at += kThree) {
    const std::size_t size = std::min(kThree, bytes.size() - at);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < kThree; ++i)
      bits = bits << 8U | (i < size ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i <= kThree; ++i)
      out.push_back(i <= size ? kDigits[bits >> (18 - 6 * i) & 63U] : '=');
  }
  return out;
}

void write_packed_block(ByteSink& out, std::string_view name, std::string_view bytes) {
  out.write(R"(<script type="application/octet-stream" data-block=")");
  out.write(name);
  out.write("\">");
  out.write(as_base64(deflated(bytes)));
  out.write("</script>\n");
}

}  // namespace smtptape
