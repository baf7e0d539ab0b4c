#include "sessions/providers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace smtptape {

namespace {

using Known = std::pair<std::string_view, std::string_view>;

// The names in which the MX records of their customers end, as the providers tell these to set
// them up.
constexpr std::array kKnown{
    Known{"google.com", "google"},
    Known{"googlemail.com", "google"},
    Known{"outlook.com", "microsoft"},
    Known{"mx.microsoft", "microsoft"},
    Known{"hotmail.com", "microsoft"},
    Known{"yahoodns.net", "yahoo"},
    Known{"icloud.com", "apple"},
    Known{"comcast.net", "comcast"},
    Known{"prodigy.net", "att"},
    Known{"charter.net", "charter"},
    Known{"cox.net", "cox"},
    Known{"gmx.net", "gmx"},
    Known{"web.de", "gmx"},
    Known{"kundenserver.de", "ionos"},
    Known{"ionos.com", "ionos"},
    Known{"t-online.de", "telekom"},
    Known{"orange.fr", "orange"},
    Known{"free.fr", "free"},
    Known{"laposte.net", "laposte"},
    Known{"libero.it", "libero"},
    Known{"mail.ru", "mail.ru"},
    Known{"yandex.ru", "yandex"},
    Known{"yandex.net", "yandex"},
    Known{"qq.com", "tencent"},
    Known{"netease.com", "netease"},
    Known{"naver.com", "naver"},
    Known{"zoho.com", "zoho"},
    Known{"zoho.eu", "zoho"},
    Known{"messagingengine.com", "fastmail"},
    Known{"protonmail.ch", "proton"},
    Known{"amazonaws.com", "amazon"},
    Known{"emailsrvr.com", "rackspace"},
    Known{"secureserver.net", "godaddy"},
    Known{"ovh.net", "ovh"},
    Known{"gandi.net", "gandi"},
    Known{"pphosted.com", "proofpoint"},
    Known{"ppe-hosted.com", "proofpoint"},
    Known{"mimecast.com", "mimecast"},
    Known{"iphmx.com", "cisco"},
    Known{"barracudanetworks.com", "barracuda"},
    Known{"messagelabs.com", "symantec"},
    Known{"trendmicro.com", "trendmicro"},
    Known{"trendmicro.eu", "trendmicro"},
    Known{"hornetsecurity.com", "hornetsecurity"},
    Known{"antispamcloud.com", "spamexperts"},
    Known{"cloudflare.net", "cloudflare"},
    Known{"mailgun.org", "mailgun"},
};

std::string plain_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string name(host);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

bool is_address(std::string_view name) {
  return name.find(':') != std::string_view::npos ||
         name.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string_view next_word(std::string_view& line) {
  constexpr std::string_view kBlanks = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

Providers::Providers() {
  for (const auto& [suffix, name] : kKnown)
    by_suffix_.emplace(suffix, name);
}

void Providers::extend(std::string_view text, std::string_view file) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::string_view suffix = next_word(line);
    const std::string_view name = next_word(line);
    if (suffix.empty() || suffix.starts_with('#')) continue;
    if (suffix.starts_with('.')) suffix.remove_prefix(1);
    const std::string_view rest = next_word(line);
    if (name.empty() || suffix.empty() || !(rest.empty() || rest.starts_with('#'))) {
      throw Error("reading " + std::string(file) + ", line " + std::to_string(number) +
                  ": a line is the end of an MX host's name and the provider's, like "
                  "\"mail.example.net example\"");
    }
    by_suffix_[plain_name(suffix)] = name;
  }
}

std::string Providers::of(std::string_view mx_host) const {
  const std::string name = plain_name(mx_host);
  if (is_address(name)) return name;
  std::string_view two_labels = name;
  for (std::string_view suffix = name;;) {
    const auto known = by_suffix_.find(suffix);
    if (known != by_suffix_.end()) return known->second;
    const std::size_t dot = suffix.find('.');
    if (dot == std::string_view::npos) return std::string(two_labels);
    two_labels = suffix;
    suffix.remove_prefix(dot + 1);
  }
}

}  // namespace smtptape
