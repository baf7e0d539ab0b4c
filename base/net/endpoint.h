// The endpoint a user names with --endpoint or KUMO_KCLI_ENDPOINT, read as kcli reads it: a URL of
// which only host and port are used, with port 80 where none is given.
//
// kcli talks plaintext whatever the scheme says, and drops user and password.  We take https and
// wss at their word, and refuse a URL with user or password, which everyone on the machine could
// read; or, to be as kcli, refuse the first and drop the second.  User and password are never sent
// from here and never shown, not even in an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace smtptape {

struct Endpoint {
  std::string host;         // a name or an address, without brackets; IPv6 perhaps with a zone
  std::uint16_t port = 80;  // what we connect to
  bool tls = false;
  // What the Host header says: brackets, no zone, and the port unless the usual.
  std::string authority;
  std::string target;  // for messages: the same, with the zone, and always with the port

  // What was given, without path, user and password.
  [[nodiscard]] std::string url() const { return (tls ? "https://" : "http://") + authority; }
  // On this machine, as far as the host itself says so.
  [[nodiscard]] bool is_loopback() const;
  bool operator==(const Endpoint&) const = default;
};

// What is wrong in our words, and how kcli ends at the same endpoint.
class EndpointError : public UsageError {
 public:
  enum class About : std::uint8_t { User, Other };
  EndpointError(const std::string& what,
                std::string_view kcli_text,
                Exit kcli_exit,
                About about = About::Other)
      : UsageError(what), kcli_text_(kcli_text), kcli_exit_(kcli_exit), about_(about) {}
  // Empty where kcli has no complaint.
  [[nodiscard]] const std::string& kcli_text() const { return kcli_text_; }
  [[nodiscard]] Exit kcli_exit() const { return kcli_exit_; }
  // There is a user, or a password, in it.
  [[nodiscard]] bool is_about_user() const { return about_ == About::User; }

 private:
  std::string kcli_text_;
  Exit kcli_exit_;
  About about_;
};

enum class EndpointRules : std::uint8_t { Ours, AsKcli };

// Throws EndpointError.
[[nodiscard]] Endpoint parse_endpoint(std::string_view text,
                                      EndpointRules rules = EndpointRules::Ours);

}  // namespace smtptape
