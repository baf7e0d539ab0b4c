#include "base/net/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/idna.h"

namespace smtptape {

namespace {

constexpr std::uint16_t kPlainPort = 80;
constexpr std::uint16_t kTlsPort = 443;
constexpr std::uint16_t kFtpPort = 21;

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

// Leading and trailing spaces and controls don't count, nor do tabs and line ends anywhere.
std::string clean(std::string_view text) {
  const auto outer = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!text.empty() && outer(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && outer(text.back()))
    text.remove_suffix(1);
  std::string kept(text);
  std::erase_if(kept, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
  return kept;
}

// Where user and password stand, with their @; nowhere: both are 0.  In doubt too much:
// "http://joe:s/cret@mta" has no port that is a number, so perhaps a password with a slash.
struct UserPart {
  std::size_t from = 0;
  std::size_t end = 0;
};

bool has_port_or_none(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.ends_with(']')) return true;
  const std::string_view port = authority.substr(colon + 1);
  return std::all_of(port.begin(), port.end(), is_digit);
}

bool is_scheme_of_ours(std::string_view scheme) {
  return scheme == "http" || scheme == "https" || scheme == "ws" || scheme == "wss" ||
         scheme == "ftp";
}

UserPart user_in(std::string_view url) {
  const std::size_t colon = url.find(':');
  const std::size_t scheme = colon == std::string_view::npos ? 0 : colon + 1;
  const std::size_t begin = std::min(url.find_first_not_of("/\\", scheme), url.size());
  const std::size_t size = url.substr(begin).find_first_of("/\\?#");
  const std::string_view authority = url.substr(begin).substr(0, size);
  // What is no scheme may be a user.
  const bool a_scheme = begin > scheme || is_scheme_of_ours(lower_ascii(url.substr(0, colon)));
  const std::size_t from = a_scheme ? begin : 0;
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) return {from, begin + at + 1};
  if (a_scheme && has_port_or_none(authority)) return {};
  const std::size_t end = url.rfind('@') + 1;
  return end > from ? UserPart{from, end} : UserPart{};
}

// As in the message of an error: without user and password, and nothing a terminal would obey.
std::string shown(std::string_view url) {
  const UserPart user = user_in(url);
  std::string text(url);
  text.erase(user.from, user.end - user.from);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "\"" + text + "\"";
}

class Parser {
 public:
  Parser(std::string_view text, EndpointRules rules) : url_(clean(text)), rules_(rules) {}

  Endpoint parse() {
    std::string_view rest = url_;
    const std::string scheme = take_scheme(rest);
    check_scheme(scheme, rest);
    rest.remove_prefix(std::min(rest.find_first_not_of("/\\"), rest.size()));
    std::string_view authority = rest.substr(0, rest.find_first_of("/\\?#"));
    const std::size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
      check_user();
      authority.remove_prefix(at + 1);
    }
    Endpoint endpoint;
    endpoint.tls = is_tls(scheme);
    if (endpoint.tls) endpoint.port = kTlsPort;
    parse_authority(authority, endpoint);
    if (scheme == "ftp" && endpoint.port == kFtpPort) endpoint.port = kPlainPort;
    finish(endpoint);
    return endpoint;
  }

 private:
  [[noreturn]] void fail(const std::string& why, std::string_view kcli_text, Exit kcli_exit) const {
    const bool user = user_in(url_).end > 0;
    throw EndpointError("endpoint " + shown(url_) + ": " + why,
                        kcli_text,
                        kcli_exit,
                        user ? EndpointError::About::User : EndpointError::About::Other);
  }

  [[noreturn]] void refuse(std::string_view kcli_text, const std::string& advice) const {
    fail(std::string(kcli_text) + "; " + advice, kcli_text, Exit::Failed);
  }

  std::string take_scheme(std::string_view& rest) const {
    const auto colon = rest.find(':');
    const std::string_view scheme = rest.substr(0, colon);
    const auto fits = [](char c) {
      return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
    };
    const bool valid = colon != std::string_view::npos && !scheme.empty() &&
                       is_alpha(scheme.front()) && std::all_of(scheme.begin(), scheme.end(), fits);
    if (!valid) refuse("relative URL without a base", "write it as http://HOST:PORT");
    rest.remove_prefix(colon + 1);
    return lower_ascii(scheme);
  }

  static bool is_tls(const std::string& scheme) { return scheme == "https" || scheme == "wss"; }

  void check_user() const {
    if (rules_ == EndpointRules::AsKcli) return;
    fail(
        "user and password cannot be part of it; write user:password into a file, and name that "
        "with --basic-auth-file",
        "",
        Exit::Failed);
  }

