// The configuration file of a recorder: store, limits and sources, as plain values.
//
// Flags beat the environment, the environment beats the file.  So a setting that the file does not
// give stays empty here, and whoever starts the recorder fills it in.  The keys stand in one table,
// cli/config/config_keys.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "capture/feed/access.h"
#include "capture/keep/keeper.h"
#include "filters/event_levels.h"
#include "filters/request.h"
#include "store/keep/retention.h"

namespace smtptape {

struct StoreSettings {
  std::optional<std::filesystem::path> store;
  std::optional<std::uint64_t> rotate_size;
  std::optional<std::chrono::nanoseconds> rotate_interval;
  std::optional<bool> rotate_aligned;
  std::optional<std::uint64_t> max_bytes;
  std::optional<std::chrono::nanoseconds> max_age;
  std::optional<std::uint64_t> max_tapes;
  std::optional<KeepFree> keep_free;
  std::optional<std::chrono::nanoseconds> keep_at_least;
  std::optional<OnFull> on_full;
  std::optional<std::chrono::nanoseconds> flush_interval;
  std::optional<std::chrono::nanoseconds> sync_interval;
  std::optional<std::uint64_t> batch_bytes;
  std::optional<std::uint64_t> group_bytes;
  std::optional<std::uint64_t> queue_bytes;
  std::optional<std::uint64_t> max_frame;
  std::optional<Bodies> bodies;
  std::optional<Secrets> secrets;
  std::optional<bool> group_readable;
  std::optional<std::string> listen_metrics;  // HOST:PORT; empty: off
  std::optional<std::filesystem::path> socket;
};

struct SourceSettings : AccessSettings {
  std::optional<std::string> name;      // set after parse_config(): the default is filled in
  std::optional<std::string> endpoint;  // always set
  OptionValues filters;
  std::optional<bool> terse;
  std::optional<bool> as_live;
  std::optional<Bodies> bodies;    // instead of the store's
  std::optional<Secrets> secrets;  // instead of the store's
  bool operator==(const SourceSettings&) const = default;
};

// Paths in it don't depend on the current directory if that of the file doesn't: relative ones are
// relative to the file's directory.
struct Config {
  StoreSettings store;
  std::vector<SourceSettings> sources;  // one at least, unless they come from elsewhere
};

struct ConfigMistake {
  std::size_t line = 1;
  std::string text;  // what is wrong, what is expected
};
// In the order of their lines.
using ConfigMistakes = std::vector<ConfigMistake>;

enum class SourcesIn : std::uint8_t {
  File,       // one at least
  Elsewhere,  // too: the file may do without
};
// The files it names, of certificates and credentials.
enum class NamedFiles : std::uint8_t {
  Unread,   // whether they are there shows when a source connects
  Checked,  // those that can't be used are mistakes, too
};
[[nodiscard]] std::variant<Config, ConfigMistakes> parse_config(
    std::string_view text,
    const std::filesystem::path& file,
    SourcesIn sources = SourcesIn::File,
    NamedFiles files = NamedFiles::Unread);

// "FILE:LINE: TEXT", one line each.
[[nodiscard]] std::string text_of(const ConfigMistakes& mistakes,
                                  const std::filesystem::path& file);

// Reads the file and parses it.  Throws UsageError when it can't be read, and ConfigError for
// mistakes.
class ConfigError : public UsageError {
 public:
  using UsageError::UsageError;  // text_of()
};
[[nodiscard]] Config load_config(const std::filesystem::path& file,
                                 SourcesIn sources = SourcesIn::File,
                                 NamedFiles files = NamedFiles::Unread);

}  // namespace smtptape
