// How a TLS handshake ended, as KumoMTA says it in a diagnostic or in its metadata.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace smtptape {

// Numbers are stored in tapes and never change.
enum class Tls : std::uint8_t {
  None = 0,
  Failed = 1,
  Unknown = 2,  // of a version that we don't know
  Ssl3 = 3,
  Tls10 = 10,
  Tls11 = 11,
  Tls12 = 12,
  Tls13 = 13,
};

// "TLSv1_3", "TLSv1.3"
[[nodiscard]] Tls tls_version(std::string_view text);
// nullopt: the diagnostic is about something else.
[[nodiscard]] std::optional<Tls> tls_of_diagnostic(std::string_view message);

}  // namespace smtptape
