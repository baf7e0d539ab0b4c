#include "share/redact/client_line.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "share/redact/originals.h"
#include "smtp/words.h"

namespace smtptape {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::any_of(words.begin(), words.end(), [word](std::string_view upper_case) {
    return same_word(word, upper_case);
  });
}

// A line while its words are taken off its beginning.
class Line {
 public:
  Line(std::string_view text, Spans& spans) : text_(text), spans_(spans) {}

  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] std::size_t at() const { return at_; }
  void pass_blanks() {
    while (!at_end() && is_blank(text_[at_]))
      ++at_;
  }
  bool pass(std::string_view upper_case) {
    const std::string_view next = text_.substr(at_, upper_case.size());
    if (!same_word(next, upper_case)) return false;
    at_ += upper_case.size();
    return true;
  }
  // Up to the next blank.
  std::string_view word() {
    const std::size_t from = at_;
    while (!at_end() && !is_blank(text_[at_]))
      ++at_;
    return text_.substr(from, at_ - from);
  }
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  void move_to(std::size_t at) { at_ = at; }
  void drop(std::size_t from, std::size_t to, Kind kind = Kind::Message) {
    if (from < to) spans_.push_back({from, to, kind});
  }
  // Blanks apart, whatever is left.
  void drop_rest(Kind kind = Kind::Message) {
    pass_blanks();
    drop(at_, text_.size(), kind);
    at_ = text_.size();
  }
  Spans& spans() { return spans_; }

 private:
  std::string_view text_;
  Spans& spans_;
  std::size_t at_ = 0;
};

// ---- commands ----

void take_hello(Line& line) {
  line.pass_blanks();
  const std::size_t at = line.at();
  find_in_host(line.word(), at, Kind::Host, line.spans());
  line.drop_rest();
}

// What ends the path that begins at `text`'s "<": a ">" that is in no quotes.
std::size_t path_end(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '>' && !quoted) {
      return i;
    }
  }
  // Quotes that nothing closes begin none.
  return std::min(text.find('>'), text.size());
}

// `value` of the parameter `key` may be kept.
bool is_plain_value(std::string_view key, std::string_view value) {
  static constexpr std::array<std::string_view, 3> kBodies{"7BIT", "8BITMIME", "BINARYMIME"};
  static constexpr std::array<std::string_view, 2> kReturns{"FULL", "HDRS"};
  if (same_word(key, "SIZE")) return std::all_of(value.begin(), value.end(), is_digit);
  if (same_word(key, "BODY")) return is_one_of(kBodies, value);
  if (same_word(key, "RET")) return is_one_of(kReturns, value);
  if (!same_word(key, "NOTIFY")) return false;
  static constexpr std::array<std::string_view, 4> kNotices{"NEVER", "SUCCESS", "FAILURE", "DELAY"};
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    if (!is_one_of(kNotices, value.substr(0, comma))) return false;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return true;
}

void take_parameter(Line& line) {
  static constexpr std::array<std::string_view, 14> kKeys{"SIZE",
                                                          "BODY",
                                                          "SMTPUTF8",
                                                          "REQUIRETLS",
                                                          "RET",
                                                          "NOTIFY",
                                                          "ENVID",
                                                          "AUTH",
                                                          "ORCPT",
                                                          "BY",
                                                          "HOLDFOR",
                                                          "MT-PRIORITY",
                                                          "RRVS",
                                                          "HOLDUNTIL"};
  const std::size_t at = line.at();
  const std::string_view word = line.word();
  const std::size_t equals = std::min(word.find('='), word.size());
  const std::string_view key = word.substr(0, equals);
  if (!is_one_of(kKeys, key)) return line.drop(at, line.at());
  if (equals == word.size()) return;
  const std::string_view value = word.substr(equals + 1);
  if (!is_plain_value(key, value)) line.drop(at + equals + 1, line.at());
}

void take_path(Line& line, std::string_view keyword) {
  line.pass_blanks();
  if (!line.pass(keyword)) return line.drop_rest();
  line.pass_blanks();
  if (line.pass("<")) {
    const std::string_view rest = line.rest();
    const std::size_t end = path_end(rest);
    find_in_mailbox(rest.substr(0, end), line.at(), line.spans());
    line.move_to(line.at() + std::min(end + 1, rest.size()));
    // What touches the path is no parameter.
    const std::size_t from = line.at();
    line.word();
    line.drop(from, line.at());
  } else {
    const std::size_t at = line.at();
    find_in_mailbox(line.word(), at, line.spans());
  }
  for (line.pass_blanks(); !line.at_end(); line.pass_blanks())
    take_parameter(line);
}

