#include "format/meta.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "base/hash.h"
#include "format/wire/json.h"

namespace smtptape {

namespace {
std::atomic<std::uint64_t> next_serial{1};

// KumoMTA sends about fifteen; more only take longer to read.
constexpr std::size_t kUsualEntries = 48;

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

// Writes the text of an object entry by entry, whatever the keys.
class Meta::Builder {
 public:
  // `bytes` and `entries`: at most so much is to come.
  Builder(Meta& meta, const Meta& parent, std::size_t bytes, std::size_t entries)
      : meta_(meta), old_(parent.entries_) {
    meta_.text_.reserve(bytes);
    meta_.text_.push_back('{');
    spans_.reserve(entries);
  }

  // Copies the parent's entries before this key; then whether the next one has it.
  bool copy_up_to(std::string_view key) {
    for (; next_ < old_.size() && old_[next_].key < key; ++next_)
      add(old_[next_].key, old_[next_].json);
    return next_ < old_.size() && old_[next_].key == key;
  }
  void skip() { ++next_; }

  void add(std::string_view key, std::string_view json) {
    std::string& text = meta_.text_;
    if (!spans_.empty()) text.push_back(',');
    const std::size_t key_at = text.size() + 1;
    append_json_string(text, key);
    const std::size_t key_size = text.size() - 1 - key_at;
    text.push_back(':');
    spans_.push_back({narrow(key_at), narrow(key_size), narrow(text.size()), narrow(json.size())});
    text.append(json);
  }

  void finish() {
    for (; next_ < old_.size(); ++next_)
      add(old_[next_].key, old_[next_].json);
    meta_.text_.push_back('}');
    meta_.finish_object(spans_);
  }

 private:
  // Metadata is a part of a frame, which is under 512 MiB.
  static std::uint32_t narrow(std::size_t size) { return static_cast<std::uint32_t>(size); }

  Meta& meta_;
  const std::vector<Entry>& old_;
  std::size_t next_ = 0;  // of these
  std::vector<JsonSpan> spans_;
};

// Writes the text of an object whose keys need no escapes, as is so of its parent: what both have
// is copied from the parent's text, many entries at once.
class Meta::Splicer {
 public:
  Splicer(Meta& meta, const Meta& parent, std::size_t bytes, std::size_t entries)
      : meta_(meta), old_(parent.entries_) {
    meta_.form_ = Form::Object;
    meta_.text_.reserve(bytes);  // never moves: entries point into it from the start
    meta_.text_.push_back('{');
    meta_.entries_.reserve(entries);
  }

  // Copies the parent's entries before this key; then whether the next one has it.
  bool copy_up_to(std::string_view key) {
    std::size_t end = next_;
    int order = -1;
    for (; end < old_.size(); ++end) {
      order = old_[end].key.compare(key);
      if (order >= 0) break;
    }
    copy(end);
    return order == 0;
  }
  void skip() { ++next_; }

  void add(std::string_view key, std::string_view json) {
    start_entry();
    meta_.text_.push_back('"');
    const std::string_view new_key = append(key);
    meta_.text_.append("\":");
    meta_.entries_.push_back({new_key, append(json)});
  }

  void finish() {
    copy(old_.size());
    meta_.text_.push_back('}');
    meta_.find_session_id();
  }

 private:
  void start_entry() {
    if (!meta_.entries_.empty()) meta_.text_.push_back(',');
  }

  std::string_view append(std::string_view text) {
    const std::size_t at = meta_.text_.size();
    meta_.text_.append(text);
    return std::string_view(meta_.text_).substr(at);
  }

  void copy(std::size_t end) {
    if (next_ == end) return;
    start_entry();
    const char* const from = old_[next_].key.data() - 1;  // the quote before it
    const std::string_view last = old_[end - 1].json;
    const char* const to =
        append({from, static_cast<std::size_t>(last.data() + last.size() - from)}).data();
    std::size_t at = meta_.entries_.size();
    meta_.entries_.resize(at + end - next_);
    for (; next_ < end; ++next_, ++at) {
      const auto& [key, json] = old_[next_];
      meta_.entries_[at] = {{to + (key.data() - from), key.size()},
                            {to + (json.data() - from), json.size()}};
    }
  }

