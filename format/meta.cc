#include "format/meta.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <span>
#include <utility>

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

void* MetaArena::allocate(std::size_t size) {
  // What is large gets its own: a block's end that it doesn't fit into is lost.
  constexpr std::size_t kMost = kLargeBlock / 16;
  if (size > kMost) return others_.emplace_back(new char[size]).get();
  size = (size + 7) & ~std::size_t{7};
  if (size > left_) grow(size);
  left_ -= size;
  return std::exchange(next_, next_ + size);
}

// The first block is small: of many groups only few metas are made.
void MetaArena::grow(std::size_t size) {
  constexpr std::size_t kFirst = 64 << 10;
  if (others_.empty()) {
    left_ = kFirst;
    next_ = others_.emplace_back(new char[left_]).get();
  } else {
    left_ = kLargeBlock;
    next_ = blocks_.emplace_back(take_large_block()).get();
  }
  if (size > left_) grow(size);
}

Meta::Meta(std::uint32_t room, MetaArena* arena) noexcept
    : arena_(arena), room_(room), serial_(next_serial.fetch_add(1, std::memory_order_relaxed)) {
}

namespace {
// Metadata is a part of a frame, which is under 512 MiB.
std::uint32_t narrow(std::size_t size) {
  return static_cast<std::uint32_t>(size);
}

// Behind the bytes: the start of a key is read eight bytes at a time.
constexpr std::size_t kReadBeyond = 8;
}  // namespace

boost::intrusive_ptr<Meta> Meta::with_room(std::size_t entries,
                                           std::size_t bytes,
                                           MetaArena* arena) {
  const std::size_t size = sizeof(Meta) + entries * sizeof(Place) + bytes + kReadBeyond;
  void* const memory = arena == nullptr ? ::operator new(size) : arena->allocate(size);
  return ::new (memory) Meta(narrow(entries), arena);
}

// `more`: room behind the text.
boost::intrusive_ptr<Meta> Meta::of_text(Form form, std::string_view text, std::size_t more) {
  auto meta = with_room(0, text.size() + more);
  meta->form_ = form;
  meta->text_size_ = meta->size_ = narrow(text.size());
  std::memcpy(meta->bytes(), text.data(), text.size());
  return meta;
}

// Writes the text of an object, entry by entry.
class Meta::TextWriter {
 public:
  explicit TextWriter(Meta& meta) : meta_(meta), to_(meta.bytes()) {
    meta_.form_ = Form::Object;
    *to_++ = '{';
  }

 protected:
  void start_entry() {
    if (meta_.count_ > 0) *to_++ = ',';
  }
  // Returns where it stands.
  std::uint32_t write(std::string_view text) {
    const std::uint32_t at = place();
    if (!text.empty()) std::memcpy(to_, text.data(), text.size());
    to_ += text.size();
    return at;
  }
  // The key as JSON has it, without its quotes; `key` as it is looked for.
  void write_entry(std::string_view key_in_json, std::string_view key, std::string_view json) {
    start_entry();
    *to_++ = '"';
    const std::uint32_t key_at = write(key_in_json);
    *to_++ = '"';
    *to_++ = ':';
    const std::uint32_t json_at = write(json);
    if (key == "id") meta_.id_entry_ = meta_.count_;
    meta_.places()[meta_.count_++] = {
        key_at, narrow(key_in_json.size()), json_at, narrow(json.size())};
  }
  void end_text() {
    *to_++ = '}';
    meta_.text_size_ = place();
  }
  [[nodiscard]] std::uint32_t place() const {
    return narrow(static_cast<std::size_t>(to_ - meta_.bytes()));
  }

  Meta& meta_;
  char* to_;
};

// Whatever the keys.
class Meta::Builder : public TextWriter {
 public:
  // There has to be room for each key once more.
  Builder(Meta& meta, const Meta& parent) : TextWriter(meta), old_(parent.entries()) {}

  // Copies the parent's entries before this key; then whether the next one has it.
  bool copy_up_to(std::string_view key) {
    for (; next_ < old_.size() && old_[next_].key < key; ++next_)
      add(old_[next_].key, old_[next_].json);
    return next_ < old_.size() && old_[next_].key == key;
  }
  void skip() { ++next_; }

  void add(std::string_view key, std::string_view json) {
    std::string in_json;
    append_json_escaped(in_json, key);
    if (in_json != key) unescaped_.push_back({meta_.count_, std::string(key)});
    write_entry(in_json, key, json);
  }

