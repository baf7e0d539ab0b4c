#include "cli/options/endpoint_options.h"

#include <utility>

#include "capture/feed/access_files.h"
#include "cli/text/output.h"

namespace smtptape {

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

GetAccess EndpointOptions::access(const Endpoint& endpoint) const {
  AccessFiles files(settings, endpoint);
  FeedAccess access = files.read();
  for (const std::string& warning : files.warnings())
    say(warning);
  return [access = std::move(access)] { return access; };
}

}  // namespace smtptape
