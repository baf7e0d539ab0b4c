// Frame text to Event.
//
// Two ways lead to the same result.  The quick one knows exactly the form in which KumoMTA writes:
// it finds the end of conn_meta by its brace, `when` from the frame's end, and checks every byte
// of the payload while unescaping it; metadata is checked once per distinct text.  Whatever does
// not fit takes the careful way: read the frame as serde_json would, build the event, and see
// whether encoding it gives the frame back.
#include <cstring>

#include <boost/unordered/unordered_flat_set.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "format/limits.h"
#include "format/wire/json.h"
#include "format/wire/quick_payload.h"
#include "format/wire/text_scan.h"
#include "format/wire/wire.h"

namespace smtptape {

namespace {

constexpr std::string_view kMetaStart = R"({"conn_meta":)";
constexpr std::string_view kPayloadStart = R"(,"payload":)";
constexpr std::string_view kWhenStart = R"(,"when":")";
constexpr std::string_view kFrameEnd = "Z\"}";

// Distinct metadata lately seen.  All of it is dropped when it has grown past the bound: events
// that still refer to it keep it alive through the generation they were decoded in.
class MetaTable {
 public:
  static constexpr std::size_t kMostBytes = 16 * kMiB;

  // `text` must be in serde_json's form, or null is returned; the careful way interns what
  // Meta::parse made of other texts.
  const Meta* intern_exact(std::string_view text, EventBatch& batch) {
    const std::uint64_t hash = hash64(text);
    if (const Meta* known = find(hash, text)) return use(known, batch);
    MetaPtr meta = Meta::parse(text, 1);
    if (meta == nullptr || meta->text() != text || !is_utf8(text)) return nullptr;
    return use(add(std::move(meta)), batch);
  }

  const Meta* intern(MetaPtr meta, EventBatch& batch) {
    if (const Meta* known = find(meta->hash(), meta->text())) return use(known, batch);
    return use(add(std::move(meta)), batch);
  }

  [[nodiscard]] std::size_t size() const { return generation_->size(); }

 private:
  using Generation = boost::unordered_flat_set<MetaPtr, MetaTextHash, SameMetaText>;

  const Meta* find(std::uint64_t hash, std::string_view text) const {
    const auto found = generation_->find(MetaText(hash, text));
    return found == generation_->end() ? nullptr : found->get();
  }

  const Meta* add(MetaPtr meta) {
    bytes_ += meta->text().size() * 2 + 512;
    if (bytes_ > kMostBytes) {
      generation_ = std::make_shared<Generation>();
      bytes_ = meta->text().size() * 2 + 512;
    }
    return generation_->insert(std::move(meta)).first->get();
  }

  const Meta* use(const Meta* meta, EventBatch& batch) {
    if (batch.pins.empty() || batch.pins.back() != generation_) batch.pins.push_back(generation_);
    return meta;
  }

  std::shared_ptr<Generation> generation_ = std::make_shared<Generation>();
  std::size_t bytes_ = 0;
};

// `when` in the form serde_json writes.  Feeds are in time order, so the date and minute are
// those of the frame before, most of the time.
class WhenReader {
 public:
  // `text` without the final Z.
  bool read(std::string_view text, WallTime& out) {
    if (text.size() < kSecondsAt + 2 || text.substr(0, kSecondsAt) != minute_text_) {
      if (!read_minute(text)) return false;
    }
    const std::uint32_t second = two_digits(text.data() + kSecondsAt);
    if (second > 59) return false;
    std::uint32_t nanos = 0;
    if (text.size() > kSecondsAt + 2 && !read_fraction(text.substr(kSecondsAt + 2), nanos)) {
      return false;
    }
    out = {minute_seconds_ + second, nanos};
    return true;
  }

 private:
  static constexpr std::size_t kSecondsAt = 17;  // "2026-08-04T21:00:"

  // Over 99 when they are not digits.
  static std::uint32_t two_digits(const char* at) {
    const auto tens = static_cast<std::uint32_t>(at[0] - '0');
    const auto ones = static_cast<std::uint32_t>(at[1] - '0');
    return tens > 9 || ones > 9 ? 1000 : tens * 10 + ones;
  }

