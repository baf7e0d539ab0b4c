#include "format/tape/batch_parser.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/batch_records.h"
#include "format/tape/column.h"
#include "format/tape/messages.h"
#include "format/tape/payload_order.h"

namespace smtptape {

namespace {

// What a Meta and an entry of it take in memory beside their text, so that a great many empty ones
// count as well.
constexpr std::uint64_t kBytesOfMeta = 256;
constexpr std::uint64_t kBytesOfEntry = 32;
// What they take in a tape, at least.
constexpr std::uint64_t kStoredMeta = 32;
constexpr std::uint64_t kStoredPair = 16;
constexpr std::uint64_t kStoredKey = 8;
constexpr std::uint64_t kStoredLength = 16;

std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

}  // namespace

struct BatchParser::ColumnValues {
  explicit ColumnValues(const tape::Events::Reader& from) {
    const std::size_t count = from.getCount();
    kinds = count;
    if (from.getKind().size() != count) throw Error("a column has the wrong number of entries");
    if (count > kMostBatchEvents) {
      throw Error("a batch of " + std::to_string(count) + " events is over the limit of " +
                  std::to_string(kMostBatchEvents));
    }
    constexpr std::size_t kColumns = 7;
    room_.reset(new std::int64_t[kColumns * count]);
    std::int64_t* room = room_.get();
    const auto read = [&](const tape::Column::Reader& column) -> const std::int64_t* {
      if (!read_column(column, count, room)) return kZeros.data();
      return std::exchange(room, room + count);
    };
    skipped = read(from.getSkipped());
    when = read(from.getWhen());
    received = read(from.getReceived());
    meta = read(from.getMeta());
    length = read(from.getLength());
    flags = read(from.getFlags());
    origin = read(from.getOrigin());
  }
  [[nodiscard]] bool is_verbatim(std::size_t i) const { return (flags[i] & kVerbatimFlag) != 0; }
  std::size_t kinds = 0;  // how many events
  const std::int64_t *skipped, *when, *received, *meta, *length, *flags, *origin;

 private:
  // Columns that were left out share it.  Never written, so it takes a page of memory or two.
  static std::array<std::int64_t, kMostBatchEvents> kZeros;
  std::unique_ptr<std::int64_t[]> room_;  // not set to zero before
};
std::array<std::int64_t, kMostBatchEvents> BatchParser::ColumnValues::kZeros{};

// The columns that are sums, taken one event after another.
class BatchParser::Places {
 public:
  Places(const tape::Events::Reader& from, const ColumnValues& values)
      : values_(values),
        kinds_(from.getKind()),
        sequence_(from.getFirstSequence() - 1),
        when_(from.getFirstWhen()),
        received_(from.getFirstReceived()),
        received_follows_when_(!from.hasReceived()) {}

  [[nodiscard]] std::size_t count() const { return kinds_.size(); }
  [[nodiscard]] std::uint8_t kind(std::size_t i) const { return kinds_[static_cast<unsigned>(i)]; }

  void advance(std::size_t i) {
    sequence_ += 1 + static_cast<std::uint64_t>(values_.skipped[i]);
    when_ = wrapping_sum(when_, values_.when[i]);
    if (!received_follows_when_) {
      received_ = wrapping_sum(received_, values_.received[i]);
    } else if (i > 0) {
      received_ = std::max(received_, when_);
    }
  }
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  [[nodiscard]] std::int64_t when() const { return when_; }
  [[nodiscard]] std::int64_t received() const { return received_; }

 private:
  const ColumnValues& values_;
  capnp::List<std::uint8_t>::Reader kinds_;
  std::uint64_t sequence_;
  std::int64_t when_;
  std::int64_t received_;
  bool received_follows_when_;
};

namespace {

// What a Meta that is made of these will take.
std::uint64_t cost_of(const Meta* parent, const std::vector<Meta::Entry>& set) {
  std::uint64_t bytes = kBytesOfMeta;
  if (parent != nullptr) bytes += parent->text().size() + kBytesOfEntry * parent->entries().size();
  for (const Meta::Entry& entry : set)
    bytes += kBytesOfEntry + entry.key.size() + entry.json.size();
  return bytes;
}

}  // namespace

// The texts and frames of a batch, taken one event after another.
struct BatchParser::Texts {
  std::string_view left;
  // Fetched once: each fetch of a list counts against the message's traversal limit.
  capnp::List<tape::Frame>::Reader frames;
  std::uint32_t frames_taken = 0;

