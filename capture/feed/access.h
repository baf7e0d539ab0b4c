// How we get in at an endpoint: what TLS trusts and shows, and the credentials.
//
// Credentials go into the one header that they are for.  They stand in no message, log or tape,
// also when a server sends them back to us.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/tls.h"

namespace smtptape {

struct Credentials {
  std::string header;                // of Authorization; empty: none are sent
  std::vector<std::string> secrets;  // in the forms in which they might come back
};

// "user:password", and a token.  Throw UsageError with `name` in front, and never the text, when it
// can't be one.
[[nodiscard]] Credentials basic_credentials(std::string_view text, const std::string& name);
[[nodiscard]] Credentials bearer_credentials(std::string_view token, const std::string& name);

// The server's words with *** for what is secret in them.
[[nodiscard]] std::string without_secrets(std::string text, const Credentials& credentials);

struct FeedAccess {
  std::shared_ptr<const TlsContext>
      tls;  // for https; none: the system's CAs, no certificate of ours
  Credentials credentials;
};

}  // namespace smtptape
