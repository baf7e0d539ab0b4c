#include "cli/options/endpoint_options.h"

#include <sys/stat.h>

#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "cli/text/output.h"
#include "format/limits.h"

namespace smtptape {

namespace {

struct File {
  std::string name;  // "--tls-key /etc/x.pem", for messages
  std::string text;
  bool open_to_others = false;  // can be read by more than its owner
};

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

File read_file(const std::string& option, const std::string& path, std::uint64_t limit) {
  File file;
  file.name = option + " " + path;
  if (path.empty()) throw UsageError(option + ": names no file");
  try {
    FdSource source(open_for_reading(path), path);
    struct stat status {};
    const bool known = ::fstat(source.fd(), &status) == 0;
    file.open_to_others = known && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0;
    file.text = read_all(source, limit);
  } catch (const Error& error) {
    throw UsageError(option + ": " + error.what());
  }
  if (file.text.size() > limit) {
    throw UsageError(file.name + ": it has more than the " + std::to_string(limit) +
                     " bytes that it may have");
  }
  return file;
}

PemText pem_of(File file) {
  PemText pem;
  pem.name = std::move(file.name);
  pem.text = std::move(file.text);
  return pem;
}

class Checker {
 public:
  Checker(const AccessSettings& settings, const Endpoint& endpoint)
      : settings_(settings), endpoint_(endpoint) {}

  CheckedAccess check() {
    refuse_contradictions();
    if (endpoint_.tls) read_tls();
    if (settings_.basic_auth_file) {
      const File file = read_credentials("--basic-auth-file", *settings_.basic_auth_file);
      checked_.access.credentials = basic_credentials(file.text, file.name);
    }
    if (settings_.bearer_token_file) {
      const File file = read_credentials("--bearer-token-file", *settings_.bearer_token_file);
      checked_.access.credentials = bearer_credentials(file.text, file.name);
    }
    const bool secret = !checked_.access.credentials.header.empty();
    if (secret && !endpoint_.tls && !endpoint_.is_loopback()) {
      warn("the credentials go to " + endpoint_.target +
           " unencrypted; use https:// if TLS is spoken there");
    }
    return std::move(checked_);
  }

 private:
  void refuse_contradictions() const {
    if (settings_.cacert && settings_.tls_fingerprint) {
      throw UsageError("--cacert and --tls-fingerprint: give one of them, the other is not used");
    }
    if (settings_.tls_cert.has_value() != settings_.tls_key.has_value()) {
      throw UsageError("--tls-cert and --tls-key: give both or neither");
    }
    if (settings_.basic_auth_file && settings_.bearer_token_file) {
      throw UsageError("--basic-auth-file and --bearer-token-file: give one of them");
    }
    if (endpoint_.tls) return;
    const std::pair<const std::optional<std::string>&, const char*> only_with_tls[] = {
        {settings_.cacert, "--cacert"},
        {settings_.tls_fingerprint, "--tls-fingerprint"},
        {settings_.tls_cert, "--tls-cert"}};
    for (const auto& [value, option] : only_with_tls) {
      if (!value) continue;
      throw UsageError(std::string(option) + ": the endpoint " + endpoint_.url() +
                       " is without TLS; write https://");
    }
  }

  void read_tls() {
    TlsSettings tls;
    if (settings_.cacert) tls.trusted = pem_of(read_file("--cacert", *settings_.cacert, kMostPem));
    if (settings_.tls_fingerprint) {
      tls.fingerprint = parse_fingerprint(*settings_.tls_fingerprint);
      if (!tls.fingerprint) {
        throw UsageError("--tls-fingerprint: \"" + *settings_.tls_fingerprint +
                         "\" is no SHA-256: 64 hexadecimal digits, with or without colons");
      }
    }
    if (settings_.tls_cert) {
      tls.certificate = pem_of(read_file("--tls-cert", *settings_.tls_cert, kMostPem));
      File key = read_file("--tls-key", *settings_.tls_key, kMostPem);
      warn_if_open(key);
      tls.key = pem_of(std::move(key));
    }
    checked_.access.tls = std::make_shared<const TlsContext>(tls);
  }

  // One line; its end does not belong to it.
  File read_credentials(const std::string& option, const std::string& path) {
    File file = read_file(option, path, kMostCredentials);
    if (file.text.ends_with('\n')) file.text.pop_back();
    if (file.text.ends_with('\r')) file.text.pop_back();
    warn_if_open(file);
    return file;
  }

  void warn_if_open(const File& file) {
    if (file.open_to_others) {
      warn(file.name + ": others than its owner can read it; chmod 600 would end that");
    }
  }
  void warn(std::string text) { checked_.warnings.push_back(std::move(text)); }

  const AccessSettings& settings_;
  const Endpoint& endpoint_;
  CheckedAccess checked_;
};

}  // namespace

CheckedAccess check_access(const AccessSettings& settings, const Endpoint& endpoint) {
  return Checker(settings, endpoint).check();
}

void EndpointOptions::describe(Options& options) {
  options.group("Access to the endpoint (https:// is TLS; secrets come from files only)");
  options.value("--cacert",
                settings.cacert,
                "FILE",
                "Trust the certificates of this PEM file instead of the system's CAs");
  options.value("--tls-fingerprint",
                settings.tls_fingerprint,
                "SHA256",
                "Trust exactly the certificate with this SHA-256, whatever else it says");
  options.value("--tls-cert", settings.tls_cert, "FILE", "Our client certificate (PEM)");
  options.value("--tls-key", settings.tls_key, "FILE", "Its private key (PEM)");
  options.value("--basic-auth-file",
                settings.basic_auth_file,
                "FILE",
                "Send the user:password of this file as HTTP Basic authorization");
  options.value("--bearer-token-file",
                settings.bearer_token_file,
                "FILE",
                "Send the token of this file as HTTP Bearer authorization");
  options.group("Options");
}

FeedAccess EndpointOptions::access(const Endpoint& endpoint) const {
  CheckedAccess checked = check_access(settings, endpoint);
  for (const std::string& warning : checked.warnings)
    say(warning);
  return std::move(checked.access);
}

}  // namespace smtptape