  // By session: where each text begins; else empty, and they stand as the events do.
  std::vector<std::uint64_t> places;

  std::string_view next(std::size_t i, std::int64_t length_untrusted) {
    const auto length = static_cast<std::uint64_t>(length_untrusted);
    if (!places.empty()) return left.substr(places[i], length);  // checked when they were made
    if (length > left.size()) throw Error("an event's text ends outside the payload");
    const std::string_view text = left.substr(0, length);
    left.remove_prefix(length);
    return text;
  }
  tape::Frame::Reader next_frame() {
    if (frames_taken >= frames.size()) throw Error("a frame kept whole is missing");
    return frames[frames_taken++];
  }
};

namespace {

bool has_text(EventKind kind) {
  switch (kind) {
    case EventKind::Read:
    case EventKind::Write:
    case EventKind::Diagnostic:
    case EventKind::AbbreviatedWrite:
    case EventKind::Unknown: return true;
    case EventKind::BeginSession:
    case EventKind::Connected:
    case EventKind::Closed:
    case EventKind::MessageObtained: break;
  }
  return false;
}

EventKind kind_of(std::uint8_t number) {
  return number <= static_cast<std::uint8_t>(EventKind::AbbreviatedWrite)
             ? static_cast<EventKind>(number)
             : EventKind::Unknown;
}

}  // namespace

void BatchParser::begin_group() {
  arena_.reset(new MetaArena);
  metas_ = std::make_shared<std::vector<MetaPtr>>();
  origins_ = std::make_shared<std::vector<std::unique_ptr<const Origin>>>();
  roots_.clear();
  meta_bytes_ = 0;
  group_bytes_ = 0;
}

// Everything that its messages say; the readers point into the body.
struct BatchParser::Columns {
  explicit Columns(std::string_view body) : messages(body), bytes(body) { records.add(messages); }

