// The metadata of a session (`conn_meta`) as it stood at one event.
//
// About 70 % of the wire is metadata, repeated whole in every event although it changes about
// twice a message.  So each distinct text becomes one immutable Meta, and events refer to it: a
// filter is decided once per Meta, the renderer compares references first, a tape stores deltas.
//
// Threads: nothing that is seen changes after construction; the reference count is atomic.  An
// EventBatch keeps its metas alive; whoever remembers one for longer holds a MetaPtr.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

namespace smtptape {

class Meta;
struct JsonSpan;
using MetaPtr = boost::intrusive_ptr<const Meta>;

class Meta : public boost::intrusive_ref_counter<Meta, boost::thread_safe_counter> {
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

  // `json` is any JSON text; it is brought into serde_json's form (of duplicate keys the last one
  // wins).  A null pointer when it is not valid JSON by serde_json's rules.  `outer_depth`: how
  // many containers the text was cut out of.
  [[nodiscard]] static MetaPtr parse(std::string_view json, int outer_depth = 0);

  // What a tape stores: the entries of a parent with some replaced, added or removed.  `set` is
  // ascending by key, as is `removed`; values are trusted to be JSON in serde_json's form.
  [[nodiscard]] static MetaPtr derive(const Meta* parent,
                                      const std::vector<Entry>& set,
                                      const std::vector<std::string_view>& removed);
  [[nodiscard]] static MetaPtr null();
  [[nodiscard]] static MetaPtr other(std::string_view json);

  [[nodiscard]] Form form() const { return form_; }
  // The whole value in serde_json's form.
  [[nodiscard]] std::string_view text() const { return text_; }
  // Object only (else empty): ascending by the bytes of the key.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  // The value's JSON; nullopt when there is no such key (or no object).
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const;

  // kcli's key of a session: the string `id`, unescaped; empty for null; nullopt where kcli ends
  // with an error.  An array whose only element is a string uses that string, as kcli does.
  [[nodiscard]] const std::optional<std::string>& session_id() const { return session_id_; }

  // Unique in this process, ascending by creation: the key of MetaMemo.
  [[nodiscard]] std::uint64_t serial() const { return serial_; }
  // XXH3-64 of text().  Found out when it is first asked for: most metas of a tape never are.
  [[nodiscard]] std::uint64_t hash() const;

  // JSON equality of two values in serde_json's form (0.0 equals -0.0).
  [[nodiscard]] static bool same_value(std::string_view a, std::string_view b);
  [[nodiscard]] bool same_as(const Meta& other) const;

  Meta(const Meta&) = delete;
  Meta& operator=(const Meta&) = delete;
  ~Meta() = default;

 private:
  class Builder;
  class Splicer;
  Meta();
  static const Meta& empty_object();
  // What derive() makes, by either of these.
  template <class Writer>
  static void merge(Writer out,
                    const std::vector<Entry>& set,
                    const std::vector<std::string_view>& removed);
  // Of an object: makes the entries from where they stand in text_, which no longer changes.
  void finish_object(std::span<const JsonSpan> spans);
  void find_session_id();
  void unescape_keys();

  Form form_ = Form::Null;
  bool any_key_escaped_ = false;
  std::string text_;
  std::string unescaped_keys_;  // of the keys that need escapes in JSON, one after another
  std::vector<Entry> entries_;
  std::optional<std::string> session_id_;
  std::uint64_t serial_;
  mutable std::atomic<std::uint64_t> hash_{0};  // 0: not known yet
};

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