  void check_scheme(const std::string& scheme, std::string_view rest) const {
    if (scheme == "http" || scheme == "ws" || scheme == "ftp") return;
    if (is_tls(scheme) && rules_ == EndpointRules::AsKcli) {
      fail(
          "TLS is not supported with --as-live, as kcli knows none; leave --as-live away, or name "
          "a listener without TLS (http://)",
          "",
          Exit::Failed);
    }
    if (is_tls(scheme)) return;
    if (scheme != "file" && !rest.starts_with('/')) {
      refuse("relative URL with a cannot-be-a-base base", "write it as http://HOST:PORT");
    }
    fail("scheme " + scheme + " cannot be used; write it as http://HOST:PORT", "", Exit::KcliPanic);
  }

  void parse_authority(std::string_view authority, Endpoint& endpoint) const {
    std::string_view port;
    if (authority.starts_with('[')) {
      const std::size_t end = authority.find(']');
      const std::string_view after = authority.substr(std::min(end, authority.size() - 1) + 1);
      const bool closed = end != std::string_view::npos && (after.empty() || after.front() == ':');
      if (!closed) refuse("invalid IPv6 address", "write it as http://[ADDRESS]:PORT");
      endpoint.host = ipv6_host(authority.substr(1, end - 1));
      port = after.empty() ? after : after.substr(1);
    } else {
      const std::size_t colon = authority.find(':');
      endpoint.host = named_host(authority.substr(0, colon));
      if (colon != std::string_view::npos) port = authority.substr(colon + 1);
    }
    if (!port.empty()) endpoint.port = parse_port(port);
  }

  std::uint16_t parse_port(std::string_view text) const {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) {
      refuse("invalid port number", "a port is a number up to 65535");
    }
    return port;
  }

  std::string ipv6_host(std::string_view text) const {
    std::string zone;
    if (rules_ == EndpointRules::Ours) zone = take_zone(text);
    in6_addr address{};
    if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) {
      refuse("invalid IPv6 address", "write it as http://[ADDRESS]:PORT");
    }
    std::array<char, INET6_ADDRSTRLEN> canonical{};
    return inet_ntop(AF_INET6, &address, canonical.data(), canonical.size()) + zone;
  }

  // "fe80::1%25eth0", or as people write it, "fe80::1%eth0".  What is none stays.
  static std::string take_zone(std::string_view& address) {
    const std::size_t percent = address.find('%');
    if (percent == std::string_view::npos) return {};
    std::string_view name = address.substr(percent + 1);
    if (name.starts_with("25") && name.size() > 2) name.remove_prefix(2);
    const auto fits = [](char c) {
      return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-' || c == '~';
    };
    if (name.empty() || !std::all_of(name.begin(), name.end(), fits)) return {};
    address.remove_suffix(address.size() - percent);
    return "%" + std::string(name);
  }

  std::string named_host(std::string_view text) const {
    if (text.empty()) refuse("empty host", "write it as http://HOST:PORT");
    const std::optional<std::string> host = to_ascii_host(text);
    const auto forbidden = [](char c) {
      return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f ||
             std::string_view("#%/:<>?@[\\]^|").find(c) != std::string_view::npos;
    };
    if (!host || std::any_of(host->begin(), host->end(), forbidden)) {
      refuse("invalid international domain name", "a host is a name or an address");
    }
    return ends_in_number(*host) ? ipv4_host(*host) : *host;
  }

  // A host whose last part is a number is an address, also in its short forms: 127.1.
  static bool ends_in_number(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    const std::string_view last = host.substr(host.rfind('.') + 1);
    if (!last.empty() && std::all_of(last.begin(), last.end(), is_digit)) return true;
    return last.starts_with("0x") &&
           last.substr(2).find_first_not_of("0123456789abcdef") == std::string_view::npos;
  }

  std::string ipv4_host(std::string host) const {
    if (host.ends_with('.')) host.pop_back();
    in_addr address{};
    if (inet_aton(host.c_str(), &address) == 0) {
      refuse("invalid IPv4 address", "an address is four numbers up to 255");
    }
    std::array<char, INET_ADDRSTRLEN> canonical{};
    return inet_ntop(AF_INET, &address, canonical.data(), canonical.size());
  }

  static void finish(Endpoint& endpoint) {
    const bool brackets = endpoint.host.find(':') != std::string::npos;
    const auto bracketed = [brackets](const std::string& host) {
      return brackets ? "[" + host + "]" : host;
    };
    const std::string port = ":" + std::to_string(endpoint.port);
    endpoint.target = bracketed(endpoint.host) + port;
    endpoint.authority = bracketed(endpoint.host.substr(0, endpoint.host.find('%')));
    if (endpoint.port != (endpoint.tls ? kTlsPort : kPlainPort)) endpoint.authority += port;
  }

  std::string url_;
  EndpointRules rules_;
};

}  // namespace

bool Endpoint::is_loopback() const {
  in_addr address{};
  const bool is_v4 = inet_pton(AF_INET, host.c_str(), &address) == 1;
  return host == "localhost" || host == "localhost." || host == "::1" ||
         (is_v4 && host.starts_with("127."));
}

Endpoint parse_endpoint(std::string_view text, EndpointRules rules) {
  return Parser(text, rules).parse();
}

}  // namespace smtptape
