#include "smtp/tls_handshake.h"

#include <array>
#include <utility>

namespace smtptape {

Tls tls_version(std::string_view text) {
  // KumoMTA's two libraries spell them differently.
  static constexpr auto kVersions =
      std::to_array<std::pair<std::string_view, Tls>>({{"TLSv1.3", Tls::Tls13},
                                                       {"TLSv1_3", Tls::Tls13},
                                                       {"TLSv1.2", Tls::Tls12},
                                                       {"TLSv1_2", Tls::Tls12},
                                                       {"TLSv1.1", Tls::Tls11},
                                                       {"TLSv1_1", Tls::Tls11},
                                                       {"TLSv1.0", Tls::Tls10},
                                                       {"TLSv1_0", Tls::Tls10},
                                                       {"TLSv1", Tls::Tls10},
                                                       {"SSLv3", Tls::Ssl3}});
  for (const auto& [name, version] : kVersions) {
    if (text == name) return version;
  }
  return Tls::Unknown;
}

std::optional<Tls> tls_of_diagnostic(std::string_view message) {
  constexpr std::string_view kDone = "STARTTLS handshake -> ";
  constexpr std::string_view kFailed = "STARTTLS handshake failed: ";
  constexpr std::string_view kVersion = "protocol_version: \"";
  if (message.starts_with(kFailed)) return Tls::Failed;
  if (!message.starts_with(kDone)) return std::nullopt;
  const std::size_t at = message.find(kVersion);
  if (at == std::string_view::npos) return Tls::Unknown;
  message.remove_prefix(at + kVersion.size());
  return tls_version(message.substr(0, message.find('"')));
}

}  // namespace smtptape
