// The metadata of a session (`conn_meta`) as it stood at one event.
//
// About 70 % of the wire is metadata, repeated whole in every event although it changes about
// twice a message.  So each distinct text becomes one immutable Meta, and events refer to it: a
// filter is decided once per Meta, the renderer compares references first, a tape stores deltas.
//
// A Meta, the places of its entries and its text are one piece of memory: there may be one for
// every second event, and what is allocated, freed and touched for each counts.  Those of a group
// of a tape come from a MetaArena and go together: any of them keeps all of them.
//
// Threads: nothing that is seen changes after construction; the reference count is atomic.  An
// EventBatch keeps its metas alive; whoever remembers one for longer holds a MetaPtr, and for much
// longer one that kept() gave.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "base/large_blocks.h"

namespace smtptape {

class Meta;
using MetaPtr = boost::intrusive_ptr<const Meta>;

// Memory of metas that are made together.  Whoever makes them is one thread at a time.
class MetaArena : public boost::intrusive_ref_counter<MetaArena, boost::thread_safe_counter> {
 public:
  [[nodiscard]] void* allocate(std::size_t size);

 private:
  void grow(std::size_t size);

  std::vector<std::unique_ptr<char[]>> others_;  // the first, which is small, and very large ones
  std::vector<LargeBlock> blocks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

class Meta {
 public:
  enum class Form : std::uint8_t {
    Object,
    Null,   // lag notices
    Other,  // any other JSON value; KumoMTA sends none
  };

  // One key and its value.  Views live as long as the Meta.
  struct Entry {
    std::string_view key;   // unescaped
    std::string_view json;  // the value as serde_json writes it: compact, keys sorted at all depths
  };

  class Entries;

  // `json` is any JSON text; it is brought into serde_json's form (of duplicate keys the last one
  // wins).  A null pointer when it is not valid JSON by serde_json's rules.  `outer_depth`: how
  // many containers the text was cut out of.
  [[nodiscard]] static MetaPtr parse(std::string_view json, int outer_depth = 0);

  // What a tape stores: the entries of a parent with some replaced, added or removed.  `set` is
  // ascending by key, as is `removed`; values are trusted to be JSON in serde_json's form.
  [[nodiscard]] static MetaPtr derive(const Meta* parent,
                                      const std::vector<Entry>& set,
                                      const std::vector<std::string_view>& removed,
                                      MetaArena* arena = nullptr);
  [[nodiscard]] static MetaPtr null();
  [[nodiscard]] static MetaPtr other(std::string_view json);

  [[nodiscard]] Form form() const { return form_; }
  // The whole value in serde_json's form.
  [[nodiscard]] std::string_view text() const { return {bytes(), text_size_}; }
  // Object only (else empty): ascending by the bytes of the key.
  [[nodiscard]] Entries entries() const;
  // The value's JSON; nullopt when there is no such key (or no object).
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const;

  // kcli's key of a session: the string `id`, unescaped; empty for null; nullopt where kcli ends
  // with an error.  An array whose only element is a string uses that string, as kcli does.
  [[nodiscard]] std::optional<std::string_view> session_id() const {
    if (id_at_ == kNone) return std::nullopt;
    return std::string_view(bytes() + id_at_, id_size_);
  }

  // Unique in this process, ascending by creation: the key of MetaMemo.
  [[nodiscard]] std::uint64_t serial() const { return serial_; }
  // XXH3-64 of text().  Found out when it is first asked for: most metas of a tape never are.
  [[nodiscard]] std::uint64_t hash() const;

  // JSON equality of two values in serde_json's form (0.0 equals -0.0).
  [[nodiscard]] static bool same_value(std::string_view a, std::string_view b);
  [[nodiscard]] bool same_as(const Meta& other) const;

  // The same for those who remember it for long: one that keeps no others.
  [[nodiscard]] MetaPtr kept() const;

  Meta(const Meta&) = delete;
  Meta& operator=(const Meta&) = delete;
  ~Meta() = default;
  static void operator delete(void* meta) { ::operator delete(meta); }