  void finish() {
    for (; next_ < old_.size(); ++next_)
      add(old_[next_].key, old_[next_].json);
    end_text();
    for (const auto& [entry, key] : unescaped_) {
      meta_.places()[entry].key_at = write(key);
      meta_.places()[entry].key_size = narrow(key.size());
    }
    meta_.any_key_escaped_ = !unescaped_.empty();
    meta_.finish_object(to_);
  }

 private:
  const Entries old_;
  std::size_t next_ = 0;                                          // of these
  std::vector<std::pair<std::uint32_t, std::string>> unescaped_;  // by entry
};

// Keys that need no escapes, as is so of the parent: what both have is copied from the parent's
// text, many entries at once.
class Meta::Splicer : public TextWriter {
 public:
  Splicer(Meta& meta, const Meta& parent) : TextWriter(meta), old_(parent) {}

  // Copies the parent's entries before this key; then whether the next one has it.
  bool copy_up_to(std::string_view key) {
    const std::uint64_t start = start_of(key.data(), std::min(key.size(), kReadBeyond));
    std::uint32_t end = next_;
    int order = -1;
    for (; end < old_.count_; ++end) {
      order = compare(old_.places()[end], start, key);
      if (order >= 0) break;
    }
    copy(end);
    return order == 0;
  }
  void skip() { ++next_; }

  void add(std::string_view key, std::string_view json) { write_entry(key, key, json); }

  void finish() {
    copy(old_.count_);
    end_text();
    meta_.finish_object(to_);
  }

 private:
  // Its first bytes as a number of the same order; what is missing is zero.
  static std::uint64_t start_of(const char* text, std::size_t size) {
    std::uint64_t start = 0;
    if (size > 0) std::memcpy(&start, text, size);
    return __builtin_bswap64(start);
  }

  // Most keys differ in their first bytes.
  [[nodiscard]] int compare(const Place& place, std::uint64_t start, std::string_view key) const {
    const char* const old = old_.bytes() + place.key_at;
    std::uint64_t old_start = start_of(old, kReadBeyond);
    if (place.key_size < kReadBeyond) {
      old_start &= place.key_size == 0 ? 0 : ~std::uint64_t{0} << (64 - 8 * place.key_size);
    }
    if (old_start != start) return old_start < start ? -1 : 1;
    return std::string_view(old, place.key_size).compare(key);
  }

  // The entries from the next one on.
  void copy(std::uint32_t end) {
    if (next_ == end) return;
    start_entry();
    const Place& first = old_.places()[next_];
    const Place& last = old_.places()[end - 1];
    const std::uint32_t from = first.key_at - 1;  // the quote before it
    const std::uint32_t to = write({old_.bytes() + from, last.json_at + last.json_size - from});
    if (old_.id_entry_ - next_ < end - next_) {
      meta_.id_entry_ = meta_.count_ + old_.id_entry_ - next_;
    }
    const std::uint32_t by = to - from;  // modulo 2^32
    Place* place = meta_.places() + meta_.count_;
    meta_.count_ += end - next_;
    for (; next_ < end; ++next_, ++place) {
      const Place& old = old_.places()[next_];
      *place = {old.key_at + by, old.key_size, old.json_at + by, old.json_size};
    }
  }

  const Meta& old_;
  std::uint32_t next_ = 0;  // of its entries
};

const Meta& Meta::empty_object() {
  static const MetaPtr kEmpty = parse("{}");
  return *kEmpty;
}

