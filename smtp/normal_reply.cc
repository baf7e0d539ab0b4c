#include "smtp/normal_reply.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "smtp/reply_lines.h"

namespace smtptape {

namespace {

constexpr std::size_t kCode = 3;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_letter(char c) {
  return is_lower(c) || is_upper(c);
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}
bool is_punctuation(char c) {
  return c > ' ' && c < '\x7f' && !is_digit(c) && !is_letter(c);
}

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  while (at + count < text.size() && is_digit(text[at + count]))
    ++count;
  return count;
}

// '0' stands for a digit, 'x' for a hex digit.
bool looks_like(std::string_view text, std::string_view pattern) {
  return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(), [](char c, char p) {
    return p == '0' ? is_digit(c) : p == 'x' ? is_hex(c) : c == p;
  });
}

// ---- kinds of words ----

// "2025-11-06T17:11:34.26Z"
bool is_timestamp(std::string_view word) {
  constexpr std::string_view kSeconds = "0000-00-00T00:00:00";
  if (word.size() <= kSeconds.size() || !looks_like(word.substr(0, kSeconds.size()), kSeconds))
    return false;
  word.remove_prefix(kSeconds.size());
  if (word.starts_with('.')) {
    const std::size_t digits = digits_at(word, 1);
    if (digits == 0) return false;
    word.remove_prefix(1 + digits);
  }
  return word == "Z" || looks_like(word, "+00:00") || looks_like(word, "-00:00");
}

bool is_uuid(std::string_view word) {
  constexpr std::size_t kHexDigits = 32;
  if (looks_like(word, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")) return true;
  return word.size() == kHexDigits && std::all_of(word.begin(), word.end(), is_hex);
}

// Letters and digits mixed, three of each at least.
bool is_hash(std::string_view word) {
  constexpr std::size_t kShortest = 8;
  constexpr std::ptrdiff_t kLeast = 3;
  if (word.size() < kShortest) return false;
  const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
  });
  return plain && std::count_if(word.begin(), word.end(), is_letter) >= kLeast &&
         std::count_if(word.begin(), word.end(), is_digit) >= kLeast;
}

bool is_address(std::string_view word) {
  constexpr std::size_t kMost = 64;  // bytes of one with its port
  if (word.size() > kMost) return false;
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const auto parses = [&address](int family, std::string_view text) {
    return ::inet_pton(family, std::string(text).c_str(), address.data()) == 1;
  };
  if (word.find('.') == std::string_view::npos || word.find("::") != std::string_view::npos)
    return word.find(':') != std::string_view::npos && parses(AF_INET6, word);
  const std::size_t colon = word.find(':');
  if (colon != std::string_view::npos &&
      (digits_at(word, colon + 1) == 0 || colon + 1 + digits_at(word, colon + 1) != word.size()))
    return false;
  return parses(AF_INET, word.substr(0, colon));
}

bool is_email(std::string_view word) {
  constexpr std::string_view kInLocalPart = "!#$%&'*+/=?^_`{|}~-.";
  const std::size_t at = word.rfind('@');
  if (at == std::string_view::npos || at == 0) return false;
  const std::string_view local = word.substr(0, at);
  const std::string_view domain = word.substr(at + 1);
  const bool named = std::all_of(local.begin(), local.end(), [kInLocalPart](char c) {
    return is_letter(c) || is_digit(c) || kInLocalPart.find(c) != std::string_view::npos;
  });
  const bool quoted = local.size() > 2 && local.starts_with('"') && local.ends_with('"');
  const bool host = std::all_of(domain.begin(), domain.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.';
  });
  return (named || quoted) && host && domain.find('.') != std::string_view::npos &&
         !domain.starts_with('.') && !domain.ends_with('.');
}

// By its alphabet and length alone, every fourth word of English is.
bool is_base64(std::string_view word) {
  constexpr std::size_t kQuantum = 4;
  constexpr std::size_t kLong = 8;
  if (word.size() < kQuantum || word.size() % kQuantum != 0) return false;
  const std::string_view data = word.substr(0, word.find_last_not_of('=') + 1);
  const bool alphabet = std::all_of(data.begin(), data.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '/' || c == '_' || c == '-';
  });
  const std::size_t padding = word.size() - data.size();
  if (!alphabet || padding > 2 || data.size() < kQuantum) return false;
  if (padding > 0 || std::all_of(data.begin(), data.end(), is_digit)) return true;
  if (data.size() < kLong) return false;
  const bool has_digit = std::any_of(data.begin(), data.end(), is_digit);
  const bool has_capital_inside = std::adjacent_find(data.begin(), data.end(), [](char a, char b) {
                                    return is_lower(a) && is_upper(b);
                                  }) != data.end();
  return has_digit || has_capital_inside;
}

