// Sessions that are full of secrets, from a seed: in every place where one can stand, and repeated
// by the server and by KumoMTA in every spelling.
#pragma once

#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "format/wire/json.h"

namespace smtptape::testing {

inline std::string base64_of(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6)
      out += kDigits[bits >> (count - 6) & 63U];
  }
  if (count > 0) out += kDigits[bits << (6 - count) & 63U];
  while (out.size() % 4 != 0)
    out += '=';
  return out;
}

// Every byte as `before` and two digits.
inline std::string escaped(std::string_view text, std::string_view before, bool all) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain && !all) {
      out += c;
      continue;
    }
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02X", static_cast<unsigned char>(c));
    out.append(before).append(digits);
  }
  return out;
}

class Planted {
 public:
  explicit Planted(std::uint32_t seed) : random_(seed) {}

  // Not one of them may be in a result in any spelling: each has six characters or more.
  std::vector<std::string> secrets;

  // The frames of a session.
  std::vector<std::string> session() {
    frames_.clear();
    pool_ = secret("pool-");
    tenant_ = secret("tenant_");
    campaign_ = secret("c");
    source_ = secret("src-");
    host_ = secret("out") + "." + domain();
    sender_ = secret("bounce-") + "@" + domain();
    recipient_ = secret("bob+") + "@" + domain();
    address_ = "203.0." + std::to_string(100 + below(100)) + "." + std::to_string(100 + below(100));
    secrets.push_back(address_);
    id_ = "0a" + hex(6) + "-e6ac-11f1-9dc2-d686" + hex(8);
    message_id_ = hex(32);
    meta_ = R"("egress_pool":")" + pool_ + R"(","egress_source":")" + source_ + R"(","id":")" +
            id_ + R"(","mx_address":"198.51.100.7:25","mx_host":"mx1.provider.test.",)" +
            R"("ready_queue_name":")" + source_ + R"(->mx1.provider.test@smtp_client")";
    begin();
    hello();
    if (one_in(2)) log_in();
    for (std::size_t i = 1 + below(2); i > 0; --i)
      message();
    say('C', "QUIT");
    say('S', "221 2.0.0 Bye");
    frame(R"("Closed")");
    return frames_;
  }

  std::size_t below(std::size_t most) { return random_() % most; }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::string hex(std::size_t digits) {
    std::string text;
    for (std::size_t i = 0; i < digits; ++i)
      text += "0123456789abcdef"[below(16)];
    return text;
  }
  std::string letters(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
      text += "bcdfghjkmnpqrstvwxyz"[below(20)];
    return text;
  }
  std::string secret(const std::string& before) {
    std::string text = before + letters(6 + below(8));
    if (one_in(4)) text += "\xc3\xbc" + letters(2);
    if (one_in(3)) text[before.size()] = static_cast<char>(text[before.size()] - 'a' + 'A');
    secrets.push_back(text);
    return text;
  }
  std::string domain() {
    const std::string text = letters(7) + ".com";
    secrets.push_back(text);
    return text;
  }

  // As somebody may repeat it.
  std::string spelled(const std::string& text) {
    switch (below(9)) {
      case 0: return escaped(text, "%", one_in(2));
      case 1: return escaped(text, "=", true);
      case 2: return base64_of(std::string(below(3), 'x') + text + "y");
      case 3: {
        std::string out;
        for (const char c : text)
          out += std::string(c == '"' || c == '\\' ? "\\" : "") + c;
        return out;
      }
      case 4: {
        std::string upper = text;
        for (char& c : upper)
          if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        return upper;
      }
      case 5: return escaped(text, "", true);
      case 6: return "http://provider.test/u?x=" + escaped(text, "%", false) + "&y";
      default: return text;
    }
  }
  std::string any_secret() {
    return secrets[secrets.size() - 1 - below(std::min<std::size_t>(secrets.size(), 14))];
  }

  void frame(const std::string& payload) {
    clock_ += 3;
    char when[48];
    std::snprintf(when,
                  sizeof(when),
                  "2026-08-04T21:%02u:%02u.%03uZ",
                  clock_ / 60'000 % 60,
                  clock_ / 1000 % 60,
                  clock_ % 1000);
    frames_.push_back(R"({"conn_meta":{)" + meta_ + R"(},"payload":)" + payload + R"(,"when":")" +
                      when + "\"}");
  }
  static std::string json(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
  }
  static bool splits_character(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80;
  }
  // A line of the client's (C) or the server's (S), in one event or torn into several.
  void say(char who, const std::string& line) { raw(who, line + "\r\n"); }
  void raw(char who, std::string_view text) {
    while (!text.empty()) {
      std::size_t size = one_in(3) ? 1 + below(text.size()) : text.size();
      while (splits_character(text, size))
        ++size;
      frame((who == 'C' ? R"({"Write":)" : R"({"Read":)") + json(text.substr(0, size)) + "}");
      text.remove_prefix(size);
    }
  }
  void diagnose(const std::string& text) {
    frame(R"({"Diagnostic":{"level":"ERROR","message":)" + json(text) + "}}");
  }

  void begin() {
    frame(R"("BeginSession")");
    meta_ += R"(,"source_address":")" + address_ + R"(:4123")";
    frame(R"("Connected")");
    say('S', "220 mx1.provider.test ESMTP");
  }
  void hello() {
    say('C', "EHLO " + host_);
    say('S', "250-mx1.provider.test Hello " + host_ + " [" + address_ + "]");
    say('S', "250-PIPELINING");
    say('S', "250 SIZE 52428800");
    if (one_in(3)) {
      say('C', "XWHATEVER " + secret("arg"));
      say('S', "500 5.5.1 what is " + spelled(any_secret()) + "?");
    }
  }
  void log_in() {
    using namespace std::string_literals;
    user_ = secret("u.");
    password_ = secret("P@ss\"\\");
    const std::string plain = base64_of("\0"s + user_ + "\0"s + password_);
    switch (below(4)) {
      case 0: say('C', "AUTH PLAIN " + plain); break;
      case 1:
        say('C', "AUTH LOGIN");
        say('S', "334 VXNlcm5hbWU6");
        say('C', base64_of(user_));
        say('S', "334 UGFzc3dvcmQ6");
        say('C', base64_of(password_));
        break;
      case 2:
        say('C',
            "AUTH XOAUTH2 " + base64_of("user=" + user_ + "\1auth=Bearer " + password_ + "\1\1"));
        break;
      default:
        say('C', "AUTH PLAIN");
        say('S', "334 ");
        say('C', plain);
        break;
    }
    if (one_in(2)) {
      say('S', "535 5.7.8 no: " + spelled(password_));
      diagnose("authenticating as " + user_ + " via SMTP AUTH PLAIN to " + spelled(user_));
    } else {
      say('S', "235 2.7.0 Authentication successful");
    }
  }
  void message() {
    meta_ = meta_.substr(0, meta_.find(R"(,"campaign")"));
    meta_ += R"(,"campaign":")" + campaign_ + R"(","domain":")" +
             recipient_.substr(recipient_.find('@') + 1) + R"(","message_id":")" + message_id_ +
             R"(","queue_name":")" + campaign_ + ":" + tenant_ + "@" +
             recipient_.substr(recipient_.find('@') + 1) + R"(","recipient":[")" + recipient_ +
             R"("],"sender":")" + sender_ + R"(","tenant":")" + tenant_ + R"(","x_)" +
             secret("key") + R"(":{")" + secret("inner") + R"(":[")" + secret("value") + R"("]})";
    frame(R"("MessageObtained")");
    say('C', "MAIL FROM:<" + sender_ + "> SIZE=1000 ENVID=" + secret("env"));
    say('S', "250 2.1.0 " + (one_in(2) ? "Ok" : "<" + sender_ + "> ok"));
    say('C', "RCPT TO:<" + recipient_ + ">");
    if (one_in(3)) return refuse();
    say('S', "250 2.1.5 Ok");
    const std::string body = secret("Your order ");
    if (one_in(3)) {
      const std::string text = "Subject: x\r\n\r\n" + body + "\r\n";
      say('C', "BDAT " + std::to_string(text.size()) + " LAST");
      raw('C', text);
    } else {
      const std::string customer = secret("Customer ");
      const std::string token = secret("t0k3n");
      say('C', "DATA");
      say('S', "354 End data with <CR><LF>.<CR><LF>");
      say('C', "From: \"" + customer + "\" <" + sender_ + ">");
      say('C', "To: " + recipient_);
      say('C', "Subject: =?utf-8?B?" + base64_of(customer) + "?=");
      say('C', "X-" + secret("Hdr") + ": " + secret("hv"));
      say('C',
          "List-Unsubscribe: <https://u.example/?t=" + token + ">,\r\n <mailto:" + sender_ + ">");
      say('C', "");
      say('C', "Dear " + customer);
      say('C', body);
      say('C', ".");
    }
    say('S', "250 2.0.0 Ok: queued as " + hex(10) + " " + spelled(any_secret()));
    if (one_in(3)) diagnose("after: " + spelled(body) + " and \"" + spelled(any_secret()) + "\"");
  }
  void refuse() {
    const std::string what = spelled(any_secret());
    say('S', "550-5.1.1 <" + recipient_ + ">: unknown");
    // Over the end of a line.
    const std::size_t half = what.size() / 2;
    std::size_t at = half;
    while (splits_character(what, at))
      ++at;
    say('S', "550-5.1.1 " + what.substr(0, at));
    say('S', "550 5.1.1 " + what.substr(at));
    diagnose("Command rejected Response { code: 550, content: \"" + spelled(any_secret()) +
             "\", command: Some(\"RCPT TO:<" + recipient_ + ">\\r\\n\") }");
    say('C', "RSET");
    say('S', "250 2.0.0 Ok");
  }

  std::mt19937 random_;
  std::vector<std::string> frames_;
  unsigned clock_ = 0;
  std::string meta_, pool_, tenant_, campaign_, source_, host_, user_, password_, sender_,
      recipient_, address_, id_, message_id_;
};

}  // namespace smtptape::testing