void take_auth(Line& line) {
  static constexpr std::array<std::string_view, 15> kMechanisms{"PLAIN",
                                                                "LOGIN",
                                                                "XOAUTH2",
                                                                "OAUTHBEARER",
                                                                "CRAM-MD5",
                                                                "DIGEST-MD5",
                                                                "SCRAM-SHA-1",
                                                                "SCRAM-SHA-1-PLUS",
                                                                "GSSAPI",
                                                                "NTLM",
                                                                "SCRAM-SHA-256",
                                                                "EXTERNAL",
                                                                "SCRAM-SHA-256-PLUS",
                                                                "ANONYMOUS",
                                                                "KERBEROS_V4"};
  line.pass_blanks();
  const std::size_t at = line.at();
  if (!is_one_of(kMechanisms, line.word())) line.drop(at, line.at(), Kind::Credential);
  line.pass_blanks();
  if (line.rest() != "=") line.drop_rest(Kind::Credential);
}

void take_chunk(Line& line) {
  line.pass_blanks();
  const std::size_t at = line.at();
  const std::string_view size = line.word();
  if (!std::all_of(size.begin(), size.end(), is_digit)) line.drop(at, line.at());
  line.pass_blanks();
  if (!same_word(line.rest(), "LAST")) line.drop_rest();
}

// False: it is no command.
bool take_command(std::string_view text, Spans& spans) {
  static constexpr std::array<std::string_view, 3> kHello{"EHLO", "HELO", "LHLO"};
  static constexpr std::array<std::string_view, 18> kOthers{"DATA",
                                                            "RSET",
                                                            "QUIT",
                                                            "STARTTLS",
                                                            "NOOP",
                                                            "HELP",
                                                            "VRFY",
                                                            "EXPN",
                                                            "ETRN",
                                                            "TURN",
                                                            "ATRN",
                                                            "BURL",
                                                            "XCLIENT",
                                                            "SEND",
                                                            "SOML",
                                                            "XFORWARD",
                                                            "XEXCH50",
                                                            "SAML"};
  Line line(text, spans);
  line.pass_blanks();
  const std::string_view verb = line.word();
  // "MAIL FROM:<…>", and "MAIL" alone is none that is known.
  const bool ends_here = line.at_end();
  if (is_one_of(kHello, verb)) {
    take_hello(line);
  } else if (same_word(verb, "MAIL") && !ends_here) {
    take_path(line, "FROM:");
  } else if (same_word(verb, "RCPT") && !ends_here) {
    take_path(line, "TO:");
  } else if (same_word(verb, "AUTH")) {
    take_auth(line);
  } else if (same_word(verb, "BDAT")) {
    take_chunk(line);
  } else if (is_one_of(kOthers, verb)) {
    line.drop_rest();
  } else {
    return false;
  }
  return true;
}

// ---- headers ----

