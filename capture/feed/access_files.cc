#include "capture/feed/access_files.h"

#include <sys/stat.h>

#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "format/limits.h"

namespace smtptape {

namespace fs = std::filesystem;

namespace {

void refuse_contradictions(const AccessSettings& settings, const Endpoint& endpoint) {
  if (settings.cacert && settings.tls_fingerprint) {
    throw UsageError("--cacert and --tls-fingerprint: give one of them, the other is not used");
  }
  if (settings.tls_cert.has_value() != settings.tls_key.has_value()) {
    throw UsageError("--tls-cert and --tls-key: give both or neither");
  }
  if (settings.basic_auth_file && settings.bearer_token_file) {
    throw UsageError("--basic-auth-file and --bearer-token-file: give one of them");
  }
  if (endpoint.tls) return;
  const std::pair<bool, const char*> only_with_tls[] = {
      {settings.cacert.has_value(), "--cacert"},
      {settings.tls_fingerprint.has_value(), "--tls-fingerprint"},
      {settings.tls_cert.has_value(), "--tls-cert"}};
  for (const auto& [given, option] : only_with_tls) {
    if (!given) continue;
    throw UsageError(std::string(option) + ": the endpoint " + endpoint.url() +
                     " is without TLS; write https://");
  }
}

std::optional<Fingerprint> fingerprint_in(const AccessSettings& settings) {
  if (!settings.tls_fingerprint) return std::nullopt;
  const std::optional<Fingerprint> fingerprint = parse_fingerprint(*settings.tls_fingerprint);
  if (fingerprint) return fingerprint;
  throw UsageError("--tls-fingerprint: \"" + *settings.tls_fingerprint +
                   "\" is no SHA-256: 64 hexadecimal digits, with or without colons");
}

std::string read_all(FdSource& source, std::uint64_t limit) {
  std::string text(limit + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const std::size_t got = source.read(text.data() + size, text.size() - size);
    if (got == 0) break;
    size += got;
  }
  text.resize(size);
  return text;
}

}  // namespace

AccessFiles::AccessFiles(AccessSettings settings, const Endpoint& endpoint)
    : settings_(std::move(settings)), endpoint_(endpoint) {
  refuse_contradictions(settings_, endpoint_);
  static_cast<void>(fingerprint_in(settings_));
}

FeedAccess AccessFiles::read() {
  warnings_.clear();
  FeedAccess access;
  if (endpoint_.tls) access.tls = read_tls();
  access.credentials = read_credentials();
  first_ = false;
  const bool secret = !access.credentials.header.empty();
  if (secret && !endpoint_.tls && !endpoint_.is_loopback()) {
    warnings_.push_back("the credentials go to " + endpoint_.target +
                        " unencrypted; use https:// if TLS is spoken there");
  }
  return access;
}

std::shared_ptr<const TlsContext> AccessFiles::read_tls() {
  TlsSettings tls;
  tls.fingerprint = fingerprint_in(settings_);
  if (settings_.cacert) tls.trusted = read_pem("--cacert", *settings_.cacert, Secret::No);
  if (settings_.tls_cert) {
    tls.certificate = read_pem("--tls-cert", *settings_.tls_cert, Secret::No);
    tls.key = read_pem("--tls-key", *settings_.tls_key, Secret::Yes);
  }
  const SystemTrust system_trust = system_trust_now();
  if (tls_ && tls == tls_settings_ && system_trust == system_trust_) return tls_;
  tls_ = std::make_shared<const TlsContext>(tls);
  tls_settings_ = std::move(tls);
  system_trust_ = system_trust;
  return tls_;
}

Credentials AccessFiles::read_credentials() {
  if (settings_.basic_auth_file) {
    const File file = read_line("--basic-auth-file", *settings_.basic_auth_file);
    return basic_credentials(file.text, file.name);
  }
  if (settings_.bearer_token_file) {
    const File file = read_line("--bearer-token-file", *settings_.bearer_token_file);
    return bearer_credentials(file.text, file.name);
  }
  return {};
}

// One line; its end does not belong to it.
AccessFiles::File AccessFiles::read_line(const std::string& option, const fs::path& path) {
  File file = read_file(option, path, kMostCredentials, Secret::Yes);
  if (file.text.ends_with('\n')) file.text.pop_back();
  if (file.text.ends_with('\r')) file.text.pop_back();
  return file;
}

PemText AccessFiles::read_pem(const std::string& option, const fs::path& path, Secret secret) {
  File file = read_file(option, path, kMostPem, secret);
  PemText pem;
  pem.name = std::move(file.name);
  pem.text = std::move(file.text);
  return pem;
}

AccessFiles::File AccessFiles::read_file(const std::string& option,
                                         const fs::path& path,
                                         std::uint64_t limit,
                                         Secret secret) {
  File file;
  file.name = option + " " + path.string();
  if (path.empty()) throw UsageError(option + ": names no file");
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  const bool regular = there && S_ISREG(status.st_mode);
  const bool once = there && !regular && !S_ISDIR(status.st_mode);
  if (const auto known = read_once_.find(path); once && known != read_once_.end()) {
    file.text = known->second;
    return file;
  }
  // It would be waited for.
  if (once && !first_) throw UsageError(file.name + ": it is no regular file");
  try {
    FdSource source(open_for_reading(path), path.string());
    file.text = read_all(source, limit);
  } catch (const Error& error) {
    throw UsageError(option + ": " + error.what());
  }
  if (file.text.size() > limit) {
    throw UsageError(file.name + ": it has more than the " + std::to_string(limit) +
                     " bytes that it may have");
  }
  if (once) read_once_.emplace(path, file.text);
  if (secret == Secret::Yes && regular && (status.st_mode & 077) != 0) {
    warnings_.push_back(file.name +
                        ": others than its owner can read it; chmod 600 would end that");
  }
  return file;
}

}  // namespace smtptape
