#include "base/net/system_trust.h"

#include <algorithm>
#include <span>
#include <system_error>

#include <openssl/x509.h>
#include <stdlib.h>  // secure_getenv: not in <cstdlib>

namespace smtptape {

namespace fs = std::filesystem;

namespace {

constexpr const char* kDirectories[] = {
    "/etc/ssl/certs",                                   // Debian, Alpine, openSUSE
    "/etc/pki/ca-trust/extracted/pem/directory-hash"};  // RHEL from 9 on
constexpr const char* kFiles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",                   // RHEL, Amazon Linux
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL from 7 on
    "/etc/ssl/ca-bundle.pem",                             // openSUSE
    "/var/lib/ca-certificates/ca-bundle.pem",             // openSUSE
    "/etc/ssl/cert.pem"};                                 // Alpine

fs::path below(const fs::path& root, const char* place) {
  return root / fs::path(place).relative_path();
}

bool is_file(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path, none);
}

// "5ed36f99.0": a certificate under the hash of its name, as OpenSSL looks for it.
bool is_hashed(const fs::path& name) {
  const std::string text = name.filename().string();
  constexpr std::size_t kHash = 8;
  return text.size() > kHash + 1 && text[kHash] == '.' &&
         text.find_first_not_of("0123456789abcdef") == kHash &&
         text.find_first_not_of("0123456789", kHash + 1) == std::string::npos;
}

bool holds_certificates(const fs::path& directory) {
  std::error_code none;
  const fs::directory_iterator entries(directory, none);
  return !none && std::any_of(begin(entries), end(entries), [](const fs::directory_entry& entry) {
    return is_hashed(entry.path());
  });
}

fs::path first(const fs::path& root,
               const char* of_openssl,
               std::span<const char* const> others,
               bool (*fits)(const fs::path&)) {
  if (const fs::path own = below(root, of_openssl); fits(own)) return own;
  for (const char* const place : others) {
    if (const fs::path path = below(root, place); fits(path)) return path;
  }
  return {};
}

}  // namespace

TrustPlaces trust_places(const fs::path& root) {
  const char* const file = ::secure_getenv(X509_get_default_cert_file_env());
  const char* const directory = ::secure_getenv(X509_get_default_cert_dir_env());
  TrustPlaces places{file == nullptr ? "" : file, directory == nullptr ? "" : directory};
  if (directory == nullptr) {
    places.directory = first(root, X509_get_default_cert_dir(), kDirectories, holds_certificates);
  }
  if (file == nullptr) {
    // A directory that others keep may hold a certificate or two of the machine's own, no more.
    const bool enough = places.directory == below(root, X509_get_default_cert_dir());
    const std::span<const char* const> others(kFiles);
    places.file =
        first(root, X509_get_default_cert_file(), enough ? others.first(0) : others, is_file);
  }
  return places;
}

}  // namespace smtptape
