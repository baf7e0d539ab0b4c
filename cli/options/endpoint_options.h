// How to get in at an endpoint, as options or a configuration say it: files and a fingerprint.
// What they hold is read and checked here, before anything runs.
//
// Secrets come from files only: a command line can be read by everyone on the machine, and the
// environment ends up in logs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "capture/feed/feed.h"
#include "cli/options/options.h"

namespace smtptape {

// As it was written, wherever that was.
struct AccessSettings {
  std::optional<std::string> cacert;
  std::optional<std::string> tls_fingerprint;
  std::optional<std::string> tls_cert;
  std::optional<std::string> tls_key;
  std::optional<std::string> basic_auth_file;
  std::optional<std::string> bearer_token_file;

  [[nodiscard]] bool any() const {
    return cacert || tls_fingerprint || tls_cert || tls_key || basic_auth_file || bearer_token_file;
  }
};

struct CheckedAccess {
  FeedAccess access;
  std::vector<std::string> warnings;  // each to be told once
};

// Throws UsageError: which of the settings cannot be used for this endpoint, which file, and why.
[[nodiscard]] CheckedAccess check_access(const AccessSettings& settings, const Endpoint& endpoint);

struct EndpointOptions {
  AccessSettings settings;

  void describe(Options& options);
  // Tells the warnings on stderr.
  [[nodiscard]] FeedAccess access(const Endpoint& endpoint) const;
};

}  // namespace smtptape
