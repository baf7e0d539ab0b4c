#include "sessions/kumo_words.h"

#include <algorithm>

#include "format/wire/json.h"
#include "smtp/words.h"

namespace smtptape {

namespace {

constexpr std::size_t kMostValues = 20000;  // of a list that is read

// What stands in quotes behind `name`, in a value as Rust prints it for its developers.
std::string quoted_behind(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + name.size());
  if (!text.starts_with('"')) return {};
  text.remove_prefix(1);
  return std::string(text.substr(0, text.find('"')));
}

std::string list_behind(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + name.size());
  const std::size_t end = text.find(']');
  if (!text.starts_with('[') || end == std::string_view::npos) return {};
  return std::string(text.substr(1, end - 1));
}

}  // namespace

bool is_throttled_too_long(std::string_view message) {
  return is_throttled(message) && message.ends_with("will disconnect");
}

bool is_harmless_error(std::string_view message) {
  return message == "Read Timeout after 0ns";
}

std::string without_auth_arguments(std::string_view message) {
  std::string out;
  std::size_t from = 0;
  for (QuotedArgument quoted = quoted_auth_argument(message, 0); quoted.size > 0;
       quoted = quoted_auth_argument(message, from)) {
    out.append(message.substr(from, quoted.at - from)).append("…");
    from = quoted.at + quoted.size;
  }
  return out.append(message.substr(from));
}

bool is_tls_policy(std::string_view message) {
  return message.starts_with("DANE ") || message.starts_with("MTA-STS ") ||
         message.find(" is not DANE-eligible") != std::string_view::npos ||
         message.find(" DANE remains eligible ") != std::string_view::npos;
}

void read_tls(std::string_view message, TlsFacts& facts) {
  facts.tls = tls_of_diagnostic(message).value_or(facts.tls);
  facts.why_not.clear();
  if (facts.tls == Tls::Failed) {
    const std::string_view why = message.substr(std::min(message.find(": ") + 2, message.size()));
    facts.why_not = "the handshake failed: " + std::string(why);
    return;
  }
  facts.version = quoted_behind(message, "protocol_version: ");
  facts.cipher = quoted_behind(message, "cipher: ");
  facts.subject = list_behind(message, "subject_name: ");
  if (message.find("authenticated: true") != std::string_view::npos) facts.authenticated = true;
  if (message.find("authenticated: false") != std::string_view::npos) facts.authenticated = false;
}

std::string meta_text(const Meta& meta, std::string_view key) {
  const auto json = meta.find(key);
  return json ? json_text(*json) : std::string();
}

std::vector<std::string> meta_texts(const Meta& meta, std::string_view key) {
  std::vector<std::string> texts;
  const auto json = meta.find(key);
  if (!json) return texts;
  JsonReader reader(*json);
  if (reader.peek() != JsonReader::Type::Array) {
    if (reader.peek() == JsonReader::Type::String) texts.push_back(json_text(*json));
    return texts;
  }
  if (!reader.enter_array()) return texts;
  while (texts.size() < kMostValues && reader.next_element()) {
    const auto element = reader.skip_value();
    if (!element) break;
    if (element->starts_with('"')) texts.push_back(json_text(*element));
  }
  return texts;
}

std::string_view path_of(std::string_view command) {
  const std::size_t colon = command.find(':');
  if (colon == std::string_view::npos) return {};
  std::string_view path = command.substr(colon + 1);
  path.remove_prefix(std::min(path.find_first_not_of(kBlanks), path.size()));
  if (!path.starts_with('<')) return path.substr(0, path.find_first_of(kBlanks));
  // A quoted local part may hold a bracket; a parameter doesn't.
  const std::size_t end = path.find("> ");
  path = path.substr(1, end == std::string_view::npos ? end : end - 1);
  if (end == std::string_view::npos && path.ends_with('>')) path.remove_suffix(1);
  return path;
}

bool offers(std::string_view reply, std::string_view upper_case_keyword) {
  constexpr std::size_t kCode = 4;
  while (!reply.empty()) {
    const std::size_t end = reply.find('\n');
    const std::string_view line = reply.substr(0, end);
    if (line.size() > kCode && has_verb(line.substr(kCode), upper_case_keyword)) return true;
    if (end == std::string_view::npos) break;
    reply.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace smtptape