  bool read_minute(std::string_view text) {
    if (text.size() < kSecondsAt + 2) return false;
    const std::string whole(text.substr(0, kSecondsAt));
    const auto time = parse_wire_time(whole + "00Z");
    if (!time) return false;
    std::string again;
    append_wire_time(again, *time);
    if (again != whole + "00Z") return false;
    if (!to_unix_nanos(*time) || !to_unix_nanos({time->seconds + 60, 0})) return false;
    minute_text_ = whole;
    minute_seconds_ = time->seconds;
    return true;
  }

  // ".123", ".123456" or ".123456789", the shortest that is exact.
  static bool read_fraction(std::string_view text, std::uint32_t& nanos) {
    if (text.front() != '.') return false;
    text.remove_prefix(1);
    if (text.size() != 3 && text.size() != 6 && text.size() != 9) return false;
    for (const char c : text) {
      const auto digit = static_cast<std::uint32_t>(c - '0');
      if (digit > 9) return false;
      nanos = nanos * 10 + digit;
    }
    if (nanos % 1000 == 0) return false;
    for (std::size_t digits = text.size(); digits < 9; ++digits)
      nanos *= 10;
    return true;
  }

  std::string minute_text_;
  std::int64_t minute_seconds_ = 0;
};

// Where conn_meta ends: behind the brace that `,"payload":` follows.  0 when there is none.  A
// nested key `payload` stops too early; the text then is no JSON and the careful way is taken.
std::size_t end_of_meta(std::string_view frame) {
  const char* const end = frame.data() + frame.size();
  const char* at = frame.data() + kMetaStart.size();
  if (std::string_view(at, static_cast<std::size_t>(end - at)).starts_with("null")) {
    return kMetaStart.size() + 4;
  }
  for (;;) {
    const auto left = static_cast<std::size_t>(end - at);
    at = static_cast<const char*>(std::memchr(at, '}', left));
    if (at == nullptr) return 0;
    ++at;
    if (static_cast<std::size_t>(end - at) < kPayloadStart.size()) return 0;
    if (std::memcmp(at, kPayloadStart.data(), kPayloadStart.size()) == 0) {
      return static_cast<std::size_t>(at - frame.data());
    }
  }
}

// --- the careful way ---

// The frame's three values as raw JSON.  False: not JSON, or not an event's envelope; `why` then
// says so, and what was found before is kept.
struct Envelope {
  std::optional<std::string_view> meta;
  std::optional<std::string_view> payload;
  std::optional<std::string_view> when;
  std::string why;

  bool fail(std::string reason) {
    if (why.empty()) why = std::move(reason);
    return false;
  }

  bool read(std::string_view frame) {
    JsonReader reader(frame);
    const bool ok =
        reader.peek() == JsonReader::Type::Array ? read_array(reader) : read_object(reader);
    if (reader.failed()) return fail(reader.error());
    if (!ok) return false;
    if (!reader.at_end()) return fail(reader.error());
    if (!meta) return fail("missing field `conn_meta`");
    if (!payload) return fail("missing field `payload`");
    return when ? true : fail("missing field `when`");
  }

 private:
  bool read_object(JsonReader& reader) {
    if (!reader.enter_object()) return false;
    std::string key;
    while (reader.next_key(key)) {
      const auto value = reader.skip_value();
      if (!value) return false;
      std::optional<std::string_view>* const field = key == "conn_meta" ? &meta
                                                     : key == "payload" ? &payload
                                                     : key == "when"    ? &when
                                                                        : nullptr;
      if (field == nullptr) continue;
      if (*field) fail("duplicate field `" + key + "`");
      *field = value;
    }
    return !reader.failed() && why.empty();
  }

  bool read_array(JsonReader& reader) {
    if (!reader.enter_array()) return false;
    for (auto* field : {&meta, &payload, &when}) {
      if (!reader.next_element()) return fail("invalid length, expected 3 elements");
      *field = reader.skip_value();
      if (!*field) return false;
    }
    return reader.next_element() ? fail("invalid length, expected 3 elements") : true;
  }
};

// Reads the payload as serde reads an externally tagged enum.
class PayloadReader {
 public:
  PayloadReader(std::string_view json, Arena& arena, Event& event)
      : reader_(json), arena_(arena), event_(event) {}

