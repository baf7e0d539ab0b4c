#include "base/idna.h"

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

namespace {

// Labels that are "xn--…" as they are read; nullopt: there is none, or not one that makes sense.
std::optional<std::string> to_unicode_host(const std::string& ascii) {
  if (ascii.find("xn--") == std::string::npos) return std::nullopt;
  char* made = nullptr;
  const int status = idn2_to_unicode_8z8z(ascii.c_str(), &made, 0);
  const std::unique_ptr<char, Idn2Free> owned(made);
  if (status != IDN2_OK) return std::nullopt;
  return std::string(owned.get());
}

}  // namespace

std::vector<std::string> other_spellings(std::string_view name) {
  const std::string_view host = name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
  if (host.empty()) return {};
  std::vector<std::string> all{std::string(host)};
  if (const auto ascii = to_ascii_host(host)) {
    all.push_back(*ascii);
    if (auto read = to_unicode_host(*ascii)) all.push_back(std::move(*read));
  }
  for (std::size_t i = all.size(); i-- > 0;)
    all.push_back(all[i] + ".");
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::erase(all, name);
  return all;
}

}  // namespace smtptape
