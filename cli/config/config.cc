#include "cli/config/config.h"

#include <algorithm>
#include <map>
#include <set>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/io.h"
#include "capture/capture.h"
#include "capture/feed/access_files.h"
#include "capture/watch/control_client.h"
#include "cli/config/config_keys.h"
#include "cli/config/config_value.h"
#include "cli/config/recorder_settings.h"
#include "cli/config/toml.h"
#include "cli/options/options.h"
#include "filters/cidr.h"
#include "store/keep/store.h"

namespace smtptape {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSource = "source";
constexpr std::size_t kMostSources = 1024;

// Keys that somebody may try who wants to write a secret into the file.
std::string_view file_for_secret(std::string_view key) {
  static const std::set<std::string_view> kBasic{
      "password", "passwd", "pass", "user", "username", "basic_auth", "auth", "credentials"};
  static const std::set<std::string_view> kBearer{
      "token", "bearer_token", "bearer", "api_key", "auth_token"};
  if (kBasic.contains(key)) return "basic_auth_file, a file that holds USER:PASSWORD";
  if (kBearer.contains(key)) return "bearer_token_file, a file that holds the token";
  return {};
}

template <class Settings>
std::vector<std::string> names_of(std::span<const ConfigKey<Settings>> keys) {
  std::vector<std::string> names;
  for (const auto& key : keys)
    names.emplace_back(key.name);
  return names;
}

template <class Settings>
bool knows(std::span<const ConfigKey<Settings>> keys, std::string_view name) {
  return std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return key.name == name; });
}

// The endpoint as one without TLS: whether TLS is spoken is no matter of how it is written.
std::string without_tls(const std::string& endpoint) {
  if (endpoint.starts_with("https:")) return "http:" + endpoint.substr(6);
  if (endpoint.starts_with("wss:")) return "ws:" + endpoint.substr(4);
  return endpoint;
}