  BatchMessages messages;
  BatchRecords records;
  std::string_view bytes;
  std::optional<ColumnValues> values;  // of the events
  // Of the group, up to this batch: its events refer to no others.
  std::size_t metas = 0;
  std::size_t origins = 0;
};

BatchParser::ColumnsPtr BatchParser::read_columns(std::string_view body) {
  return reading_message("reading a batch", [&] {
    auto columns = std::make_shared<Columns>(body);
    group_bytes_ += body.size();
    for (const auto origin : columns->records.origins) {
      origins_->push_back(std::make_unique<const Origin>(read_origin(origin)));
    }
    read_metas(columns->records);
    columns->metas = metas_->size();
    columns->origins = origins_->size();
    if (columns->records.events) columns->values.emplace(*columns->records.events);
    return columns;
  });
}

void BatchParser::parse(std::string_view columns, std::string_view payload, EventBatch& batch) {
  complete(*read_columns(columns), payload, nullptr, batch);
}

std::size_t BatchParser::count_of(const Columns& columns) {
  return columns.values ? columns.values->kinds : 0;
}

void BatchParser::outline(const Columns& columns, EventBatch& batch) {
  reading_message("reading a batch", [&] {
    if (!columns.values) return;
    static const Verbatim kNotRead;
    Places places(*columns.records.events, *columns.values);
    batch.events.reserve(batch.events.size() + places.count());
    for (std::size_t i = 0; i < places.count(); ++i) {
      Event& event = batch.events.emplace_back();
      event.meta = meta_at(columns, i);
      event.kind = kind_of(places.kind(i));
      place(columns, places, i, event);
      if (columns.values->is_verbatim(i)) event.verbatim = &kNotRead;
    }
    pin(batch);
  });
}

void BatchParser::complete(const Columns& columns,
                           std::string_view payload,
                           const std::vector<bool>* wanted,
                           EventBatch& batch) {
  reading_message("reading a batch", [&] {
    Texts texts = texts_of(columns.records, columns);
    std::optional<BatchMessages> payload_messages;
    if (payload.data() != columns.bytes.data() && !payload.empty()) {
      payload_messages.emplace(payload);
      BatchRecords body;
      body.add(*payload_messages);
      texts = texts_of(body, columns);
    }
    if (columns.values) read_events(columns, texts, wanted, batch);
    read_beside(columns, batch);
    pin(batch);
  });
}

BatchParser::Texts BatchParser::texts_of(const BatchRecords& payload,
                                         const Columns& columns) const {
  Texts texts;
  texts.left = payload.text;
  texts.frames = payload.frames;
  if (payload.order == PayloadOrder::AsEvents || !columns.values) return texts;
  std::vector<std::uint32_t> roots;
  const std::size_t count = columns.values->kinds;
  roots.reserve(count);
  for (const std::int64_t place_untrusted : std::span(columns.values->meta, count)) {
    const auto place = static_cast<std::uint64_t>(place_untrusted);
    roots.push_back(place == 0 || place > roots_.size() ? 0 : roots_[place - 1]);
  }
  texts.places = places_by_session({columns.values->length, count}, roots, payload.text.size());
  return texts;
}

void BatchParser::beside(const Columns& columns, EventBatch& batch) {
  reading_message("reading a batch", [&] {
    read_beside(columns, batch);
    pin(batch);
  });
}

void BatchParser::read_beside(const Columns& columns, EventBatch& batch) {
  const BatchRecords& body = columns.records;
  read_gaps(columns, batch);
  for (const auto note : body.notes) {
    batch.notes.push_back({as_string(note.getKey()), as_string(note.getValue())});
  }
  for (const auto clock : body.clocks) {
    batch.clocks.push_back({clock.getRealtime(), clock.getMonotonic(), clock.getBoottime()});
  }
  for (const std::string_view record : body.foreign)
    batch.foreign.push_back(batch.arena.copy(record));
  if (!newer_fields_ && body.has_newer_fields()) {
    newer_fields_ = true;
    batch.notes.push_back({std::string(kNewerColumns), "left out by a program that has none"});
  }
}

void BatchParser::pin(EventBatch& batch) {
  batch.pins.push_back(metas_);
  batch.pins.push_back(origins_);
}

void BatchParser::read_metas(const BatchRecords& body) {
  std::vector<Meta::Entry> set;
  std::vector<std::string_view> removed;
  for (const auto metas : body.metas) {
    for (const auto from : of_bytes(body.bytes, kStoredMeta, metas.getList(), "metadata")) {
      if (from.hasJson()) {
        const std::string_view json = as_view(from.getJson());
        charge(kBytesOfMeta + json.size());
        roots_.push_back(count32(metas_->size() + 1));
        metas_->push_back(json == "null" ? Meta::null() : Meta::other(json));
      } else {
        if (from.getParent() > metas_->size()) throw Error("metadata refers to an unknown parent");
        set.clear();
        removed.clear();
        for (const auto pair : of_bytes(body.bytes, kStoredPair, from.getSet(), "entries")) {
          set.push_back({as_view(pair.getKey()), as_view(pair.getJson())});
        }
        for (const auto key : of_bytes(body.bytes, kStoredKey, from.getRemoved(), "keys"))
          removed.push_back(as_view(key));
        const Meta* const parent =
            from.getParent() == 0 ? nullptr : (*metas_)[from.getParent() - 1].get();
        charge(cost_of(parent, set));
        roots_.push_back(parent == nullptr ? count32(metas_->size() + 1)
                                           : roots_[from.getParent() - 1]);
        metas_->push_back(Meta::derive(parent, set, removed, arena_.get()));
      }
    }
  }
}

// Before it is taken.
void BatchParser::charge(std::uint64_t bytes) {
  meta_bytes_ += bytes;
  const std::uint64_t most = kGroupMetaRoom + 2 * group_bytes_;
  if (meta_bytes_ > most) {
    throw Error("metadata of a group is over the limit of " + std::to_string(most) + " bytes");
  }
}

// What the columns say of an event, but for its text.
void BatchParser::place(const Columns& columns, Places& places, std::size_t i, Event& event) {
  places.advance(i);
  event.when = from_unix_nanos(places.when());
  event.sequence = places.sequence();
  event.received = places.received();
  event.origin = origin_at(columns, i);
  event.trimmed = (columns.values->flags[i] & kTrimmedFlag) != 0;
  event.masked = (columns.values->flags[i] & kMaskedFlag) != 0;
}

void BatchParser::read_events(const Columns& columns,
                              Texts& texts,
                              const std::vector<bool>* wanted,
                              EventBatch& batch) {
  const ColumnValues& values = *columns.values;
  Places places(*columns.records.events, values);
  const std::size_t count = places.count();
  constexpr std::size_t kLeftOut = ~std::size_t{0};
  std::vector<std::size_t> place_of;  // of the wanted ones, in the batch
  if (wanted != nullptr) place_of.assign(count, kLeftOut);
  const std::size_t first = batch.events.size();
  if (wanted == nullptr) batch.events.reserve(first + count);
  const Meta* meta = nullptr;  // of the place in the list of metas where the last one stood
  std::int64_t meta_place = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view text = texts.next(i, values.length[i]);
    const bool verbatim = values.is_verbatim(i);
    std::optional<tape::Frame::Reader> frame;
    if (verbatim) frame = texts.next_frame();
    if (wanted != nullptr && !(*wanted)[i]) {
      places.advance(i);
      continue;
    }
    if (wanted != nullptr) place_of[i] = batch.events.size();
    if (verbatim) {
      decoder_.decode(as_view(frame->getBytes()), static_cast<Opcode>(frame->getOpcode()), batch);
    } else {
      if (values.meta[i] != meta_place) {
        meta = meta_at(columns, i);
        meta_place = values.meta[i];
      }
      add_event(places.kind(i), meta, text, batch);
    }
    Event& event = batch.events.back();
    const WallTime when = event.when;
    place(columns, places, i, event);
    if (verbatim) event.when = when;
  }
  const auto& from = *columns.records.events;
  const auto lengths =
      of_bytes(columns.records.bytes, kStoredLength, from.getOriginal(), "lengths");
  for (const auto original : at_most(count, lengths, "lengths")) {
    const std::size_t index = original.getIndex();
    if (index >= count) throw Error("a length belongs to no event");
    const std::size_t at = wanted == nullptr ? first + index : place_of[index];
    if (at != kLeftOut) batch.events[at].length = original.getLength();
  }
}

