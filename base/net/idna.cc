#include "base/net/idna.h"

#include <algorithm>
#include <memory>

#include <idn2.h>

namespace smtptape {

namespace {

struct Idn2Free {
  void operator()(char* text) const { idn2_free(text); }
};

bool is_ascii(std::string_view text) {
  return std::all_of(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::optional<std::string> to_ascii_host(std::string_view utf8) {
  std::string host(utf8);
  if (is_ascii(utf8)) {
    for (char& c : host) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return host;
  }
  if (utf8.find('\0') != std::string_view::npos) return std::nullopt;
  char* made = nullptr;
  const int status = idn2_to_ascii_8z(host.c_str(), &made, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, Idn2Free> owned(made);
  if (status != IDN2_OK) return std::nullopt;
  return std::string(owned.get());
}

}  // namespace smtptape
