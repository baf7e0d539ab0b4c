// The files that say how we get in, read anew for each attempt to connect: tokens and certificates
// are renewed while a recorder runs.
//
// What can be read only once (a pipe of the shell) is read at the first time and kept.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/net/endpoint.h"
#include "capture/feed/access.h"

namespace smtptape {

class AccessFiles {
 public:
  // Throws UsageError for what can't go together, or not with this endpoint.  Reads nothing.
  AccessFiles(AccessSettings settings, const Endpoint& endpoint);

  // Throws UsageError that begins with the option: which file, and why it can't be used.  The first
  // time may wait for a pipe, later ones wait for nothing but the disk.
  [[nodiscard]] FeedAccess read();
  // What was odd the last time, one line each.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  struct File {
    std::string name;  // "--tls-key /etc/x.pem", for messages
    std::string text;
  };
  enum class Secret : bool { No, Yes };

  [[nodiscard]] std::shared_ptr<const TlsContext> read_tls();
  [[nodiscard]] Credentials read_credentials();
  [[nodiscard]] File read_line(const std::string& option, const std::filesystem::path& path);
  [[nodiscard]] PemText read_pem(const std::string& option,
                                 const std::filesystem::path& path,
                                 Secret secret);
  [[nodiscard]] File read_file(const std::string& option,
                               const std::filesystem::path& path,
                               std::uint64_t limit,
                               Secret secret);

  AccessSettings settings_;
  Endpoint endpoint_;
  std::vector<std::string> warnings_;
  bool first_ = true;
  std::map<std::filesystem::path, std::string> read_once_;
  // Made of these: most attempts find what the one before has found.
  TlsSettings tls_settings_;
  SystemTrust system_trust_;
  std::shared_ptr<const TlsContext> tls_;
};

}  // namespace smtptape