// Registered with IANA, or of everybody's use.  Others may tell who we are by their names.
bool is_known_header(std::string_view name) {
  static constexpr std::array<std::string_view, 62> kNames{"RECEIVED",
                                                           "FROM",
                                                           "TO",
                                                           "CC",
                                                           "BCC",
                                                           "SUBJECT",
                                                           "DATE",
                                                           "MESSAGE-ID",
                                                           "REPLY-TO",
                                                           "SENDER",
                                                           "RETURN-PATH",
                                                           "IN-REPLY-TO",
                                                           "REFERENCES",
                                                           "MIME-VERSION",
                                                           "CONTENT-TYPE",
                                                           "CONTENT-TRANSFER-ENCODING",
                                                           "CONTENT-DISPOSITION",
                                                           "CONTENT-ID",
                                                           "CONTENT-LANGUAGE",
                                                           "CONTENT-DESCRIPTION",
                                                           "COMMENTS",
                                                           "KEYWORDS",
                                                           "DKIM-SIGNATURE",
                                                           "ARC-SEAL",
                                                           "ARC-MESSAGE-SIGNATURE",
                                                           "ARC-AUTHENTICATION-RESULTS",
                                                           "AUTHENTICATION-RESULTS",
                                                           "RECEIVED-SPF",
                                                           "LIST-ID",
                                                           "LIST-UNSUBSCRIBE",
                                                           "LIST-UNSUBSCRIBE-POST",
                                                           "LIST-HELP",
                                                           "LIST-POST",
                                                           "LIST-OWNER",
                                                           "LIST-ARCHIVE",
                                                           "LIST-SUBSCRIBE",
                                                           "PRECEDENCE",
                                                           "AUTO-SUBMITTED",
                                                           "X-MAILER",
                                                           "USER-AGENT",
                                                           "X-PRIORITY",
                                                           "IMPORTANCE",
                                                           "PRIORITY",
                                                           "SENSITIVITY",
                                                           "ORGANIZATION",
                                                           "DELIVERED-TO",
                                                           "ERRORS-TO",
                                                           "RESENT-FROM",
                                                           "RESENT-TO",
                                                           "RESENT-DATE",
                                                           "RESENT-MESSAGE-ID",
                                                           "DISPOSITION-NOTIFICATION-TO",
                                                           "X-KUMOREF",
                                                           "FEEDBACK-ID",
                                                           "X-FEEDBACK-ID",
                                                           "X-CSA-COMPLAINTS",
                                                           "X-REPORT-ABUSE",
                                                           "X-ORIGINATING-IP",
                                                           "THREAD-TOPIC",
                                                           "THREAD-INDEX",
                                                           "BIMI-SELECTOR",
                                                           "TLS-REQUIRED"};
  return is_one_of(kNames, name);
}

// "text/plain" with what follows it; how much of it is kept.
std::size_t kept_of_content_type(std::string_view value) {
  static constexpr std::array<std::string_view, 7> kTypes{
      "TEXT", "MULTIPART", "IMAGE", "APPLICATION", "MESSAGE", "AUDIO", "VIDEO"};
  static constexpr std::array<std::string_view, 14> kSubtypes{"PLAIN",
                                                              "HTML",
                                                              "MIXED",
                                                              "ALTERNATIVE",
                                                              "RELATED",
                                                              "REPORT",
                                                              "RFC822",
                                                              "PNG",
                                                              "JPEG",
                                                              "GIF",
                                                              "DELIVERY-STATUS",
                                                              "PDF",
                                                              "SIGNED",
                                                              "OCTET-STREAM"};
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos || !is_one_of(kTypes, value.substr(0, slash))) return 0;
  const std::size_t end = std::min(value.find_first_of("; \t", slash), value.size());
  return is_one_of(kSubtypes, value.substr(slash + 1, end - slash - 1)) ? end : 0;
}

bool is_date(std::string_view value) {
  // "Sun, 22 Nov 2026 19:34:17 +0000": nothing but names of days and months, and numbers.
  static constexpr std::array<std::string_view, 20> kNames{
      "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN", "JAN", "FEB", "MAR",
      "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "GMT"};
  constexpr std::size_t kMost = 40;
  constexpr std::size_t kMonths = 7;  // they begin here
  if (value.size() > kMost) return false;
  bool any_month = false;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t from = at;
    while (at < value.size() && is_letter(value[at]))
      ++at;
    if (at > from) {
      const std::string_view word = value.substr(from, at - from);
      if (!is_one_of(kNames, word)) return false;
      any_month = any_month ||
                  std::any_of(kNames.begin() + kMonths,
                              kNames.end() - 1,
                              [word](std::string_view month) { return same_word(word, month); });
    } else {
      if (!is_digit(value[at]) &&
          std::string_view(" ,:+-").find(value[at]) == std::string_view::npos)
        return false;
      ++at;
    }
  }
  return any_month;
}

