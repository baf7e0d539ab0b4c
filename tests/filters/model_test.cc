// Random metadata against random requests, decided by the engine and by a naive model that never
// sees JSON: it knows values as values, and addresses from a table.
#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "filters/allow_list.h"
#include "filters/request.h"
#include "filters/session_scope.h"
#include "format/event.h"
#include "format/meta.h"

namespace smtptape {
namespace {

using Random = std::mt19937;

template <class T>
const T& one_of(Random& random, const std::vector<T>& choice) {
  return choice[random() % choice.size()];
}

const std::vector<std::string> kTexts{
    "", "a", "A", "a ", "b", "\"", "\\", "é", "\n", "\x01", "/", "\x7f"};

struct KnownAddress {
  std::string text;
  std::optional<std::string> ip;  // nullopt: not usable
};
const std::vector<KnownAddress> kAddresses{{"192.0.2.5:40112", "192.0.2.5"},
                                           {"192.0.2.5", "192.0.2.5"},
                                           {"192.0.2.200:0", "192.0.2.200"},
                                           {"[2001:db8::5]:25", "2001:db8::5"},
                                           {"2001:DB8:0::5", "2001:db8::5"},
                                           {"[fe80::1%7]:25", "fe80::1"},
                                           {"::ffff:192.0.2.5", "::ffff:192.0.2.5"},
                                           {"/run/lmtp.sock", std::nullopt},
                                           {"<unbound unix domain>", std::nullopt},
                                           {"192.0.2.5:70000", std::nullopt},
                                           {"[::1]", std::nullopt},
                                           {"fe80::1%7", std::nullopt},
                                           {"", std::nullopt}};
const std::map<std::string, std::set<std::string>> kMembers{
    {"192.0.2.0/24", {"192.0.2.5", "192.0.2.200"}},
    {"192.0.2.0/25", {"192.0.2.5"}},
    {"192.0.2.128/25", {"192.0.2.200"}},
    {"192.0.2.5", {"192.0.2.5"}},
    {"0.0.0.0/0", {"192.0.2.5", "192.0.2.200"}},
    {"2001:db8::/32", {"2001:db8::5"}},
    {"2001:db8::4/127", {"2001:db8::5"}},
    {"2001:db8::1", {}},
    {"::ffff:0.0.0.0/96", {"::ffff:192.0.2.5"}},
    {"fe80::/10", {"fe80::1"}},
    {"10.0.0.0/8", {}},
    {"any", {"192.0.2.5", "192.0.2.200", "2001:db8::5", "fe80::1", "::ffff:192.0.2.5"}}};

// --- values, and their JSON in a spelling of its own each time ---

struct Value {
  enum class Type { Absent, Null, Number, Object, Text, List };
  Type type = Type::Absent;
  std::string text;
  std::vector<Value> list;
};

std::string spelled(Random& random, const std::string& text) {
  constexpr char kHex[] = "0123456789AbCdEf";
  std::string json = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool must = byte < 0x20 || c == '"' || c == '\\';
    if (must || (byte < 0x80 && random() % 8 == 0)) {
      json += "\\u00";
      json += kHex[byte >> 4];
      json += kHex[byte & 15];
    } else {
      json += c;
    }
  }
  return json + '"';
}

std::string json_of(Random& random, const Value& value) {
  switch (value.type) {
    case Value::Type::Absent:
    case Value::Type::Null: return "null";
    case Value::Type::Number: return "1.50";
    case Value::Type::Object: return R"({ "a":"a" })";
    case Value::Type::Text: return spelled(random, value.text);
    case Value::Type::List: break;
  }
  std::string json = "[";
  for (const Value& element : value.list) {
    if (json.size() > 1) json += random() % 2 == 0 ? "," : " , ";
    json += json_of(random, element);
  }
  return json + "]";
}

Value random_value(Random& random, PropertyKind kind, int depth = 0) {
  switch (random() % 10) {
    case 0: return {};
    case 1: return {Value::Type::Null, {}, {}};
    case 2: return {depth == 0 ? Value::Type::Number : Value::Type::Object, {}, {}};
    case 3:
    case 4: {
      if (depth > 1 || kind != PropertyKind::TextList) break;
      Value value{Value::Type::List, {}, {}};
      for (auto count = random() % 4; count > 0; --count) {
        value.list.push_back(random_value(random, kind, depth + 1));
      }
      return value;
    }
    default: break;
  }
  const bool address = kind == PropertyKind::Address;
  return {
      Value::Type::Text, address ? one_of(random, kAddresses).text : one_of(random, kTexts), {}};
}

struct Metadata {
  std::map<std::string, Value> values;  // by key; "id" too
  MetaPtr meta;
};

Metadata random_metadata(Random& random) {
  Metadata data;
  std::vector<std::string> members;
  const auto add = [&](const std::string& key, Value value) {
    if (value.type != Value::Type::Absent) {
      members.push_back(spelled(random, key) + ":" + json_of(random, value));
    }
    data.values[key] = std::move(value);
  };
  add("id", {Value::Type::Text, std::to_string(random() % 30), {}});
  for (const Property& property : kProperties) {
    add(std::string(property.meta_key), random_value(random, property.kind));
  }
  add("ready_queue", random_value(random, PropertyKind::Text));
  std::shuffle(members.begin(), members.end(), random);
  std::string json;
  for (const std::string& member : members)
    json += (json.empty() ? "{" : ",") + member;
  data.meta = Meta::parse(json + "}");
  EXPECT_NE(data.meta, nullptr) << json;
  return data;
}

OptionValues random_options(Random& random) {
  std::vector<std::string> networks;
  for (const auto& [network, members] : kMembers)
    networks.push_back(network);
  OptionValues values;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    if (random() % 5 != 0) continue;
    const bool address = kProperties[i].kind == PropertyKind::Address;
    for (auto count = random() % 6 + 1; count > 0; --count) {
      values[i].push_back(one_of(random, address ? networks : kTexts));
    }
  }
  return values;
}