std::string trouble_with_socket(const fs::path& socket) {
  try {
    static_cast<void>(unix_address(socket));
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

bool is_malformed(std::string_view text) {
  try {
    static_cast<void>(toml::parse(text));
  } catch (const MalformedToml&) {
    return true;
  } catch (const toml::parse_error&) {  // it ends too early
  }
  return false;
}

// Nothing but the text tells where: the first line with which the text is malformed.
std::size_t malformed_line(std::string_view text) {
  std::vector<std::size_t> ends;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    ends.push_back(at + 1);
  const auto line = std::partition_point(ends.begin(), ends.end(), [text](std::size_t end) {
    return !is_malformed(text.substr(0, end));
  });
  return static_cast<std::size_t>(line - ends.begin()) + 1;
}

class ConfigParser {
 public:
  ConfigParser(const fs::path& file, SourcesIn sources, NamedFiles files)
      : directory_(file.parent_path()), sources_(sources), files_(files) {}

  void parse(std::string_view text) {
    try {
      const toml::table root = toml::parse(text);
      read_keys(root, store_keys(), config_.store);
      read_sources(root);
      check_sizes(root);
    } catch (const toml::parse_error& error) {
      mistake(line_of(error.source()), "not TOML: " + std::string(error.description()));
    } catch (const MalformedToml&) {
      mistake(malformed_line(text), "not TOML: expected the name of a table, in brackets");
    }
    std::stable_sort(mistakes_.begin(), mistakes_.end(), [](const auto& a, const auto& b) {
      return a.line < b.line;
    });
  }

  std::variant<Config, ConfigMistakes> result() {
    if (!mistakes_.empty()) return std::move(mistakes_);
    return std::move(config_);
  }

 private:
  void mistake(std::size_t line, std::string text) { mistakes_.push_back({line, std::move(text)}); }

  template <class Settings>
  void read_keys(const toml::table& table,
                 std::span<const ConfigKey<Settings>> keys,
                 Settings& to) {
    constexpr bool kAbove = std::is_same_v<Settings, StoreSettings>;
    for (const auto& entry : table) {
      const toml::key& name = entry.first;  // clang captures no structured bindings
      const toml::node& node = entry.second;
      if (kAbove && name.str() == kSource) continue;
      const auto key = std::find_if(
          keys.begin(), keys.end(), [&](const auto& known) { return known.name == name.str(); });
      if (key == keys.end()) {
        mistake(line_of(name.source()), unknown_key(name.str(), kAbove));
        continue;
      }
      std::visit([&](auto field) { read_field(*key, field, node, to); }, key->field);
    }
  }

  static std::string unknown_key(std::string_view name, bool above) {
    const std::string quoted = "unknown key \"" + std::string(name) + "\"";
    if (const std::string_view file = file_for_secret(name); !file.empty()) {
      return quoted + ": secrets don't belong into this file; name " + std::string(file);
    }
    if (above && knows(source_keys(), name)) {
      return quoted + ": it belongs to a source, below a line [[source]]";
    }
    if (!above && knows(store_keys(), name)) {
      return quoted + ": it is not a source's, and belongs above the first [[source]]";
    }
    const std::string meant =
        closest(name, above ? names_of(store_keys()) : names_of(source_keys()));
    return quoted +
           (meant.empty() ? "; docs/configuration.md lists them" : "; did you mean " + meant + "?");
  }

  template <class Settings, class Value>
  void read_field(const ConfigKey<Settings>& key,
                  std::optional<Value> Settings::*field,
                  const toml::node& node,
                  Settings& to) {
    try {
      Value value{};
      ConfigValue(key.name, key, ConfigPlace::File).read(node, value);
      if constexpr (std::is_same_v<Value, fs::path>) {
        value = (directory_ / value).lexically_normal();
      }
      to.*field = std::move(value);
    } catch (const Error& error) {
      mistake(line_of(node), error.what());
    }
  }

  template <class Settings>
  void read_field(const ConfigKey<Settings>& key,
                  std::size_t property,
                  const toml::node& node,
                  Settings& to) {
    if constexpr (std::is_same_v<Settings, SourceSettings>) {
      std::vector<std::string>& values = to.filters.at(property);
      const toml::array* const list = node.as_array();
      if (list == nullptr) return read_value(key, node, values);
      if (list->empty()) {
        mistake(line_of(node), std::string(key.name) + ": the list is empty; leave the key out");
      }
      for (const toml::node& item : *list)
        read_value(key, item, values);
    }
  }

  void read_value(const ConfigKey<SourceSettings>& key,
                  const toml::node& node,
                  std::vector<std::string>& to) {
    try {
      std::string value = text_in(key.name, "a string, or a list of strings", node);
      if (key.kind == ConfigKind::Networks) check_network(key.name, value);
      to.push_back(std::move(value));
    } catch (const Error& error) {
      mistake(line_of(node), error.what());
    }
  }

  static void check_network(std::string_view key, const std::string& value) {
    std::vector<IpNetwork> ignored;
    with_context(std::string(key), [&] { parse_networks(value, ignored); });
  }

  void read_sources(const toml::table& root) {
    const toml::node* const node = root.get(kSource);
    if (node == nullptr) {
      if (sources_ == SourcesIn::Elsewhere) return;
      return mistake(1, "no source: give at least one [[source]] with an endpoint");
    }
    const toml::array* const list = node->as_array();
    if (list == nullptr || list->empty() || !list->is_array_of_tables()) {
      return mistake(line_of(*node),
                     "source: expected tables that begin with a line [[source]], in double "
                     "brackets, found " +
                         std::string(toml_type_name(*node)));
    }
    if (list->size() > kMostSources) {
      return mistake(line_of(*node),
                     "more than " + std::to_string(kMostSources) + " sources are not possible");
    }
    for (const toml::node& source : *list)
      read_source(*source.as_table());
  }

  // Values that don't go together.
  void check_sizes(const toml::table& root) {
    const StoreSettings& store = config_.store;
    const auto refuse = [&](const char* key, const std::string& trouble) {
      if (!trouble.empty()) mistake(line_of_key(root, key), std::string(key) + ": " + trouble);
    };
    if (store.max_bytes) {
      refuse("max_bytes", trouble_with_max_bytes(*store.max_bytes, config_.sources.size()));
    }
    if (store.max_tapes) {
      refuse("max_tapes", trouble_with_max_tapes(*store.max_tapes, config_.sources.size()));
    }
    if (store.socket) refuse("socket", trouble_with_socket(*store.socket));
    if (store.queue_bytes) {
      refuse("queue_bytes",
             trouble_with_queue(*store.queue_bytes, store.max_frame.value_or(kDefaultMaxFrame)));
    }
  }

  void read_source(const toml::table& table) {
    SourceSettings source;
    const std::size_t mistakes = mistakes_.size();
    read_keys(table, source_keys(), source);
    check_endpoint(table, source);
    check_name(table, source);
    check_files(table, source);
    const bool sound = mistakes_.size() == mistakes;
    if (sound && files_ == NamedFiles::Checked) read_files(table, source);
    config_.sources.push_back(std::move(source));
  }

  static std::size_t line_of_key(const toml::table& table, std::string_view key) {
    const toml::node* const node = table.get(key);
    return line_of(node == nullptr ? static_cast<const toml::node&>(table) : *node);
  }

  void check_endpoint(const toml::table& table, SourceSettings& source) {
    const std::size_t line = line_of_key(table, "endpoint");
    if (!source.endpoint) {
      if (!table.contains("endpoint")) {
        mistake(line, "endpoint is missing; expected a URL such as \"http://127.0.0.1:8000\"");
      }
      return;
    }
    try {
      const Endpoint endpoint = parse_endpoint(without_tls(*source.endpoint));
      if (!table.contains("name")) source.name = default_source_name(endpoint);
    } catch (const EndpointError& error) {
      mistake(line,
              error.is_about_user() ? "endpoint: user and password don't belong into this file; "
                                      "name basic_auth_file, a file that holds USER:PASSWORD"
                                    : error.what());
    }
  }

  void check_name(const toml::table& table, const SourceSettings& source) {
    if (!source.name) return;
    const std::size_t line = line_of_key(table, "name");
    try {
      static_cast<void>(file_name_of_source(*source.name));
    } catch (const Error& error) {
      return mistake(line, std::string("name: ") + error.what());
    }
    const auto [other, is_new] = names_.emplace(*source.name, line);
    if (is_new) return;
    mistake(line,
            "two sources are called \"" + *source.name + "\", the other in line " +
                std::to_string(other->second) + "; give each a name of its own");
  }

  void check_files(const toml::table& table, const SourceSettings& source) {
    if (source.basic_auth_file && source.bearer_token_file) {
      mistake(line_of_key(table, "bearer_token_file"),
              "basic_auth_file and bearer_token_file can't both be sent; leave one out");
    }
    // A value such as USER:PASSWORD must show up nowhere, so not as a file that is not there.
    const auto* const basic = table.get_as<std::string>("basic_auth_file");
    if (basic != nullptr && basic->get().find(':') != std::string::npos &&
        basic->get().find('/') == std::string::npos) {
      mistake(line_of(*basic), "basic_auth_file: expected the path of a file, not what it holds");
    }
    if (source.tls_key && !source.tls_cert) {
      mistake(line_of_key(table, "tls_key"), "tls_key: tls_cert is missing beside it");
    }
    if (source.tls_cert && !source.tls_key) {
      mistake(line_of_key(table, "tls_cert"), "tls_cert: tls_key is missing beside it");
    }
    if (source.cacert && source.tls_fingerprint) {
      mistake(line_of_key(table, "tls_fingerprint"),
              "tls_fingerprint: cacert is there, too; leave one out, they exclude each other");
    }
    if (source.tls_fingerprint && !parse_fingerprint(*source.tls_fingerprint)) {
      mistake(line_of_key(table, "tls_fingerprint"),
              "tls_fingerprint: \"" + *source.tls_fingerprint +
                  "\" is no SHA-256 fingerprint; expected 32 bytes in hexadecimal, \"F4:45:…\"");
    }
    const bool tls = source.endpoint && without_tls(*source.endpoint) != *source.endpoint;
    if (!source.endpoint || tls) return;
    for (const char* const key : {"cacert", "tls_fingerprint", "tls_cert", "tls_key"}) {
      if (!table.contains(key)) continue;
      mistake(line_of_key(table, key),
              std::string(key) + ": the endpoint speaks no TLS; expected an endpoint of https://");
    }
  }

  // One after the other, so that each is told.
  void read_files(const toml::table& table, const SourceSettings& source) {
    const Endpoint endpoint = parse_endpoint(source.endpoint.value());
    AccessSettings parts[4];
    parts[0].cacert = source.cacert;
    parts[1].tls_cert = source.tls_cert;
    parts[1].tls_key = source.tls_key;
    parts[2].basic_auth_file = source.basic_auth_file;
    parts[3].bearer_token_file = source.bearer_token_file;
    for (const AccessSettings& part : parts) {
      try {
        static_cast<void>(AccessFiles(part, endpoint).read());
      } catch (const Error& error) {
        mistake_in_file(table, error.what());
      }
    }
  }

  // What begins with the option is about the key of the same name.
  void mistake_in_file(const toml::table& table, std::string_view text) {
    for (const std::string_view key :
         {"cacert", "tls_cert", "tls_key", "basic_auth_file", "bearer_token_file"}) {
      std::string option = "--" + std::string(key);
      std::replace(option.begin(), option.end(), '_', '-');
      if (!text.starts_with(option)) continue;
      return mistake(line_of_key(table, key),
                     std::string(key) + std::string(text.substr(option.size())));
    }
    mistake(line_of_key(table, "endpoint"), std::string(text));
  }

  fs::path directory_;
  SourcesIn sources_;
  NamedFiles files_;
  Config config_;
  ConfigMistakes mistakes_;
  std::map<std::string, std::size_t> names_;  // and the line
};

}  // namespace

std::variant<Config, ConfigMistakes> parse_config(std::string_view text,
                                                  const fs::path& file,
                                                  SourcesIn sources,
                                                  NamedFiles files) {
  ConfigParser parser(file, sources, files);
  parser.parse(text);
  return parser.result();
}

}  // namespace smtptape