  Meta& meta_;
  const std::vector<Entry>& old_;
  std::size_t next_ = 0;  // of these
};

const Meta& Meta::empty_object() {
  static const MetaPtr kEmpty = parse("{}");
  return *kEmpty;
}

MetaPtr Meta::parse(std::string_view json, int outer_depth) {
  std::array<JsonSpan, kUsualEntries> room;
  if (const auto count = split_canonical_object(json, outer_depth, room)) {
    boost::intrusive_ptr<Meta> meta(new Meta);
    meta->text_.assign(json);
    meta->finish_object({room.data(), *count});
    return meta;
  }
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
  Builder builder(*meta, empty_object(), json.size(), members.size());
  for (const JsonMember& member : members)
    builder.add(member.key, member.json);
  builder.finish();
  return meta;
}

template <class Writer>
void Meta::merge(Writer out,
                 const std::vector<Entry>& set,
                 const std::vector<std::string_view>& removed) {
  auto next_removed = removed.begin();
  for (const Entry& entry : set) {
    for (; next_removed != removed.end() && *next_removed < entry.key; ++next_removed) {
      if (out.copy_up_to(*next_removed)) out.skip();
    }
    if (out.copy_up_to(entry.key)) out.skip();
    out.add(entry.key, entry.json);
  }
  for (; next_removed != removed.end(); ++next_removed) {
    if (out.copy_up_to(*next_removed)) out.skip();
  }
  out.finish();
}

MetaPtr Meta::derive(const Meta* parent,
                     const std::vector<Entry>& set,
                     const std::vector<std::string_view>& removed) {
  boost::intrusive_ptr<Meta> meta(new Meta);
  const Meta& old = parent == nullptr ? empty_object() : *parent;
  std::size_t size = old.text().size();
  bool plain = !old.any_key_escaped_;
  for (const Entry& entry : set) {
    const std::size_t key_size = json_escaped_size(entry.key);
    plain = plain && key_size == entry.key.size();
    size += key_size + entry.json.size() + 4;
  }
  const std::size_t entries = old.entries().size() + set.size();
  if (plain) {
    merge(Splicer(*meta, old, size, entries), set, removed);
  } else {
    merge(Builder(*meta, old, size, entries), set, removed);
  }
  return meta;
}

MetaPtr Meta::null() {
  static const MetaPtr kNull = [] {
    boost::intrusive_ptr<Meta> meta(new Meta);
    meta->form_ = Form::Null;
    meta->text_ = "null";
    meta->session_id_ = std::string();
    return meta;
  }();
  return kNull;
}

MetaPtr Meta::other(std::string_view json) {
  boost::intrusive_ptr<Meta> meta(new Meta);
  meta->form_ = Form::Other;
  meta->text_ = json;
  JsonReader reader(meta->text_);
  std::string id;
  if (reader.peek() == JsonReader::Type::Array && reader.enter_array() && reader.next_element() &&
      reader.peek() == JsonReader::Type::String && reader.read_string(id) &&
      !reader.next_element() && !reader.failed()) {
    meta->session_id_ = std::move(id);
  }
  return meta;
}

void Meta::finish_object(std::span<const JsonSpan> spans) {
  form_ = Form::Object;
  const std::string_view text = text_;
  entries_.reserve(spans.size());
  for (const JsonSpan& span : spans) {
    const std::string_view key = text.substr(span.key_at, span.key_size);
    any_key_escaped_ = any_key_escaped_ || key.find('\\') != std::string_view::npos;
    entries_.push_back({key, text.substr(span.value_at, span.value_size)});
  }
  if (any_key_escaped_) unescape_keys();
  find_session_id();
}

std::uint64_t Meta::hash() const {
  std::uint64_t hash = hash_.load(std::memory_order_relaxed);
  if (hash == 0) {
    hash = hash64(text_);
    hash_.store(hash, std::memory_order_relaxed);  // whoever comes second stores the same
  }
  return hash;
}

void Meta::find_session_id() {
  const auto id = find("id");
  if (!id || !id->starts_with('"')) return;
  const std::string_view inside = id->substr(1, id->size() - 2);
  session_id_ = inside.find('\\') == std::string_view::npos ? std::string(inside) : unescaped(*id);
}

void Meta::unescape_keys() {
  std::size_t most = 0;
  for (const Entry& entry : entries_)
    most += entry.key.size();
  unescaped_keys_.reserve(most);  // never longer than with escapes: the views stay where they are
  for (Entry& entry : entries_) {
    if (entry.key.find('\\') == std::string_view::npos) continue;
    const std::size_t at = unescaped_keys_.size();
    unescaped_keys_.append(unescaped('"' + std::string(entry.key) + '"'));
    entry.key = std::string_view(unescaped_keys_).substr(at);
  }
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
  if (text_ == other.text_) return true;
  return form_ == other.form_ && same_value(text_, other.text_);
}

}  // namespace smtptape
