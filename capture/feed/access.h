// How we get in at an endpoint: what TLS trusts and shows, and the credentials.  AccessSettings say
// where that stands, FeedAccess is what stood there when a connection was begun.
//
// Credentials go into the one header that they are for.  They stand in no message, log or tape,
// also when a server sends them back to us.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/tls.h"

namespace smtptape {

// As options or a configuration give it.  Secrets come from files only: a command line can be read
// by everyone on the machine, and the environment ends up in logs.
struct AccessSettings {
  std::optional<std::filesystem::path> cacert;
  std::optional<std::string> tls_fingerprint;
  std::optional<std::filesystem::path> tls_cert;
  std::optional<std::filesystem::path> tls_key;
  std::optional<std::filesystem::path> basic_auth_file;
  std::optional<std::filesystem::path> bearer_token_file;

  [[nodiscard]] bool any() const { return *this != AccessSettings(); }
  bool operator==(const AccessSettings&) const = default;
};

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
// Asked at each attempt to connect.  Throws Error when there is none now: another time there may
// be.
using GetAccess = std::function<FeedAccess()>;

}  // namespace smtptape
