// One value of the configuration file: of the right type, readable, within its bounds.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.h"
#include "cli/config/config_keys.h"
#include "cli/config/toml.h"
#include "store/keep/retention.h"

namespace smtptape {

[[nodiscard]] std::size_t line_of(const toml::source_region& region);
[[nodiscard]] std::size_t line_of(const toml::node& node);
// "a string", "a list"
[[nodiscard]] std::string_view toml_type_name(const toml::node& node);

// Throws Error that says what was expected, and of which type the value is.
[[nodiscard]] std::string text_in(std::string_view key,
                                  std::string_view expected,
                                  const toml::node& node);

// What the flag says ("--rotate-size"), with the type and the bounds of its key ("rotate_size").
// Throws UsageError: "FLAG: what is wrong, what is expected".
void read_flag(std::string_view flag, const std::string& text, StoreSettings& to);

// Where a value was given.
enum class ConfigPlace : std::uint8_t { File, Flag };

// Reads the value of one key.  Throws Error: "KEY: what is wrong, what is expected".
class ConfigValue {
 public:
  // `name`: of the key or the flag, for messages.
  template <class Settings>
  ConfigValue(std::string_view name, const ConfigKey<Settings>& key, ConfigPlace place)
      : key_(name),
        kind_(key.kind),
        least_(key.least),
        most_(key.most),
        without_limit_(key.otherwise == kNoLimit),
        place_(place) {}

  void read(const toml::node& node, std::string& to) const;
  void read(const toml::node& node, std::filesystem::path& to) const;
  void read(const toml::node& node, std::uint64_t& to) const;
  void read(const toml::node& node, std::chrono::nanoseconds& to) const;
  void read(const toml::node& node, bool& to) const;
  void read(const toml::node& node, KeepFree& to) const;
  template <class Word>
    requires std::is_enum_v<Word>
  void read(const toml::node& node, Word& to) const {
    to = static_cast<Word>(place_in(words_of(Word{}), node));
  }

 private:
  [[nodiscard]] std::size_t place_in(std::span<const std::string_view> words,
                                     const toml::node& node) const;
  [[nodiscard]] std::string show_bound(std::uint64_t bound) const;
  [[nodiscard]] bool may_go_without_unit() const;
  [[noreturn]] void fail_bounds(bool is_zero, const std::string& bounds) const;
  [[noreturn]] void fail(const std::string& why) const;

  std::string_view key_;
  ConfigKind kind_;
  std::uint64_t least_;
  std::uint64_t most_;
  bool without_limit_;  // when it is not given
  ConfigPlace place_;
};

}  // namespace smtptape
