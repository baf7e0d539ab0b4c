#include "capture/feed/access.h"

#include <algorithm>

#include "base/error.h"
#include "base/net/sha1.h"
#include "base/net/upgrade.h"

namespace smtptape {

namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_plain(char c) {
  return c > ' ' && c < 0x7f;
}

void check_text(std::string_view text, const std::string& name) {
  if (text.empty()) throw UsageError(name + ": it is empty");
  if (std::any_of(text.begin(), text.end(), is_control)) {
    throw UsageError(name + ": it holds more than one line, or control characters");
  }
}

}  // namespace

Credentials basic_credentials(std::string_view text, const std::string& name) {
  check_text(text, name);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    throw UsageError(name + ": it does not hold user:password");
  }
  Credentials credentials;
  const std::string encoded = base64(text);
  credentials.header = "Basic " + encoded;
  credentials.secrets = {encoded, std::string(text.substr(colon + 1))};
  return credentials;
}

Credentials bearer_credentials(std::string_view token, const std::string& name) {
  check_text(token, name);
  if (!std::all_of(token.begin(), token.end(), is_plain)) {
    throw UsageError(name + ": a token has no spaces, and only ASCII characters");
  }
  Credentials credentials;
  credentials.header = "Bearer " + std::string(token);
  credentials.secrets = {std::string(token)};
  return credentials;
}

std::string without_secrets(std::string text, const Credentials& credentials) {
  static constexpr std::string_view kHidden = "***";
  for (const std::string& secret : credentials.secrets) {
    const std::string shown = printable_line(secret);  // as the reason was made, too
    if (shown.empty()) continue;
    std::size_t at = 0;
    while ((at = text.find(shown, at)) != std::string::npos) {
      text.replace(at, shown.size(), kHidden);
      at += kHidden.size();
    }
  }
  return text;
}

}  // namespace smtptape
