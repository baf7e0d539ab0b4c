#include "smtp/words.h"

#include <algorithm>
#include <array>

namespace smtptape {

namespace {

constexpr auto kVerbs = std::to_array<std::string_view>(
    {"ATRN", "AUTH", "BDAT", "BURL", "DATA", "EHLO", "ETRN",     "EXPN", "HELO",    "HELP",
     "LHLO", "MAIL", "NOOP", "QUIT", "RCPT", "RSET", "STARTTLS", "VRFY", "XCLIENT", "XFORWARD"});
// Their first argument says what they are.
constexpr std::string_view kFrom = "FROM:";
constexpr std::string_view kTo = "TO:";

constexpr auto kMechanisms = std::to_array<std::string_view>({"ANONYMOUS",
                                                              "CRAM-MD5",
                                                              "DIGEST-MD5",
                                                              "EXTERNAL",
                                                              "GSSAPI",
                                                              "LOGIN",
                                                              "NTLM",
                                                              "OAUTHBEARER",
                                                              "PLAIN",
                                                              "SCRAM-SHA-1",
                                                              "SCRAM-SHA-1-PLUS",
                                                              "SCRAM-SHA-256",
                                                              "SCRAM-SHA-256-PLUS",
                                                              "XOAUTH2"});

constexpr char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool starts_with_word(std::string_view text, std::string_view upper_case) {
  return text.size() >= upper_case.size() &&
         same_word(text.substr(0, upper_case.size()), upper_case);
}

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Character by character: find_first_of() calls memchr for each, which was a tenth of the processor
// time of a recorder.
std::string_view without_blanks(std::string_view text) {
  const auto* const begin = std::find_if_not(text.begin(), text.end(), is_blank);
  return text.substr(static_cast<std::size_t>(begin - text.begin()));
}

std::string_view first_word(std::string_view line) {
  const auto* const end = std::find_if(line.begin(), line.end(), is_blank);
  return line.substr(0, static_cast<std::size_t>(end - line.begin()));
}

// A name as RFC 4422 has it.  Base64 mixes cases; the names that people mix are known.
bool is_mechanism(std::string_view word) {
  constexpr std::size_t kLongest = 20;
  if (word.empty() || word.size() > kLongest) return false;
  const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
    return is_lower(c) || is_upper(c) || is_digit(c) || c == '-' || c == '_';
  });
  const bool mixed = std::any_of(word.begin(), word.end(), is_lower) &&
                     std::any_of(word.begin(), word.end(), is_upper);
  if (!plain || !mixed) return plain;
  return std::any_of(kMechanisms.begin(), kMechanisms.end(), [word](std::string_view known) {
    return same_word(word, known);
  });
}

}  // namespace

bool same_word(std::string_view word, std::string_view upper_case_word) {
  return std::equal(
      word.begin(), word.end(), upper_case_word.begin(), upper_case_word.end(), [](char a, char b) {
        return upper(a) == b;
      });
}

std::string_view verb_of(std::string_view line) {
  return first_word(without_blanks(line));
}

bool has_verb(std::string_view line, std::string_view upper_case_verb) {
  return same_word(verb_of(line), upper_case_verb);
}

bool is_smtp_command(std::string_view line) {
  // Some messages have lines that end in CR alone; commands don't.
  if (line.find('\r') != std::string_view::npos) return false;
  line = without_blanks(line);
  const std::string_view verb = first_word(line);
  const auto known = std::find_if(kVerbs.begin(), kVerbs.end(), [verb](std::string_view each) {
    return same_word(verb, each);
  });
  if (known == kVerbs.end()) return false;
  const std::string_view rest = without_blanks(line.substr(verb.size()));
  if (*known == "MAIL") return starts_with_word(rest, kFrom);
  if (*known == "RCPT") return starts_with_word(rest, kTo);
  return true;
}

bool may_become_smtp_command(std::string_view piece) {
  if (piece.find('\r') != std::string_view::npos) return false;
  piece = without_blanks(piece);
  if (piece.find_first_of(kBlanks) != std::string_view::npos) {
    return std::any_of(kVerbs.begin(), kVerbs.end(), [piece](std::string_view verb) {
      return has_verb(piece, verb);
    });
  }
  return std::any_of(kVerbs.begin(), kVerbs.end(), [piece](std::string_view verb) {
    return piece.size() <= verb.size() && same_word(piece, verb.substr(0, piece.size()));
  });
}

std::string_view auth_mechanism(std::string_view line) {
  line = without_blanks(line);
  const std::string_view word = first_word(without_blanks(line.substr(first_word(line).size())));
  return is_mechanism(word) ? word : std::string_view();
}

std::size_t auth_argument_at(std::string_view line) {
  const std::string_view command = without_blanks(line);
  const std::string_view behind_verb = without_blanks(command.substr(first_word(command).size()));
  const std::string_view mechanism = auth_mechanism(line);
  const std::string_view argument = without_blanks(behind_verb.substr(mechanism.size()));
  return line.size() - argument.size();
}

bool has_auth_argument(std::string_view piece) {
  const std::string_view argument = piece.substr(auth_argument_at(piece));
  if (argument.empty()) return false;
  const auto begins_with_it = [argument](std::string_view known) {
    return argument.size() < known.size() && same_word(argument, known.substr(0, argument.size()));
  };
  const bool may_be_name = auth_mechanism(piece).empty() &&
                           std::any_of(kMechanisms.begin(), kMechanisms.end(), begins_with_it);
  return !may_be_name;
}

QuotedArgument quoted_auth_argument(std::string_view text, std::size_t from) {
  constexpr std::string_view kAuth = "AUTH ";
  // KumoMTA quotes as Rust does: the line's end is a backslash and a letter.
  constexpr std::string_view kEnds = " \t\r\n\\\"'";
  for (std::size_t at = from; (at = text.find(kAuth, at)) != std::string_view::npos; ++at) {
    const std::size_t start = at + auth_argument_at(text.substr(at));
    const std::size_t end = std::min(text.find_first_of(kEnds, start), text.size());
    const bool quoted = end < text.size() && text[end] != ' ' && text[end] != '\t';
    if (end > start && quoted) return {start, end - start};
  }
  return {};
}

bool is_base64_word(std::string_view line) {
  while (line.ends_with('='))
    line.remove_suffix(1);
  return !line.empty() && std::all_of(line.begin(), line.end(), [](char c) {
    return is_lower(c) || is_upper(c) || is_digit(c) || c == '+' || c == '/';
  });
}

bool is_header_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  std::string_view name = line.substr(0, colon);
  name = name.substr(0, name.find_last_not_of(kBlanks) + 1);
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_final_dot(std::string_view text) {
  return text == ".\r\n" || text == "\r\n.\r\n";
}

}  // namespace smtptape
