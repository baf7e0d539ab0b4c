#include "share/redact/metadata.h"

#include <algorithm>
#include <array>
#include <vector>

#include "format/wire/json.h"
#include "share/redact/client_line.h"
#include "share/redact/known_words.h"

namespace smtptape {

namespace {

// Where what stands in a value that is a text, or in each text of a list.
using FindSpans = void (*)(std::string_view text, Spans& spans);

// What KumoMTA calls it where nobody named it.
constexpr std::string_view kUnnamed = "unspecified";

void as_label(std::string_view text, Spans& spans) {
  if (!text.empty() && text != kUnnamed) spans.push_back({0, text.size(), Kind::Label});
}

void as_mailbox(std::string_view text, Spans& spans) {
  find_in_mailbox(text, 0, spans);
}

template <Kind kind>
void as_whole(std::string_view text, Spans& spans) {
  if (!text.empty()) spans.push_back({0, text.size(), kind});
}

void as_host(std::string_view text, Spans& spans) {
  find_in_host(text, 0, Kind::Domain, spans);
}

void add(Spans& spans, std::size_t from, std::size_t to, Kind kind) {
  if (from < to) spans.push_back({from, to, kind});
}

// "[CAMPAIGN:]TENANT@DOMAIN[!ROUTING-DOMAIN]", or the domain alone.
void as_queue(std::string_view text, Spans& spans) {
  const std::size_t sign = text.rfind('@');
  std::size_t domain = 0;
  if (sign != std::string_view::npos) {
    const std::size_t colon = text.substr(0, sign).find(':');
    const std::size_t tenant = colon == std::string_view::npos ? 0 : colon + 1;
    if (tenant > 0) add(spans, 0, tenant - 1, Kind::Label);
    add(spans, tenant, sign, Kind::Label);
    domain = sign + 1;
  }
  const std::size_t mark = std::min(text.find('!', domain), text.size());
  find_in_host(text.substr(domain, mark - domain), domain, Kind::Domain, spans);
  if (mark < text.size()) {
    find_in_host(text.substr(mark + 1), mark + 1, Kind::Domain, spans);
  }
}

// "SOURCE->SITE@PROTOCOL": the site is a list of addresses, a host, or several of one domain.
void as_ready_queue(std::string_view text, Spans& spans) {
  constexpr std::string_view kArrow = "->";
  constexpr std::string_view kList = "mx_list:";
  constexpr std::string_view kProtocols = "smtp_client";
  const std::size_t arrow = text.find(kArrow);
  std::size_t at = 0;
  if (arrow != std::string_view::npos) {
    as_label(text.substr(0, arrow), spans);
    at = arrow + kArrow.size();
  }
  const std::size_t sign = text.rfind('@');
  const std::size_t end = sign == std::string_view::npos || sign < at ? text.size() : sign;
  if (text.substr(at, end - at).starts_with(kList)) {
    at += kList.size();
    while (at < end) {
      const std::size_t comma = std::min(text.find(',', at), end);
      add(spans, at, comma, Kind::Address);
      at = comma + 1;
    }
  } else {
    find_in_host(text.substr(at, end - at), at, Kind::Domain, spans);
  }
  if (end < text.size() && text.substr(end + 1) != kProtocols)
    add(spans, end + 1, text.size(), Kind::Message);
}

struct Key {
  std::string_view name;
  FindSpans find;
};
constexpr std::array<Key, 13> kKeys{{{"campaign", as_label},
                                     {"domain", as_host},
                                     {"egress_pool", as_label},
                                     {"egress_source", as_label},
                                     {"id", as_whole<Kind::Id>},
                                     {"message_id", as_whole<Kind::Id>},
                                     {"queue_name", as_queue},
                                     {"ready_queue_name", as_ready_queue},
                                     {"recipient", as_mailbox},
                                     {"routing_domain", as_host},
                                     {"sender", as_mailbox},
                                     {"source_address", as_whole<Kind::Address>},
                                     {"tenant", as_label}}};

FindSpans find_key(std::string_view name) {
  const auto* const found =
      std::find_if(kKeys.begin(), kKeys.end(), [name](const Key& key) { return key.name == name; });
  return found == kKeys.end() ? nullptr : found->find;
}

// Calls `take` for the text or each text of the list; false where it is neither.
template <class Take>
bool each_text(std::string_view json, const Take& take) {
  JsonReader reader(json);
  std::string text;
  if (reader.peek() == JsonReader::Type::String) {
    if (!reader.read_string(text)) return false;
    take(text, false);
    return true;
  }
  if (reader.peek() != JsonReader::Type::Array || !reader.enter_array()) return false;
  bool all = true;
  while (reader.next_element()) {
    text.clear();
    if (reader.peek() != JsonReader::Type::String) {
      all = false;
      if (!reader.skip_value()) return false;
    } else if (reader.read_string(text)) {
      take(text, true);
    }
  }
  return all && !reader.failed();
}

class Rewriting {
 public:
  explicit Rewriting(MetaVisitor& visitor) : visitor_(visitor) {}