// "P1Y2M3DT4H5M6S"
bool is_iso_duration(std::string_view word) {
  if (!word.starts_with('P')) return false;
  std::string_view units = "YMWD";
  bool any = false;
  for (std::size_t at = 1; at < word.size();) {
    if (word[at] == 'T' && units != "HMS") {
      units = "HMS";
      ++at;
      continue;
    }
    std::size_t digits = digits_at(word, at);
    if (digits == 0) return false;
    at += digits;
    if (at < word.size() && word[at] == '.') at += 1 + digits_at(word, at + 1);
    if (at == word.size() || units.find(word[at]) == std::string_view::npos) return false;
    any = true;
    ++at;
  }
  return any;
}

// "11s", "999ms"
bool is_duration(std::string_view word) {
  static constexpr auto kUnits =
      std::to_array<std::string_view>({"ns", "us", "ms", "s", "m", "h", "day", "month", "year"});
  const std::size_t digits = digits_at(word, 0);
  return digits > 0 && std::find(kUnits.begin(), kUnits.end(), word.substr(digits)) != kUnits.end();
}

// ---- words ----

// False: it stays as it is.
bool append_placeholder(std::string& out, std::string_view word) {
  constexpr std::size_t kLongest = 512;
  if (word.size() > kLongest) return false;
  if (const std::string_view placeholder = placeholder_of_word(word); !placeholder.empty()) {
    out += placeholder;
    return true;
  }
  // What is in quotes or brackets, and what a sentence ends with.
  constexpr std::string_view kBefore = "<\"'`([{";
  constexpr std::string_view kBehind = ">\"'`)]}.,;:!?";
  const std::size_t from = std::min(word.find_first_not_of(kBefore), word.size());
  const std::size_t until = word.find_last_not_of(kBehind) + 1;
  if (from < until && until - from < word.size()) {
    const std::string_view core = word.substr(from, until - from);
    std::string inner;
    if (append_placeholder(inner, core)) {
      out.append(word.substr(0, from)).append(inner).append(word.substr(until));
      return true;
    }
  }
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return false;
  std::string value;
  if (!append_placeholder(value, word.substr(equals + 1))) return false;
  out.append(word.substr(0, equals + 1)).append(value);
  return true;
}

// Brackets around words are no part of them; nor is what follows them.
std::string without_brackets(std::string_view text) {
  constexpr std::string_view kOpen = "[({";
  constexpr std::string_view kClose = "])}";
  std::string out;
  if (text.find_first_of(kOpen) == std::string_view::npos) return std::string(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    const bool opens = is_blank(c) && kOpen.find(next) != std::string_view::npos;
    const bool closes =
        kClose.find(c) != std::string_view::npos && (is_blank(next) || is_punctuation(next));
    out += opens || closes ? ' ' : c;
    if (opens || closes) ++i;
  }
  return out;
}

// One line, the codes once.
std::string joined_lines(std::string_view reply) {
  std::string out;
  const std::string enhanced = std::string(enhanced_code(reply));
  while (!reply.empty()) {
    const std::size_t end = reply.find('\n');
    std::string_view line = reply.substr(0, end);
    const bool coded = line.size() >= kCode && digits_at(line, 0) == kCode &&
                       (line.size() == kCode || line[kCode] == ' ' || line[kCode] == '-');
    if (coded) {
      if (out.empty()) out.append(line.substr(0, kCode));
      line.remove_prefix(std::min(kCode + 1, line.size()));
      const bool repeats = out.size() > kCode && !enhanced.empty() && line.starts_with(enhanced);
      if (repeats) line.remove_prefix(enhanced.size());
    }
    out.append(out.empty() ? "" : " ").append(line);
    if (end == std::string_view::npos) break;
    reply.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

std::string_view placeholder_of_word(std::string_view word) {
  if (is_iso_duration(word)) return "{duration}";
  if (is_timestamp(word)) return "{timestamp}";
  if (is_uuid(word)) return "{uuid}";
  if (is_hash(word)) return "{hash}";
  if (is_address(word)) return "{ipaddr}";
  if (is_base64(word)) return "{base64}";
  return is_email(word) ? "{email}" : std::string_view();
}

std::string normal_reply(std::string_view reply) {
  const std::string line = without_brackets(joined_lines(reply));
  constexpr std::string_view kDuration = "{duration}";
  std::string out;
  for (std::size_t at = 0; at < line.size();) {
    while (at < line.size() && is_blank(line[at]))
      ++at;
    std::size_t end = at;
    while (end < line.size() && !is_blank(line[end]))
      ++end;
    const std::string_view word = std::string_view(line).substr(at, end - at);
    at = end;
    if (word.empty()) continue;
    if (is_duration(word)) {
      // "11s 999ms" is one.
      if (out.ends_with(kDuration)) continue;
      out.append(out.empty() ? "" : " ").append(kDuration);
      continue;
    }
    if (!out.empty()) out += ' ';
    if (!append_placeholder(out, word)) out += word;
  }
  return out;
}

}  // namespace smtptape
