#include "format/meta.h"

#include <algorithm>
#include <atomic>

#include "base/hash.h"
#include "format/wire/json.h"

namespace smtptape {

namespace {
std::atomic<std::uint64_t> next_serial{1};

// Of JSON in serde_json's form: with the number -0.0 written 0.0.
std::string without_negative_zero(std::string_view json) {
  std::string out;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') in_string = !in_string;
    if (!in_string && json.substr(i, 4) == "-0.0" &&
        json.find_first_of("0123456789", i + 4) != i + 4) {
      continue;
    }
    out.push_back(c);
    if (in_string && c == '\\') out.push_back(json[++i]);
  }
  return out;
}

std::string unescaped(std::string_view json_string) {
  JsonReader reader(json_string);
  std::string out;
  if (!reader.read_string(out)) out.clear();
  return out;
}
}  // namespace

Meta::Meta() : serial_(next_serial.fetch_add(1, std::memory_order_relaxed)) {
}

// Writes the text of an object entry by entry; the views are made when it no longer moves.
class Meta::Builder {
 public:
  explicit Builder(Meta& meta, std::size_t size_hint) : meta_(meta) {
    meta_.form_ = Form::Object;
    meta_.text_.reserve(size_hint);
    meta_.text_.push_back('{');
  }

  void add(std::string_view key, std::string_view json) {
    std::string& text = meta_.text_;
    if (!spans_.empty()) text.push_back(',');
    const std::size_t key_at = text.size() + 1;
    append_json_string(text, key);
    const std::size_t key_size = text.size() - 1 - key_at;
    text.push_back(':');
    spans_.push_back({key_at, key_size, text.size(), json.size()});
    if (key_size != key.size()) meta_.escaped_keys_.emplace_back(key);
    text.append(json);
  }

  void finish() {
    meta_.text_.push_back('}');
    const std::string_view text = meta_.text_;
    auto escaped = meta_.escaped_keys_.cbegin();
    meta_.entries_.reserve(spans_.size());
    for (const Span& span : spans_) {
      std::string_view key = text.substr(span.key_at, span.key_size);
      if (key.find('\\') != std::string_view::npos) key = *escaped++;
      meta_.entries_.push_back({key, text.substr(span.json_at, span.json_size)});
    }
    meta_.finish();
  }

 private:
  struct Span {
    std::size_t key_at;
    std::size_t key_size;
    std::size_t json_at;
    std::size_t json_size;
  };
  Meta& meta_;
  std::vector<Span> spans_;
};

MetaPtr Meta::parse(std::string_view json, int outer_depth) {
  JsonReader reader(json);
  switch (reader.peek()) {
    case JsonReader::Type::Object: break;
    case JsonReader::Type::Null: return reader.read_null() && reader.at_end() ? null() : nullptr;
    default: {
      std::string text;
      return append_canonical_json(text, json) ? other(text) : nullptr;
    }
  }
  std::vector<JsonMember> members;
  if (!read_canonical_members(json, outer_depth, members)) return nullptr;
  boost::intrusive_ptr<Meta> meta(new Meta);
  Builder builder(*meta, json.size());
  for (const JsonMember& member : members)
    builder.add(member.key, member.json);
  builder.finish();
  return meta;
}

MetaPtr Meta::derive(const Meta* parent,
                     const std::vector<Entry>& set,
                     const std::vector<std::string_view>& removed) {
  boost::intrusive_ptr<Meta> meta(new Meta);
  std::size_t size = parent == nullptr ? 2 : parent->text().size();
  for (const Entry& entry : set)
    size += entry.key.size() + entry.json.size() + 4;
  Builder builder(*meta, size);
  static const std::vector<Entry> kNone;
  const std::vector<Entry>& old = parent == nullptr ? kNone : parent->entries();
  auto next_set = set.begin();
  auto next_removed = removed.begin();
  for (const Entry& entry : old) {
    while (next_set != set.end() && next_set->key < entry.key) {
      builder.add(next_set->key, next_set->json);
      ++next_set;
    }
    while (next_removed != removed.end() && *next_removed < entry.key)
      ++next_removed;
    if (next_set != set.end() && next_set->key == entry.key) {
      builder.add(next_set->key, next_set->json);
      ++next_set;
    } else if (next_removed == removed.end() || *next_removed != entry.key) {
      builder.add(entry.key, entry.json);
    }
  }
  for (; next_set != set.end(); ++next_set)
    builder.add(next_set->key, next_set->json);
  builder.finish();
  return meta;
}

MetaPtr Meta::null() {
  static const MetaPtr kNull = [] {
    boost::intrusive_ptr<Meta> meta(new Meta);
    meta->form_ = Form::Null;
    meta->text_ = "null";
    meta->session_id_ = std::string();
    meta->hash_ = hash64(meta->text_);
    return meta;
  }();
  return kNull;
}

MetaPtr Meta::other(std::string_view json) {
  boost::intrusive_ptr<Meta> meta(new Meta);
  meta->form_ = Form::Other;
  meta->text_ = json;
  meta->hash_ = hash64(json);
  JsonReader reader(meta->text_);
  std::string id;
  if (reader.peek() == JsonReader::Type::Array && reader.enter_array() && reader.next_element() &&
      reader.peek() == JsonReader::Type::String && reader.read_string(id) &&
      !reader.next_element() && !reader.failed()) {
    meta->session_id_ = std::move(id);
  }
  return meta;
}

void Meta::finish() {
  hash_ = hash64(text_);
  const auto id = find("id");
  if (id && id->starts_with('"')) session_id_ = unescaped(*id);
}

std::optional<std::string_view> Meta::find(std::string_view key) const {
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), key, [](const Entry& entry, std::string_view wanted) {
        return entry.key < wanted;
      });
  if (found == entries_.end() || found->key != key) return std::nullopt;
  return found->json;
}

bool Meta::same_value(std::string_view a, std::string_view b) {
  if (a == b) return true;
  // In serde_json's form equal values have equal text, but for the two zeros.
  if (a.find("-0.0") == std::string_view::npos && b.find("-0.0") == std::string_view::npos) {
    return false;
  }
  return without_negative_zero(a) == without_negative_zero(b);
}

bool Meta::same_as(const Meta& other) const {
  if (this == &other) return true;
  if (hash_ == other.hash_ && text_ == other.text_) return true;
  return form_ == other.form_ && same_value(text_, other.text_);
}

}  // namespace smtptape
