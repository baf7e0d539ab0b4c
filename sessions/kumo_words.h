// What KumoMTA says of a session in its diagnostics, and what it calls things in the metadata.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "format/attempts.h"
#include "format/meta.h"
#include "sessions/story.h"

namespace smtptape {

// is_throttled(), and then the session ends.
[[nodiscard]] bool is_throttled_too_long(std::string_view message);
// Told before each further message of a connection when all is well.
[[nodiscard]] bool is_harmless_error(std::string_view message);
// KumoMTA quotes the command that was refused.
[[nodiscard]] std::string without_auth_arguments(std::string_view message);
// About DANE or MTA-STS: what is required of TLS.
[[nodiscard]] bool is_tls_policy(std::string_view message);

// Of a diagnostic that tls_of_diagnostic() knows.
void read_tls(std::string_view message, TlsFacts& facts);

// The text of a key; empty: there is none, or it is no text.
[[nodiscard]] std::string meta_text(const Meta& meta, std::string_view key);
// A list of texts, or one.
[[nodiscard]] std::vector<std::string> meta_texts(const Meta& meta, std::string_view key);

// What stands in the angle brackets of MAIL and RCPT.
[[nodiscard]] std::string_view path_of(std::string_view command);
// The lines of a reply to EHLO have this keyword.
[[nodiscard]] bool offers(std::string_view reply, std::string_view upper_case_keyword);

}  // namespace smtptape
