#include "cli/options/rules_file.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/small_file.h"
#include "cli/config/toml.h"
#include "cli/options/options.h"
#include "share/redact/originals.h"

namespace smtptape {

namespace {

class RulesFile {
 public:
  RulesFile(const std::filesystem::path& file, RedactionRules& rules)
      : file_(file), rules_(rules) {}

  void read() {
    try {
      const toml::table table = toml::parse(read_small_file(file_, "rules"));
      for (const auto& [key, value] : table)
        read(std::string(key.str()), key.source().begin.line, value);
    } catch (const toml::parse_error& error) {
      refuse(error.source().begin.line, std::string(error.description()));
    } catch (const MalformedToml&) {
      refuse(0, "it is no TOML");
    }
  }

 private:
  struct Key {
    std::string_view name;
    void (RulesFile::*take)(const std::string& text, std::size_t line);
  };
  static const std::vector<Key>& keys() {
    static const std::vector<Key> kKeys{{"words", &RulesFile::take_word},
                                        {"patterns", &RulesFile::take_pattern},
                                        {"headers", &RulesFile::take_header},
                                        {"header_names", &RulesFile::take_header_name}};
    return kKeys;
  }

  void read(const std::string& name, std::size_t line, const toml::node& value) {
    const auto key = std::find_if(
        keys().begin(), keys().end(), [&name](const Key& one) { return one.name == name; });
    if (key == keys().end()) {
      std::vector<std::string> names;
      for (const Key& one : keys())
        names.emplace_back(one.name);
      const std::string meant = closest(name, names);
      refuse(
          line,
          "\"" + name + "\" is no rule" + (meant.empty() ? "" : "; did you mean " + meant + "?"));
    }
    if (!value.is_array()) refuse(line, name + ": is no list of texts, [\"…\", …]");
    for (const toml::node& one : *value.as_array()) {
      const std::size_t at = one.source().begin.line;
      if (!one.is_string()) refuse(at, name + ": what stands there is no text in quotes");
      (this->*key->take)(one.as_string()->get(), at);
    }
  }

  void take_word(const std::string& text, std::size_t line) {
    if (text.size() < Originals::kLeast) {
      refuse(line,
             "words: one has " + std::to_string(Originals::kLeast) +
                 " characters or more: a shorter one stands in others; a pattern can tell where it "
                 "goes, such as \"\\\\bacme\\\\b\"");
    }
    rules_.words.push_back(text);
  }

  // Each takes memory.
  void take_pattern(const std::string& text, std::size_t line) {
    constexpr std::size_t kMost = 100;
    if (++patterns_ > kMost) refuse(line, "patterns: there are more than " + std::to_string(kMost));
    LinePatterns alone;
    try {
      alone.add(text, LinePatterns::Case::Heeded, "patterns");
    } catch (const UsageError& error) {
      refuse(line, error.what());
    }
    if (alone.match_nothing()) {
      refuse(line,
             "patterns: \"" + text +
                 "\" matches where nothing is, so everywhere; let it have a character at least");
    }
    rules_.patterns.add(text, LinePatterns::Case::Heeded, "patterns");
  }

  std::string header_name(const std::string& text, std::size_t line, const char* key) const {
    const bool sound = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
      return c > ' ' && c < 0x7f && c != ':';
    });
    if (!sound) {
      refuse(line, std::string(key) + ": \"" + text + "\" is no name of a header, such as X-Route");
    }
    return folded(text);
  }
  void take_header(const std::string& text, std::size_t line) {
    rules_.headers.values_go.insert(header_name(text, line, "headers"));
  }
  void take_header_name(const std::string& text, std::size_t line) {
    rules_.headers.names_stay.insert(header_name(text, line, "header_names"));
  }

  [[noreturn]] void refuse(std::size_t line, const std::string& why) const {
    throw Error("reading the rules of " + file_.string() + ": " +
                (line == 0 ? "" : "line " + std::to_string(line) + ": ") + why);
  }

  const std::filesystem::path& file_;
  RedactionRules& rules_;
  std::size_t patterns_ = 0;
};

}  // namespace

void read_rules(const std::filesystem::path& file, RedactionRules& rules) {
  RulesFile(file, rules).read();
}

}  // namespace smtptape
