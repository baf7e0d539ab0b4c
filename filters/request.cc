#include "filters/request.h"

#include <algorithm>
#include <bitset>
#include <cstddef>

#include "base/error.h"
#include "format/wire/json.h"

namespace smtptape {
namespace {

// The fields of a request: one for each property, then `terse`.
constexpr std::size_t kTerseField = kPropertyCount;
constexpr std::size_t kFieldCount = kPropertyCount + 1;

std::string_view field_name(std::size_t field) {
  return field == kTerseField ? "terse" : kProperties[field].request_field;
}

// kFieldCount when there is no such field.
std::size_t field_index(std::string_view name) {
  std::size_t field = 0;
  while (field < kFieldCount && field_name(field) != name)
    ++field;
  return field;
}

class RequestReader {
 public:
  explicit RequestReader(std::string_view json) : json_(json), reader_(json) {}

  [[nodiscard]] TraceRequest read();

 private:
  using Type = JsonReader::Type;

  void read_object();
  void read_array();
  void read_field(std::size_t field);
  void read_terse();
  [[nodiscard]] std::vector<std::string> read_texts();
  [[nodiscard]] CidrSet read_networks();

  // Throws unless the next value is a `wanted`, in kumod's words `name`.
  void expect(Type wanted, const char* name);
  // Consumes the value, unless it is a container; kumod stops in front of those.
  [[nodiscard]] std::string describe_value(Type type);
  void throw_if_malformed() const;
  [[nodiscard]] Error error_at(std::size_t position, const std::string& what) const;

  std::string_view json_;
  JsonReader reader_;
  TraceRequest request_;
};

TraceRequest RequestReader::read() {
  if (reader_.peek() == Type::Array) {
    read_array();
  } else {
    read_object();
  }
  throw_if_malformed();
  if (!reader_.at_end()) throw error_at(reader_.position() + 1, "trailing characters");
  return std::move(request_);
}

void RequestReader::read_object() {
  expect(Type::Object, "struct TraceSmtpClientV1Request");
  (void)reader_.enter_object();
  std::bitset<kFieldCount> seen;
  std::string name;
  while (reader_.next_key(name)) {
    const std::size_t field = field_index(name);
    if (field == kFieldCount) {
      (void)reader_.skip_value();
      continue;
    }
    if (seen[field]) {
      const std::size_t colon = reader_.position() - 1;
      throw error_at(colon, "duplicate field `" + name + "`");
    }
    seen.set(field);
    read_field(field);
  }
}

void RequestReader::read_array() {
  (void)reader_.enter_array();
  for (std::size_t field = 0; reader_.next_element(); ++field) {
    if (field == kFieldCount) throw error_at(reader_.position() + 1, "trailing characters");
    read_field(field);
  }
}

void RequestReader::read_field(std::size_t field) {
  if (field == kTerseField) {
    read_terse();
  } else if (kProperties[field].kind != PropertyKind::Address) {
    request_.allowed[field].texts = read_texts();
  } else if (reader_.peek() == Type::Null) {
    (void)reader_.read_null();
  } else {
    request_.allowed[field].networks = read_networks();
  }
}

void RequestReader::read_terse() {
  expect(Type::Bool, "a boolean");
  (void)reader_.read_bool(request_.terse);
}

std::vector<std::string> RequestReader::read_texts() {
  expect(Type::Array, "a sequence");
  (void)reader_.enter_array();
  std::vector<std::string> texts;
  while (reader_.next_element()) {
    expect(Type::String, "a string");
    (void)reader_.read_string(texts.emplace_back());
  }
  throw_if_malformed();
  return texts;
}

CidrSet RequestReader::read_networks() {
  const std::vector<std::string> entries = read_texts();
  try {
    return CidrSet::parse(entries);
  } catch (const Error& error) {
    // kumod says this only when it is back in the request itself, past a bracket that ends it.
    (void)reader_.peek();
    const std::size_t position = reader_.position();
    const std::string_view next = json_.substr(position, 1);
    const std::size_t bracket = next == "}" || next == "]" ? 1 : 0;
    throw error_at(position + bracket, error.what());
  }
}

void RequestReader::expect(Type wanted, const char* name) {
  const Type type = reader_.peek();
  if (type == wanted) return;
  const std::string value = describe_value(type);
  throw_if_malformed();
  throw error_at(reader_.position(), "invalid type: " + value + ", expected " + name);
}

std::string RequestReader::describe_value(Type type) {
  if (type == Type::Array) return "sequence";
  if (type == Type::Object) return "map";
  std::string text;
  if (const auto raw = reader_.skip_value()) (void)append_canonical_json(text, *raw);
  switch (type) {
    case Type::Bool: return "boolean `" + text + '`';
    case Type::Number:
      return (text.find_first_of(".e") == std::string::npos ? "integer `" : "floating point `") +
             text + '`';
    case Type::String: return "string " + text;
    case Type::Null:
    case Type::Array:
    case Type::Object:
    case Type::End: break;
  }
  return text;
}

void RequestReader::throw_if_malformed() const {
  if (reader_.failed()) throw Error(reader_.error());
}

Error RequestReader::error_at(std::size_t position, const std::string& what) const {
  const std::string_view before = json_.substr(0, position);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t column = position - (before.rfind('\n') + 1);
  return Error(what + " at line " + std::to_string(line) + " column " + std::to_string(column));
}

void append_json_list(std::string& out, const std::vector<std::string>& texts) {
  out += '[';
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, texts[i]);
  }
  out += ']';
}

// What kcli calls an option when its values are no networks.
std::string blamed_option(const Property& property, Honour honour) {
  const bool slip = honour == Honour::AsLive && property.flag == "--mx-addr";
  return std::string(slip ? "--mx-host" : property.flag);
}

}  // namespace

bool is_any_set(const DeniedValues& denied) {
  return std::any_of(
      denied.begin(), denied.end(), [](const AllowedValues& values) { return values.is_set(); });
}

TraceRequest request_from_options(const OptionValues& values, Honour honour) {
  TraceRequest request;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    if (kProperties[i].kind != PropertyKind::Address) {
      request.allowed[i].texts = values[i];
    } else if (!values[i].empty()) {
      request.allowed[i].networks =
          with_context("invalid " + blamed_option(kProperties[i], honour) + " value(s)",
                       [&entries = values[i]] { return CidrSet::parse(entries); });
    }
  }
  return request;
}

std::string to_json(const TraceRequest& request) {
  std::string out;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    out += i == 0 ? '{' : ',';
    append_json_string(out, kProperties[i].request_field);
    out += ':';
    const AllowedValues& allowed = request.allowed[i];
    if (kProperties[i].kind != PropertyKind::Address) {
      append_json_list(out, allowed.texts);
    } else if (allowed.networks) {
      append_json_list(out, allowed.networks->written());
    } else {
      out += "null";
    }
  }
  if (request.terse) out += R"(,"terse":true)";
  out += '}';
  return out;
}

TraceRequest parse_request(std::string_view json) {
  return RequestReader(json).read();
}

}  // namespace smtptape
