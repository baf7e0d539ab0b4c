// The endpoint a user names with --endpoint or KUMO_KCLI_ENDPOINT, read as kcli reads it: a URL of
// which only host and port are used, with port 80 where none is given.
//
// kcli talks plaintext whatever the scheme says.  We refuse https and wss instead: nobody who
// writes them means that.  User and password are accepted and dropped, as kcli does: never sent,
// never shown, not even in an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace smtptape {

struct Endpoint {
  std::string host;         // a name or an address, without brackets
  std::uint16_t port = 80;  // what we connect to
  std::string authority;    // what the Host header says: brackets, and the port unless it is 80
  std::string target;       // for messages: the same, always with the port
  bool operator==(const Endpoint&) const = default;
};

// What is wrong in our words, and how kcli ends at the same endpoint.
class EndpointError : public UsageError {
 public:
  EndpointError(const std::string& what, std::string_view kcli_text, Exit kcli_exit)
      : UsageError(what), kcli_text_(kcli_text), kcli_exit_(kcli_exit) {}
  // Empty where kcli has no complaint.
  [[nodiscard]] const std::string& kcli_text() const { return kcli_text_; }
  [[nodiscard]] Exit kcli_exit() const { return kcli_exit_; }

 private:
  std::string kcli_text_;
  Exit kcli_exit_;
};

// Throws EndpointError.
[[nodiscard]] Endpoint parse_endpoint(std::string_view text);

}  // namespace smtptape