// --- the model ---

enum class Says { No, Nothing, Yes };

Says model_text(const std::vector<std::string>& allowed, const Value& value) {
  if (value.type != Value::Type::Text) return Says::Nothing;
  for (const std::string& text : allowed) {
    if (text == value.text) return Says::Yes;
  }
  return Says::No;
}

Says model_list(const std::vector<std::string>& allowed, const Value& value) {
  if (value.type != Value::Type::List) return model_text(allowed, value);
  int texts = 0;
  for (const Value& element : value.list) {
    if (model_text(allowed, element) == Says::Yes) return Says::Yes;
    texts += element.type == Value::Type::Text;
  }
  return texts > 0 ? Says::No : Says::Nothing;
}

Says model_address(const std::vector<std::string>& allowed, const Value& value) {
  if (value.type != Value::Type::Text) return Says::Nothing;
  for (const KnownAddress& known : kAddresses) {
    if (known.text != value.text) continue;
    if (!known.ip) return Says::Nothing;
    for (const std::string& network : allowed) {
      if (kMembers.at(network).contains(*known.ip)) return Says::Yes;
    }
    return Says::No;
  }
  return Says::Nothing;
}

Says model_property(std::size_t i,
                    const std::vector<std::string>& allowed,
                    const Metadata& data,
                    Honour honour) {
  const bool as_live = honour == Honour::AsLive;
  std::string key(kProperties[i].meta_key);
  if (as_live && key == "ready_queue_name") key = "ready_queue";
  const Value& value = data.values.at(key);
  if (kProperties[i].kind == PropertyKind::Address) return model_address(allowed, value);
  if (key == "recipient" && !as_live) return model_list(allowed, value);
  return model_text(allowed, value);
}

bool model_passes(const OptionValues& options, const Metadata& data, Scope scope, Honour honour) {
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    if (options[i].empty()) continue;
    const Says says = model_property(i, options[i], data, honour);
    if (says == Says::No || (scope == Scope::Strict && says == Says::Nothing)) return false;
  }
  return true;
}

// --- the trials ---

std::vector<Metadata> random_feed(Random& random, std::size_t size) {
  std::vector<Metadata> feed;
  for (std::size_t i = 0; i < size; ++i)
    feed.push_back(random_metadata(random));
  return feed;
}

TEST(Model, AgreesAboutEventAndStrict) {
  Random random(21);
  const std::vector<Metadata> feed = random_feed(random, 400);
  int passed_event = 0;
  int passed_strict = 0;
  for (int round = 0; round < 200; ++round) {
    const OptionValues options = random_options(random);
    const Honour honour = round % 2 == 0 ? Honour::Documented : Honour::AsLive;
    AllowList list(request_from_options(options, honour), honour);
    for (const Metadata& data : feed) {
      const bool event = list.passes(data.meta.get(), Scope::Event);
      const bool strict = list.passes(data.meta.get(), Scope::Strict);
      ASSERT_EQ(event, model_passes(options, data, Scope::Event, honour)) << data.meta->text();
      ASSERT_EQ(strict, model_passes(options, data, Scope::Strict, honour)) << data.meta->text();
      ASSERT_TRUE(event || !strict);
      passed_event += event && !list.empty();
      passed_strict += strict && !list.empty();
    }
  }
  EXPECT_GT(passed_event, 1000);
  EXPECT_GT(passed_strict, 1000);
  EXPECT_GT(passed_event, passed_strict);
}

TEST(Model, AgreesAboutSessions) {
  Random random(22);
  const std::vector<Metadata> feed = random_feed(random, 300);
  std::vector<Event> events;
  for (const Metadata& data : feed)
    events.emplace_back().meta = data.meta.get();
  std::size_t chosen_in_all = 0;
  for (int round = 0; round < 100; ++round) {
    const OptionValues options = random_options(random);
    const Honour honour = round % 2 == 0 ? Honour::Documented : Honour::AsLive;
    AllowList list(request_from_options(options, honour), honour);
    const bool everything = list.empty();
    std::set<std::string> chosen;
    for (const Metadata& data : feed) {
      if (model_passes(options, data, Scope::Strict, honour)) {
        chosen.insert(data.values.at("id").text);
      }
    }
    SessionScope scope(std::move(list));
    scope.collect(std::span(events).first(events.size() / 2));
    scope.collect(std::span(events).subspan(events.size() / 2));
    chosen_in_all += scope.session_count();
    for (const Metadata& data : feed) {
      const bool expected = everything || chosen.contains(data.values.at("id").text);
      ASSERT_EQ(scope.contains(data.meta.get()), expected) << data.meta->text();
    }
  }
  EXPECT_GT(chosen_in_all, 100u);
}

}  // namespace
}  // namespace smtptape
