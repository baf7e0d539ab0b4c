// Every key of the configuration file: its name, what it takes and within which bounds, where that
// goes, what it means.
//
// The parser, the flags of `capture` that say the same, the suggestions for misspelt keys and the
// tables of docs/configuration.md come from here.  Adding a key: a field in cli/config/config.h, a
// row here, a row in that page; a test compares.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <variant>

#include "cli/config/config.h"

namespace smtptape {

// What a key takes, as the documents call it.
enum class ConfigKind : std::uint8_t {
  Text,
  Path,
  Size,
  Duration,
  Number,
  YesNo,
  Share,    // "10%", or a size
  Choice,   // one of the words of its enumeration
  Listen,   // HOST:PORT, or ""
  Values,   // of a filter: a string, or a list of strings
  Networks  // the same, each an address or a network
};
[[nodiscard]] std::string_view name_of(ConfigKind kind);

template <class Settings>
using ConfigField = std::variant<std::optional<std::string> Settings::*,
                                 std::optional<std::filesystem::path> Settings::*,
                                 std::optional<std::uint64_t> Settings::*,
                                 std::optional<std::chrono::nanoseconds> Settings::*,
                                 std::optional<bool> Settings::*,
                                 std::optional<KeepFree> Settings::*,
                                 std::optional<OnFull> Settings::*,
                                 std::optional<Bodies> Settings::*,
                                 std::optional<Secrets> Settings::*,
                                 std::size_t>;  // a filter: its place in kProperties

// What holds when a limit is not given.
inline constexpr std::string_view kNoLimit = "no limit";

template <class Settings>
struct ConfigKey {
  std::string_view name;
  ConfigKind kind;
  ConfigField<Settings> field;
  std::string_view otherwise;  // what holds when it is not given
  std::string_view help;       // one sentence
  std::uint64_t least = 0;     // of a size, or of a duration in ns
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
};

// Those that stand above the first [[source]], and those of a source.
[[nodiscard]] std::span<const ConfigKey<StoreSettings>> store_keys();
[[nodiscard]] std::span<const ConfigKey<SourceSettings>> source_keys();

// Does the key's value hold from a reload on?  The others take a restart.
[[nodiscard]] bool changes_on_reload(std::string_view store_key);

// The words of an enumeration, in its order.
[[nodiscard]] std::span<const std::string_view> words_of(OnFull unused);
[[nodiscard]] std::span<const std::string_view> words_of(Bodies unused);
[[nodiscard]] std::span<const std::string_view> words_of(Secrets unused);

}  // namespace smtptape