MetaPtr Meta::parse(std::string_view json, int outer_depth) {
  std::array<JsonSpan, kUsualEntries> room;
  if (const auto count = split_canonical_object(json, outer_depth, room)) {
    // Once more for an id that has escapes.
    auto meta = with_room(*count, json.size() + (json.find('\\') != json.npos ? json.size() : 0));
    meta->form_ = Form::Object;
    meta->text_size_ = narrow(json.size());
    std::memcpy(meta->bytes(), json.data(), json.size());
    for (const JsonSpan& span : std::span(room).first(*count)) {
      if (json.substr(span.key_at, span.key_size) == "id") meta->id_entry_ = meta->count_;
      meta->places()[meta->count_++] = {span.key_at, span.key_size, span.value_at, span.value_size};
    }
    meta->finish_object(meta->bytes() + json.size());
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
  std::size_t size = 2;
  for (const JsonMember& member : members)
    size += 2 * json_escaped_size(member.key) + 2 * member.json.size() + 4;
  auto meta = with_room(members.size(), size);
  static const MetaPtr kNothing = of_text(Form::Object, "{}", 0);
  Builder builder(*meta, *kNothing);
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
                     const std::vector<std::string_view>& removed,
                     MetaArena* arena) {
  const bool is_object = parent != nullptr && parent->form_ == Form::Object;
  const Meta& old = is_object ? *parent : empty_object();
  std::size_t size = old.text_size_;
  bool plain = !old.any_key_escaped_;
  // Behind the text stands an id that has escapes.
  std::size_t behind = old.id_at_ != kNone && old.id_at_ >= old.text_size_ ? old.id_size_ : 0;
  for (const Entry& entry : set) {
    const std::size_t key_size = json_escaped_size(entry.key);
    plain = plain && key_size == entry.key.size();
    size += key_size + entry.json.size() + 4;
    if (entry.key == "id") behind += entry.json.size();
  }
  const std::size_t entries = old.count_ + set.size();
  if (plain) {
    auto meta = with_room(entries, size + behind, arena);
    merge(Splicer(*meta, old), set, removed);
    return meta;
  }
  auto meta = with_room(entries, 2 * size + behind, arena);
  merge(Builder(*meta, old), set, removed);
  return meta;
}

MetaPtr Meta::kept() const {
  if (arena_ == nullptr) return this;
  auto meta = with_room(count_, size_);
  meta->form_ = form_;
  meta->any_key_escaped_ = any_key_escaped_;
  meta->count_ = count_;
  meta->text_size_ = text_size_;
  meta->size_ = size_;
  meta->id_entry_ = id_entry_;
  meta->id_at_ = id_at_;
  meta->id_size_ = id_size_;
  std::memcpy(meta->places(), places(), count_ * sizeof(Place));
  std::memcpy(meta->bytes(), bytes(), size_);
  return meta;
}

MetaPtr Meta::null() {
  static const MetaPtr kNull = [] {
    auto meta = of_text(Form::Null, "null", 0);
    meta->id_at_ = 0;
    return meta;
  }();
  return kNull;
}

MetaPtr Meta::other(std::string_view json) {
  JsonReader reader(json);
  std::string id;
  const bool has_id = reader.peek() == JsonReader::Type::Array && reader.enter_array() &&
                      reader.next_element() && reader.peek() == JsonReader::Type::String &&
                      reader.read_string(id) && !reader.next_element() && !reader.failed();
  auto meta = of_text(Form::Other, json, id.size());
  if (!has_id) return meta;
  meta->id_at_ = meta->text_size_;
  meta->id_size_ = narrow(id.size());
  std::memcpy(meta->bytes() + meta->id_at_, id.data(), id.size());
  return meta;
}

std::uint64_t Meta::hash() const {
  std::uint64_t hash = hash_.load(std::memory_order_relaxed);
  if (hash == 0) {
    hash = hash64(text());
    hash_.store(hash, std::memory_order_relaxed);  // whoever comes second stores the same
  }
  return hash;
}

void Meta::finish_object(char* end) {
  size_ = narrow(static_cast<std::size_t>(find_session_id(end) - bytes()));
}

char* Meta::find_session_id(char* end) {
  if (id_entry_ == kNone) return end;
  const Place& place = places()[id_entry_];
  const std::string_view json(bytes() + place.json_at, place.json_size);
  if (!json.starts_with('"') || json.size() < 2) return end;
  id_at_ = place.json_at + 1;
  id_size_ = place.json_size - 2;
  if (json.find('\\') == std::string_view::npos) return end;
  const std::string id = unescaped(json);
  std::memcpy(end, id.data(), id.size());
  id_at_ = narrow(static_cast<std::size_t>(end - bytes()));
  id_size_ = narrow(id.size());
  return end + id.size();
}

std::optional<std::string_view> Meta::find(std::string_view key) const {
  const Entries all = entries();
  const auto found = std::lower_bound(
      all.begin(), all.end(), key, [](const Entry& entry, std::string_view wanted) {
        return entry.key < wanted;
      });
  if (found == all.end() || found->key != key) return std::nullopt;
  return (*found).json;
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
  if (text() == other.text()) return true;
  return form_ == other.form_ && same_value(text(), other.text());
}

}  // namespace smtptape