  bool read() {
    if (reader_.peek() == JsonReader::Type::String) {
      if (!reader_.read_string(tag_)) return false;
      return find_kind() && (has_data() ? fail("invalid type: unit variant") : reader_.at_end());
    }
    if (reader_.peek() != JsonReader::Type::Object) return fail("expected value");
    if (!reader_.enter_object() || !reader_.next_key(tag_)) return fail("expected value");
    if (!find_kind() || !read_data()) return false;
    std::string second;
    if (reader_.next_key(second)) return fail("expected value: two variants in one payload");
    return reader_.at_end();
  }

  [[nodiscard]] std::string_view tag() const { return tag_; }
  [[nodiscard]] std::string why() const { return why_.empty() ? reader_.error() : why_; }

 private:
  bool fail(std::string why) {
    if (why_.empty() && !reader_.failed()) why_ = std::move(why);
    return false;
  }

  bool find_kind() {
    constexpr std::string_view kNames[] = {"BeginSession",
                                           "Connected",
                                           "Closed",
                                           "Read",
                                           "Write",
                                           "Diagnostic",
                                           "MessageObtained",
                                           "AbbreviatedWrite"};
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      if (tag_ != kNames[i]) continue;
      event_.kind = static_cast<EventKind>(i);
      return true;
    }
    return fail("unknown variant `" + tag_ +
                "`, expected one of `BeginSession`, `Connected`, `Closed`, `Read`, `Write`, "
                "`Diagnostic`, `MessageObtained`, `AbbreviatedWrite`");
  }

  [[nodiscard]] bool has_data() const {
    return event_.kind == EventKind::Read || event_.kind == EventKind::Write ||
           event_.kind == EventKind::Diagnostic || event_.kind == EventKind::AbbreviatedWrite;
  }

  bool read_text(std::string_view& out) {
    std::string text;
    if (!reader_.read_string(text)) return false;
    out = arena_.copy(text);
    return true;
  }

  bool read_data() {
    if (!has_data()) return reader_.read_null();
    if (event_.kind == EventKind::Diagnostic) return read_fields("level", "message");
    if (event_.kind == EventKind::AbbreviatedWrite) return read_fields("snippet", "len");
    return read_text(event_.text);
  }

  bool read_field(std::string_view name) {
    if (name == "level") return read_text(event_.level);
    if (name == "len") return reader_.read_u64(event_.length);
    return read_text(event_.text);
  }

  // A struct of two fields: an object, unknown ones passed over, or an array in field order.
  bool read_fields(std::string_view first, std::string_view second) {
    if (reader_.peek() == JsonReader::Type::Array) {
      return reader_.enter_array() && reader_.next_element() && read_field(first) &&
             reader_.next_element() && read_field(second) && !reader_.next_element() &&
             !reader_.failed();
    }
    if (!reader_.enter_object()) return false;
    bool have_first = false;
    bool have_second = false;
    std::string key;
    while (reader_.next_key(key)) {
      if (key != first && key != second) {
        if (!reader_.skip_value()) return false;
        continue;
      }
      bool& have = key == first ? have_first : have_second;
      if (have) return fail("duplicate field `" + key + "`");
      have = true;
      if (!read_field(key)) return false;
    }
    if (reader_.failed()) return false;
    if (!have_first) return fail("missing field `" + std::string(first) + "`");
    return have_second ? true : fail("missing field `" + std::string(second) + "`");
  }

  JsonReader reader_;
  Arena& arena_;
  Event& event_;
  std::string tag_;
  std::string why_;
};

std::optional<WallTime> read_when(std::string_view json) {
  JsonReader reader(json);
  std::string text;
  if (!reader.read_string(text)) return std::nullopt;
  return parse_wire_time(text);
}

// What the columns of a tape can hold; the rest is kept as the frame it came in.
bool representable(const Event& event) {
  return event.kind != EventKind::Unknown && to_unix_nanos(event.when).has_value() &&
         event.level.find('\n') == std::string_view::npos;
}

}  // namespace

struct WireDecoder::Impl {
  MetaTable metas;
  WhenReader when;
  TextBuffer scratch;