  friend void intrusive_ptr_add_ref(const Meta* meta) noexcept {
    if (meta->arena_ != nullptr) return intrusive_ptr_add_ref(meta->arena_);
    meta->references_.fetch_add(1, std::memory_order_relaxed);
  }
  friend void intrusive_ptr_release(const Meta* meta) noexcept {
    if (meta->arena_ != nullptr) return intrusive_ptr_release(meta->arena_);
    if (meta->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete meta;
  }

 private:
  class TextWriter;
  class Builder;
  class Splicer;

  // Where an entry stands among the bytes; as many follow this object as there is room for, then
  // the bytes: the text, and behind it what had to be unescaped.
  struct Place {
    std::uint32_t key_at;
    std::uint32_t key_size;
    std::uint32_t json_at;
    std::uint32_t json_size;
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  Meta(std::uint32_t room, MetaArena* arena) noexcept;
  // For so many entries and bytes, at most.
  static boost::intrusive_ptr<Meta> with_room(std::size_t entries,
                                              std::size_t bytes,
                                              MetaArena* arena = nullptr);
  static boost::intrusive_ptr<Meta> of_text(Form form, std::string_view text, std::size_t more);
  static const Meta& empty_object();
  [[nodiscard]] const Place* places() const { return reinterpret_cast<const Place*>(this + 1); }
  [[nodiscard]] Place* places() { return reinterpret_cast<Place*>(this + 1); }
  [[nodiscard]] const char* bytes() const {
    return reinterpret_cast<const char*>(places() + room_);
  }
  [[nodiscard]] char* bytes() { return reinterpret_cast<char*>(places() + room_); }
  // What derive() makes, by either of these.
  template <class Writer>
  static void merge(Writer out,
                    const std::vector<Entry>& set,
                    const std::vector<std::string_view>& removed);
  // Of an object, when its entries are there.  `end`: where nothing was written yet.
  void finish_object(char* end);
  // Returns the end of what it wrote.
  char* find_session_id(char* end);

  MetaArena* const arena_;  // that it lies in, and that counts its references
  mutable std::atomic<std::uint32_t> references_{0};
  Form form_ = Form::Null;
  bool any_key_escaped_ = false;
  const std::uint32_t room_;  // for entries
  std::uint32_t count_ = 0;   // of them
  std::uint32_t text_size_ = 0;
  std::uint32_t size_ = 0;          // of an object: of all bytes
  std::uint32_t id_entry_ = kNone;  // which one has the key `id`
  std::uint32_t id_at_ = kNone;     // of session_id(), among the bytes
  std::uint32_t id_size_ = 0;
  const std::uint64_t serial_;
  mutable std::atomic<std::uint64_t> hash_{0};  // 0: not known yet
};

// A range of entries, made as one looks at them.
class Meta::Entries {
 public:
  class Iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using reference = Entry;
    struct pointer {
      Entry entry;
      const Entry* operator->() const { return &entry; }
    };

    Iterator() = default;
    Iterator(const Place* place, const char* bytes) : place_(place), bytes_(bytes) {}
    Entry operator*() const {
      return {{bytes_ + place_->key_at, place_->key_size},
              {bytes_ + place_->json_at, place_->json_size}};
    }
    pointer operator->() const { return {**this}; }
    Entry operator[](difference_type by) const { return *(*this + by); }
    Iterator& operator+=(difference_type by) {
      place_ += by;
      return *this;
    }
    Iterator& operator-=(difference_type by) { return *this += -by; }
    Iterator& operator++() { return *this += 1; }
    Iterator& operator--() { return *this += -1; }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    friend Iterator operator+(Iterator at, difference_type by) { return at += by; }
    friend Iterator operator-(Iterator at, difference_type by) { return at -= by; }
    friend difference_type operator-(Iterator a, Iterator b) { return a.place_ - b.place_; }
    friend bool operator==(Iterator a, Iterator b) { return a.place_ == b.place_; }
    friend auto operator<=>(Iterator a, Iterator b) { return a.place_ <=> b.place_; }

   private:
    const Place* place_ = nullptr;
    const char* bytes_ = nullptr;
  };
  using const_iterator = Iterator;

  Entries() = default;  // none
  Entries(const Place* first, std::size_t count, const char* bytes)
      : first_(first), count_(count), bytes_(bytes) {}
  [[nodiscard]] Iterator begin() const { return {first_, bytes_}; }
  [[nodiscard]] Iterator end() const { return {first_ + count_, bytes_}; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] Entry operator[](std::size_t i) const {
    return begin()[static_cast<std::ptrdiff_t>(i)];
  }

 private:
  const Place* first_ = nullptr;
  std::size_t count_ = 0;
  const char* bytes_ = nullptr;
};

inline Meta::Entries Meta::entries() const {
  return {places(), count_, bytes()};
}

// For hash tables of metas in which a text occurs once; they can be asked for a text, too.
struct MetaText {
  std::uint64_t hash;  // XXH3-64 of the text
  std::string_view text;
  MetaText(std::uint64_t hash_of_text, std::string_view of) : hash(hash_of_text), text(of) {}
  MetaText(const MetaPtr& meta) : hash(meta->hash()), text(meta->text()) {}  // NOLINT: meant so
};
struct MetaTextHash {
  using is_transparent = void;
  using is_avalanching = void;
  std::size_t operator()(const MetaText& key) const { return key.hash; }
};
struct SameMetaText {
  using is_transparent = void;
  bool operator()(const MetaText& a, const MetaText& b) const {
    return a.hash == b.hash && a.text == b.text;
  }
};

// A bounded cache of something decided once per Meta, forgetting at will: a miss only costs time.
// It takes no room until something is remembered: an idle recorder has two of them for each source.
template <class Value>
class MetaMemo {
 public:
  // The remembered value; null when it has to be decided (again).
  [[nodiscard]] const Value* find(const Meta& meta) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[meta.serial() % kSlots];
    return slot.serial == meta.serial() ? &slot.value : nullptr;
  }
  const Value& remember(const Meta& meta, Value value) {
    if (slots_.empty()) slots_.resize(kSlots);
    Slot& slot = slots_[meta.serial() % kSlots];
    slot = {meta.serial(), value};
    return slot.value;
  }
  void forget_all() { std::fill(slots_.begin(), slots_.end(), Slot{}); }

 private:
  static constexpr std::size_t kSlots = 1 << 15;
  struct Slot {
    std::uint64_t serial = 0;  // serials start at 1
    Value value{};
  };
  std::vector<Slot> slots_;  // none yet, or kSlots
};

}  // namespace smtptape
