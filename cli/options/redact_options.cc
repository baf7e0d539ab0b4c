#include "cli/options/redact_options.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/io.h"
#include "cli/options/rules_file.h"
#include "cli/text/json_lines.h"

namespace smtptape {

namespace {

constexpr std::string_view kMapSchema = "smtptape.map/1";

std::string classes() {
  std::string text;
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (always_goes(static_cast<Kind>(i))) continue;
    text += text.empty() ? "" : ", ";
    text += kKindNames[i];
  }
  return text;
}

Kind parse_class(const std::string& text) {
  const auto* const found = std::find(kKindNames.begin(), kKindNames.end(), text);
  if (found == kKindNames.end()) {
    throw UsageError("--keep: there is no class \"" + text + "\"; the classes are " + classes());
  }
  const auto kind = static_cast<Kind>(found - kKindNames.begin());
  if (always_goes(kind)) {
    throw UsageError("--keep: " + text + " always go; classes that can be kept are " + classes());
  }
  return kind;
}

std::string hex(const PseudonymKey& key) {
  std::string text;
  for (const std::uint8_t byte : key) {
    text += "0123456789abcdef"[byte / 16];
    text += "0123456789abcdef"[byte % 16];
  }
  return text;
}

std::optional<PseudonymKey> key_of_hex(std::string_view text) {
  PseudonymKey key{};
  if (text.size() != key.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    key[i / 2] = static_cast<std::uint8_t>(key[i / 2] * 16U + digit);
  }
  return key;
}

std::string first_line(const std::filesystem::path& file) {
  constexpr std::size_t kMostBytes = 4096;
  std::string text(kMostBytes, '\0');
  FdSource source(open_for_reading(file), file.string());
  text.resize(source.read(text.data(), text.size()));
  return text.substr(0, text.find('\n'));
}

// Behind the first; nothing where there is no such file.
std::set<std::string> lines_of_map(const std::filesystem::path& file) {
  std::set<std::string> lines;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return lines;
  FdSource source(open_for_reading(file), file.string());
  std::string buffer(1 << 16, '\0');
  std::string text;
  while (const std::size_t got = source.read(buffer.data(), buffer.size()))
    text.append(buffer, 0, got);
  for (std::size_t at = text.find('\n'); at != std::string::npos;) {
    const std::size_t end = text.find('\n', at + 1);
    if (end != std::string::npos) lines.insert(text.substr(at + 1, end - at));
    at = end;
  }
  return lines;
}

}  // namespace

void RedactOptions::describe(Options& options) {
  options.group("Redaction");
  options.values("--keep", keep, "CLASS", "What stays as it is: " + classes());
  options.value("--rules",
                rules_file,
                "FILE.toml",
                "More that goes: words, patterns, values of headers; or header names that stay");
  options.value("--map",
                map_file,
                "FILE",
                "Write what stands for what, and the key, to a file of yours; if it is there "
                "already, its key is used again");
}

RedactionRules RedactOptions::rules() const {
  RedactionRules rules;
  for (const std::string& name : keep)
    rules.kept[static_cast<std::size_t>(parse_class(name))] = true;
  if (rules_file) read_rules(*rules_file, rules);
  return rules;
}

std::optional<PseudonymKey> RedactOptions::key() const {
  std::error_code ignored;
  if (!map_file || !std::filesystem::exists(*map_file, ignored)) return std::nullopt;
  std::optional<PseudonymKey> key;
  try {
    const boost::json::value first = json_value(first_line(*map_file));
    const boost::json::object& object = first.as_object();
    if (object.at("schema").as_string() == kMapSchema)
      key = key_of_hex(object.at("key").as_string());
  } catch (const std::exception&) {
    key.reset();
  }
  if (!key) {
    throw Error("--map: " + map_file->string() +
                " is there, and is no map that this program wrote; name another file");
  }
  return key;
}

void RedactOptions::write_map(const RedactedTape& redacted) const {
  if (!map_file) return;
  // What it had of other tapes stays.
  std::set<std::string> lines = lines_of_map(*map_file);
  for (const auto& [name, other] : redacted.pseudonyms->all()) {
    lines.insert(line_of({{"class", name_of(name.first)},
                          {"original", json_string(name.second)},
                          {"pseudonym", json_string(other)}}));
  }
  OutputFile file(*map_file, OutputFile::Existing::Replace);
  file.write(line_of({{"schema", kMapSchema}, {"key", hex(redacted.key)}}));
  for (const std::string& line : lines)
    file.write(line);
  file.commit();
}

}  // namespace smtptape
