// Where the certificates of the authorities stand that this machine trusts.
#pragma once

#include <filesystem>

namespace smtptape {

// Either may be empty.  Of a directory OpenSSL reads what it needs, of a file everything.
struct TrustPlaces {
  std::filesystem::path file;
  std::filesystem::path directory;
  bool operator==(const TrustPlaces&) const = default;
};

// What SSL_CERT_FILE and SSL_CERT_DIR name; else where OpenSSL was made to look; else, because a
// program that brings its own OpenSSL runs on systems that this one was not made for, where they
// keep them. Everything that is not from the environment is looked for below `root`.
[[nodiscard]] TrustPlaces trust_places(const std::filesystem::path& root = "/");

}  // namespace smtptape