  bool quick(std::string_view frame, EventBatch& batch, Event& event) {
    if (!frame.starts_with(kMetaStart) || !frame.ends_with(kFrameEnd)) return false;
    const std::size_t meta_end = end_of_meta(frame);
    if (meta_end == 0) return false;
    const std::size_t payload_at = meta_end + kPayloadStart.size();
    if (payload_at > frame.size() ||
        frame.substr(meta_end, kPayloadStart.size()) != kPayloadStart) {
      return false;
    }
    std::string_view payload = frame.substr(payload_at);
    if (!take_when(payload, event.when)) return false;
    const std::string_view meta = frame.substr(kMetaStart.size(), meta_end - kMetaStart.size());
    event.meta = metas.intern_exact(meta, batch);
    return event.meta != nullptr && quick_payload(payload, batch.arena, event);
  }

  // Cuts `,"when":"…Z"}` off the end of `rest`.
  bool take_when(std::string_view& rest, WallTime& out) {
    for (const std::size_t digits : {29U, 26U, 23U, 19U}) {
      const std::size_t tail = kWhenStart.size() + digits + kFrameEnd.size();
      if (rest.size() < tail) continue;
      const std::size_t at = rest.size() - tail;
      if (rest.substr(at, kWhenStart.size()) != kWhenStart) continue;
      if (!when.read(rest.substr(at + kWhenStart.size(), digits), out)) return false;
      rest.remove_suffix(tail);
      return true;
    }
    return false;
  }

  void careful(std::string_view frame, Opcode opcode, EventBatch& batch, Event& event) {
    event = Event{};
    Verbatim verbatim;
    verbatim.frame = frame;
    verbatim.opcode = opcode;
    if (opcode == Opcode::Binary) {
      verbatim.problem = Problem::Binary;
      verbatim.when_known = false;
    } else if (!is_utf8(frame)) {
      verbatim.problem = Problem::NotUtf8;
      verbatim.when_known = false;
    } else if (read_event(frame, batch, event, verbatim) && rebuilds(event, frame)) {
      return;
    }
    event.verbatim = batch.arena.make<Verbatim>(verbatim);
  }

  bool rebuilds(const Event& event, std::string_view frame) {
    if (!representable(event)) return false;
    scratch.clear();
    append_frame(scratch, event);
    return scratch.view() == frame;
  }

  bool read_event(std::string_view frame, EventBatch& batch, Event& event, Verbatim& verbatim) {
    Envelope envelope;
    std::string why;
    if (!envelope.read(frame)) why = envelope.why;
    if (envelope.meta) {
      MetaPtr meta = Meta::parse(*envelope.meta, 1);
      if (meta != nullptr) event.meta = metas.intern(std::move(meta), batch);
      if (event.meta == nullptr && why.empty()) why = "recursion limit exceeded";
    }
    if (envelope.payload) {
      verbatim.payload = *envelope.payload;
      PayloadReader payload(*envelope.payload, batch.arena, event);
      if (!payload.read() && why.empty()) why = payload.why();
      verbatim.tag = batch.arena.copy(payload.tag());
    }
    std::optional<WallTime> when_read;
    if (envelope.when) when_read = read_when(*envelope.when);
    verbatim.when_known = when_read.has_value();
    if (when_read) event.when = *when_read;
    if (!when_read && why.empty()) why = "`when` is not a time";
    if (why.empty()) return true;
    event.kind = EventKind::Unknown;
    event.text = {};
    event.level = {};
    event.length = 0;
    verbatim.problem = Problem::Malformed;
    verbatim.why = batch.arena.copy(why);
    return false;
  }
};

WireDecoder::WireDecoder() : impl_(std::make_unique<Impl>()) {
}
WireDecoder::~WireDecoder() = default;

Event& WireDecoder::decode(std::string_view frame, Opcode opcode, EventBatch& batch) {
  Event& event = batch.events.emplace_back();
  if (opcode != Opcode::Text || !impl_->quick(frame, batch, event)) {
    impl_->careful(frame, opcode, batch, event);
  }
  event.frame_bytes = static_cast<std::uint32_t>(frame.size());
  return event;
}

std::size_t WireDecoder::metas_held() const {
  return impl_->metas.size();
}

}  // namespace smtptape