  std::optional<std::string> rewrite(const Meta::Entry& member) {
    std::string json;
    if (const FindSpans find = find_key(member.key)) {
      json = rewritten(member.json, find);
    } else if (member.key == "mx_host" || member.key == "mx_address") {
      json = is_plain(member.json) ? std::string(member.json) : std::string("null");
    } else if (member.key == "mx_plan") {
      json = take_plan(member.json) ? std::string(member.json) : std::string("null");
    } else {
      visitor_.leave_out(member.key, member.json);
      return std::nullopt;
    }
    if (json == "null" && member.json != "null") visitor_.leave_out(member.key, member.json);
    return json;
  }

 private:
  std::string rewritten(std::string_view json, FindSpans find) {
    std::string out;
    bool list = false;
    const bool texts = each_text(json, [&](std::string& text, bool in_list) {
      Spans spans;
      find(text, spans);
      visitor_.take(text, spans);
      if (in_list) out += list ? "," : "[";
      list = list || in_list;
      append_json_string(out, text);
    });
    if (json == "[]") return "[]";
    if (!texts) return "null";
    return list ? out + "]" : out;
  }

  // A host or an address of the server's.
  bool is_plain(std::string_view json) {
    return each_text(json, [this](const std::string& text, bool) { visitor_.take_public(text); });
  }

  // Hosts and addresses under the names that KumoMTA has for them, and nothing else.
  bool take_plan(std::string_view json, int depth = 0) {
    static constexpr std::array<std::string_view, 6> kMembers{
        "Addresses", "Hosts", "addr", "is_secure", "mx", "name"};
    constexpr int kDeepest = 4;
    JsonReader reader(json);
    switch (reader.peek()) {
      case JsonReader::Type::String: return is_plain(json);
      case JsonReader::Type::Null:
      case JsonReader::Type::Bool: return true;
      case JsonReader::Type::Array: {
        if (depth == kDeepest || !reader.enter_array()) return false;
        while (reader.next_element()) {
          const auto value = reader.skip_value();
          if (!value || !take_plan(*value, depth + 1)) return false;
        }
        return !reader.failed();
      }
      case JsonReader::Type::Object: {
        if (depth == kDeepest || !reader.enter_object()) return false;
        std::string key;
        while (reader.next_key(key)) {
          const auto value = reader.skip_value();
          const bool known = std::find(kMembers.begin(), kMembers.end(), key) != kMembers.end();
          if (!known || !value || !take_plan(*value, depth + 1)) return false;
          key.clear();
        }
        return !reader.failed();
      }
      default: return false;
    }
  }

  MetaVisitor& visitor_;
};

}  // namespace

std::optional<std::string> visit(const Meta::Entry& member, MetaVisitor& visitor) {
  return Rewriting(visitor).rewrite(member);
}

void add_short_values(const Meta::Entry& member, ShortValues& values) {
  constexpr std::size_t kLeast = 2;
  constexpr std::size_t kMostValues = 256;
  const FindSpans find = find_key(member.key);
  if (find == nullptr) return;
  static_cast<void>(each_text(member.json, [&](const std::string& text, bool) {
    Spans spans;
    find(text, spans);
    for (const Span& span : spans) {
      const std::size_t size = span.to - span.from;
      if (size < kLeast || size >= Originals::kLeast || values.size() == kMostValues) continue;
      std::string value = folded(std::string_view(text).substr(span.from, size));
      if (!is_known_text(value)) values.emplace_back(std::move(value), span.kind);
    }
  }));
}

}  // namespace smtptape