const Meta* BatchParser::meta_at(const Columns& columns, std::size_t i) const {
  const auto place = static_cast<std::uint64_t>(columns.values->meta[i]);
  if (place > columns.metas) throw Error("an event refers to unknown metadata");
  return place == 0 ? nullptr : (*metas_)[place - 1].get();
}

const Origin* BatchParser::origin_at(const Columns& columns, std::size_t i) const {
  const auto place = static_cast<std::uint64_t>(columns.values->origin[i]);
  if (place >= columns.origins) throw Error("an event refers to an unknown origin");
  return (*origins_)[place].get();
}

void BatchParser::add_event(std::uint8_t kind,
                            const Meta* meta,
                            std::string_view text,
                            EventBatch& batch) {
  Event& event = batch.events.emplace_back();
  event.meta = meta;
  event.kind = kind_of(kind);
  event.text = text;
  if (event.kind == EventKind::Unknown || meta == nullptr) {
    Verbatim kept;
    kept.frame = text;
    kept.problem = Problem::Malformed;
    kept.why = "written by a newer smtptape";
    if (event.kind == EventKind::Unknown) kept.newer_kind = static_cast<EventKind>(kind);
    event.kind = EventKind::Unknown;
    event.verbatim = batch.arena.make<Verbatim>(kept);
  } else if (event.kind == EventKind::Diagnostic) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) throw Error("a diagnostic has no level");
    event.level = text.substr(0, end);
    event.text = text.substr(end + 1);
  } else if (!has_text(event.kind) && !text.empty()) {
    throw Error("an event of a kind without text has one");
  }
}

void BatchParser::read_gaps(const Columns& columns, EventBatch& batch) {
  for (const auto from : columns.records.gaps) {
    Gap gap = read_gap(from);
    if (from.getOrigin() < columns.origins) gap.origin = (*origins_)[from.getOrigin()].get();
    batch.gaps.push_back(std::move(gap));
  }
}

}  // namespace smtptape