// How much of the value's beginning is kept.
std::size_t kept_of_value(std::string_view name, std::string_view value, const HeaderRules& rules) {
  if (!rules.values_go.empty() && rules.values_go.contains(folded(name))) return 0;
  static constexpr std::array<std::string_view, 5> kEncodings{
      "7BIT", "8BIT", "BINARY", "BASE64", "QUOTED-PRINTABLE"};
  static constexpr std::array<std::string_view, 6> kAutomatic{
      "BULK", "LIST", "JUNK", "NO", "AUTO-GENERATED", "AUTO-REPLIED"};
  if (same_word(name, "MIME-VERSION")) return value == "1.0" ? value.size() : 0;
  if (same_word(name, "CONTENT-TYPE")) return kept_of_content_type(value);
  if (same_word(name, "CONTENT-TRANSFER-ENCODING"))
    return is_one_of(kEncodings, value) ? value.size() : 0;
  if (same_word(name, "DATE")) return is_date(value) ? value.size() : 0;
  if (same_word(name, "PRECEDENCE") || same_word(name, "AUTO-SUBMITTED"))
    return is_one_of(kAutomatic, value) ? value.size() : 0;
  return 0;
}

struct Field {
  std::string_view name;
  std::size_t value_at = 0;
};
// Without a name: it is none of a known name.
Field field_of(std::string_view line, const HeaderRules& rules) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view name = line.substr(0, colon);
  const bool stays = !rules.names_stay.empty() && rules.names_stay.contains(folded(name));
  if (!stays && !is_known_header(name)) return {};
  std::size_t at = colon + 1;
  while (at < line.size() && is_blank(line[at]))
    ++at;
  return {line.substr(0, colon), at};
}

bool take_header(std::string_view line, Spans& spans, const HeaderRules& rules) {
  const Field field = field_of(line, rules);
  if (field.name.empty()) return false;
  const std::size_t kept = kept_of_value(field.name, line.substr(field.value_at), rules);
  if (field.value_at + kept < line.size())
    spans.push_back({field.value_at + kept, line.size(), Kind::Message});
  return true;
}

// The line of the final dot, the one that ends a header, one that cancels AUTH, and what was taken
// out of a line before.
bool is_bare(std::string_view line) {
  return line == "." || std::all_of(line.begin(), line.end(), [](char c) { return c == '*'; });
}

}  // namespace

void find_in_host(std::string_view host, std::size_t at, Kind kind, Spans& spans) {
  if (host.empty()) return;
  if (!host.starts_with('[')) {
    spans.push_back({at, at + host.size(), kind});
    return;
  }
  // An address literal; "IPv6:" is a word of the standard's.
  constexpr std::string_view kVersion6 = "IPV6:";
  std::size_t from = 1;
  if (same_word(host.substr(1, kVersion6.size()), kVersion6)) from += kVersion6.size();
  const std::size_t to = std::min(host.find(']'), host.size());
  if (from < to) spans.push_back({at + from, at + to, Kind::Address});
  if (to + 1 < host.size()) spans.push_back({at + to + 1, at + host.size(), Kind::Message});
}

void find_in_mailbox(std::string_view mailbox, std::size_t at, Spans& spans) {
  // A source route names hosts that nobody asks for.
  if (mailbox.starts_with('@')) {
    const std::size_t colon = mailbox.find(':');
    const std::size_t route = colon == std::string_view::npos ? mailbox.size() : colon + 1;
    spans.push_back({at, at + route, Kind::Message});
    mailbox.remove_prefix(route);
    at += route;
  }
  const std::size_t sign = mailbox.rfind('@');
  const std::size_t local = std::min(sign, mailbox.size());
  if (local > 0) spans.push_back({at, at + local, Kind::LocalPart});
  if (sign == std::string_view::npos) return;
  find_in_host(mailbox.substr(sign + 1), at + sign + 1, Kind::Domain, spans);
}

std::string_view kept_value(std::string_view line, const HeaderRules& rules) {
  const Field field = field_of(line, rules);
  if (field.name.empty()) return {};
  const std::string_view value = line.substr(field.value_at);
  return value.substr(0, kept_of_value(field.name, value, rules));
}

HeaderField redacted_field(std::string_view line, const HeaderRules& rules) {
  const std::size_t colon = line.find(':');
  const bool named = colon != std::string_view::npos && colon > 0 &&
                     line.substr(0, colon).find_first_of(kBlanks) == std::string_view::npos;
  if (!named) return {};
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(kBlanks), value.size()));
  value.remove_prefix(kept_of_value(line.substr(0, colon), value, rules));
  return {line.substr(0, colon), value};
}

void find_in_client_line(std::string_view line, Spans& spans, const HeaderRules& rules) {
  if (is_bare(line) || take_command(line, spans) || take_header(line, spans, rules)) return;
  spans.push_back({0, line.size(), Kind::Message});
}

}  // namespace smtptape
