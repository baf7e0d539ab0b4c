#include "cli/config/config_value.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <variant>

#include "base/time_spec.h"

namespace smtptape {

namespace {

[[noreturn]] void expected(std::string_view key, std::string_view what, const toml::node& node) {
  throw Error(std::string(key) + ": expected " + std::string(what) + ", found " +
              std::string(toml_type_name(node)));
}

bool is_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return text.empty();
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data() + colon + 1, end, port);
  return result.ec == std::errc{} && result.ptr == end;
}

// Of digits only.
std::uint64_t parse_whole_number(std::string_view text, std::string_view key) {
  constexpr std::size_t kMostDigits = 18;
  const bool number = !text.empty() && text.size() <= kMostDigits &&
                      text.find_first_not_of("0123456789") == std::string_view::npos;
  if (number) return std::stoull(std::string(text));
  throw UsageError(std::string(key) + ": \"" + std::string(text) +
                   "\" is not a number; give 100, for example");
}

// "--rotate-size" is the flag of rotate_size.
const ConfigKey<StoreSettings>& key_of(std::string_view flag) {
  std::string name(flag.substr(2));
  std::replace(name.begin(), name.end(), '-', '_');
  const auto keys = store_keys();
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key.name == name; });
  SMTPTAPE_CHECK(found != keys.end());
  return *found;
}

template <class Value>
void read_field(const ConfigValue& value,
                std::optional<Value> StoreSettings::*field,
                const toml::node& node,
                StoreSettings& to) {
  Value read{};
  value.read(node, read);
  to.*field = std::move(read);
}

void read_field(const ConfigValue& /*value*/,
                std::size_t /*property*/,
                const toml::node& /*node*/,
                StoreSettings& /*to*/) {
  SMTPTAPE_CHECK(false && "a store has no filters");
}

}  // namespace

std::size_t line_of(const toml::source_region& region) {
  return std::max<std::size_t>(region.begin.line, 1);
}

std::size_t line_of(const toml::node& node) {
  return line_of(node.source());
}

std::string_view toml_type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "a number";
    case toml::node_type::floating_point: return "a fraction";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time";
  }
  return "something else";
}

std::string text_in(std::string_view key, std::string_view what, const toml::node& node) {
  const toml::value<std::string>* const text = node.as_string();
  if (text == nullptr) expected(key, what, node);
  return text->get();
}

void ConfigValue::read(const toml::node& node, std::string& to) const {
  to = text_in(key_, "a string", node);
  if (kind_ == ConfigKind::Listen) {
    if (!is_listen_address(to)) {
      fail("\"" + to + "\" is not HOST:PORT, such as 127.0.0.1:9109; the empty string is off");
    }
  } else if (to.empty()) {
    fail("must not be empty");
  }
}

void ConfigValue::read(const toml::node& node, std::filesystem::path& to) const {
  const std::string text = text_in(key_, "a path in quotes", node);
  if (text.empty()) fail("must not be empty");
  to = text;
}

void ConfigValue::read(const toml::node& node, std::uint64_t& to) const {
  if (const auto* const number = node.as_integer()) {
    if (number->get() < 0) fail("must not be negative");
    to = static_cast<std::uint64_t>(number->get());
  } else if (kind_ == ConfigKind::Size) {
    to = parse_size(text_in(key_, "a size such as \"256M\", in quotes, or bytes", node), key_);
  } else {
    to = parse_whole_number(text_in(key_, "a number", node), key_);
  }
  if (to < least_ || to > most_) {
    fail_bounds(to == 0, "must be between " + show_bound(least_) + " and " + show_bound(most_));
  }
}

void ConfigValue::read(const toml::node& node, std::chrono::nanoseconds& to) const {
  const std::string text = text_in(key_, "a duration such as \"1h\", in quotes", node);
  to = may_go_without_unit() ? parse_duration(text, key_) : parse_duration_with_unit(text, key_);
  if (to.count() >= static_cast<std::int64_t>(least_)) return;
  const std::string least = std::to_string(least_ / kNanosPerSecond) + "s";
  fail_bounds(to.count() == 0, least_ == 1 ? "must be more than 0" : "must be at least " + least);
}

void ConfigValue::read(const toml::node& node, bool& to) const {
  const toml::value<bool>* const value = node.as_boolean();
  if (value == nullptr) expected(key_, "true or false, without quotes", node);
  to = value->get();
}

void ConfigValue::read(const toml::node& node, KeepFree& to) const {
  if (const auto* const number = node.as_integer()) {
    if (number->get() < 0) fail("must not be negative");
    to = parse_keep_free(std::to_string(number->get()), key_);
    return;
  }
  to = parse_keep_free(text_in(key_, "a share such as \"10%\", in quotes, or a size", node), key_);
}

std::size_t ConfigValue::place_in(std::span<const std::string_view> words,
                                  const toml::node& node) const {
  const std::string quote = place_ == ConfigPlace::File ? "\"" : "";
  std::string known;
  for (const std::string_view word : words)
    known += (known.empty() ? "" : ", ") + quote + std::string(word) + quote;
  const std::string text = text_in(key_, "one of " + known, node);
  const auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) fail("\"" + text + "\" is none of " + known);
  return static_cast<std::size_t>(found - words.begin());
}

std::string ConfigValue::show_bound(std::uint64_t bound) const {
  const bool plain = bound < 1024 || kind_ == ConfigKind::Number;
  return plain ? std::to_string(bound) : show_size(bound);
}

// In a file, and of what decides what is deleted, seconds would be read as days.
bool ConfigValue::may_go_without_unit() const {
  return place_ == ConfigPlace::Flag && !key_.starts_with("--max-") && !key_.starts_with("--keep-");
}

// Elsewhere 0 may say "no limit"; here it would delete everything.
void ConfigValue::fail_bounds(bool is_zero, const std::string& bounds) const {
  fail(bounds +
       (is_zero && without_limit_ ? "; 0 would keep nothing: leave it out for no limit" : ""));
}

void ConfigValue::fail(const std::string& why) const {
  throw Error(std::string(key_) + ": " + why);
}

void read_flag(std::string_view flag, const std::string& text, StoreSettings& to) {
  const ConfigKey<StoreSettings>& key = key_of(flag);
  const ConfigValue value(flag, key, ConfigPlace::Flag);
  const toml::value<std::string> node(text);
  try {
    std::visit([&](auto field) { read_field(value, field, node, to); }, key.field);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace smtptape
