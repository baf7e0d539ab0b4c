#include "format/tape/batch_parser.h"

#include <algorithm>
#include <deque>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/column.h"
#include "format/tape/messages.h"

namespace smtptape {

namespace {

constexpr std::int64_t kVerbatimFlag = 1;

std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

// The messages of a body, one after another.
class Messages {
 public:
  explicit Messages(std::string_view body) : left_(as_words(body)) {}

  // Null at the end.  The reader stays where it is.
  const capnp::FlatArrayMessageReader* next() {
    if (left_.size() == 0) return nullptr;
    readers_.emplace_back(left_, reader_options(left_.asBytes().size()));
    left_ = {readers_.back().getEnd(), left_.end()};
    return &readers_.back();
  }

 private:
  kj::ArrayPtr<const capnp::word> left_;
  std::deque<capnp::FlatArrayMessageReader> readers_;
};

struct ColumnValues {
  std::vector<std::int64_t> skipped, when, received, meta, length, flags, origin;
};

EventKind kind_of(std::uint8_t number) {
  return number <= static_cast<std::uint8_t>(EventKind::AbbreviatedWrite)
             ? static_cast<EventKind>(number)
             : EventKind::Unknown;
}

}  // namespace

// The records of one batch, by kind; an unknown kind is passed over.
struct BatchParser::Body {
  std::optional<tape::Events::Reader> events;
  std::vector<tape::Metas::Reader> metas;
  std::vector<tape::Origin::Reader> origins;
  std::vector<tape::Gap::Reader> gaps;
  std::vector<tape::Note::Reader> notes;
  std::string_view text;
  std::optional<tape::Verbatim::Reader> verbatim;

  void add(Messages& messages) {
    while (const auto* message = messages.next()) {
      // The reader is kept by Messages; getRoot() only isn't const.
      auto& reader = const_cast<capnp::FlatArrayMessageReader&>(*message);
      add(reader.getRoot<tape::Record>());
    }
  }

  void add(tape::Record::Reader record) {
    switch (static_cast<RecordKind>(record.getKind())) {
      case RecordKind::Events: events = record.getEvents(); return;
      case RecordKind::Payload: text = as_view(record.getPayload().getText()); return;
      case RecordKind::Metas: metas.push_back(record.getMetas()); return;
      case RecordKind::Gap: gaps.push_back(record.getGap()); return;
      case RecordKind::Note: notes.push_back(record.getNote()); return;
      case RecordKind::Verbatim: verbatim = record.getVerbatim(); return;
      case RecordKind::Origin: origins.push_back(record.getOrigin()); return;
      case RecordKind::Clock:
      case RecordKind::Batch: return;
    }
  }
};

void BatchParser::begin_group() {
  metas_ = std::make_shared<std::vector<MetaPtr>>();
  origins_ = std::make_shared<std::vector<std::unique_ptr<const Origin>>>();
  meta_bytes_ = 0;
}

void BatchParser::parse(std::string_view columns, std::string_view payload, EventBatch& batch) {
  reading_message("reading a batch", [&] {
    Messages messages(columns);
    Body body;
    body.add(messages);
    std::optional<Messages> payload_messages;
    if (payload.data() != columns.data()) {
      payload_messages.emplace(payload);
      body.add(*payload_messages);
    }
    for (const auto origin : body.origins) {
      origins_->push_back(std::make_unique<const Origin>(read_origin(origin)));
    }
    read_metas(body);
    read_events(body, batch);
    read_gaps(body, batch);
    for (const auto note : body.notes) {
      batch.notes.push_back({as_string(note.getKey()), as_string(note.getValue())});
    }
    pin(batch);
  });
}

void BatchParser::pin(EventBatch& batch) {
  batch.pins.push_back(metas_);
  batch.pins.push_back(origins_);
}

void BatchParser::read_metas(const Body& body) {
  std::vector<Meta::Entry> set;
  std::vector<std::string_view> removed;
  for (const auto metas : body.metas) {
    for (const auto from : metas.getList()) {
      if (from.hasJson()) {
        const std::string_view json = as_view(from.getJson());
        metas_->push_back(json == "null" ? Meta::null() : Meta::other(json));
      } else {
        if (from.getParent() > metas_->size()) throw Error("metadata refers to an unknown parent");
        set.clear();
        removed.clear();
        for (const auto pair : from.getSet()) {
          set.push_back({as_view(pair.getKey()), as_view(pair.getJson())});
        }
        for (const auto key : from.getRemoved())
          removed.push_back(as_view(key));
        const Meta* const parent =
            from.getParent() == 0 ? nullptr : (*metas_)[from.getParent() - 1].get();
        metas_->push_back(Meta::derive(parent, set, removed));
      }
      meta_bytes_ += metas_->back()->text().size();
      if (meta_bytes_ > kMostGroupMetaBytes) {
        throw Error("metadata of a group is over the limit of " +
                    std::to_string(kMostGroupMetaBytes) + " bytes");
      }
    }
  }
}

void BatchParser::read_events(const Body& body, EventBatch& batch) {
  if (!body.events) return;
  const tape::Events::Reader& from = *body.events;
  const auto kinds = from.getKind();
  const std::size_t count = from.getCount();
  if (kinds.size() != count) throw Error("a column has the wrong number of entries");
  ColumnValues columns;
  read_column(from.getSkipped(), count, columns.skipped);
  read_column(from.getWhen(), count, columns.when);
  read_column(from.getReceived(), count, columns.received);
  read_column(from.getMeta(), count, columns.meta);
  read_column(from.getLength(), count, columns.length);
  read_column(from.getFlags(), count, columns.flags);
  read_column(from.getOrigin(), count, columns.origin);
  std::string_view text = body.text;
  std::uint32_t next_frame = 0;
  std::uint64_t sequence = from.getFirstSequence() - 1;
  std::int64_t when = from.getFirstWhen();
  std::int64_t received = from.getFirstReceived();
  const bool received_follows_when = !from.hasReceived();
  batch.events.reserve(batch.events.size() + count);
  for (std::size_t i = 0; i < count; ++i) {
    sequence += 1 + static_cast<std::uint64_t>(columns.skipped[i]);
    when = wrapping_sum(when, columns.when[i]);
    if (received_follows_when) {
      if (i > 0) received = std::max(received, when);
    } else {
      received = wrapping_sum(received, columns.received[i]);
    }
    const auto length_untrusted = static_cast<std::uint64_t>(columns.length[i]);
    if (length_untrusted > text.size()) throw Error("an event's text ends outside the payload");
    std::string_view own = text.substr(0, length_untrusted);
    text.remove_prefix(length_untrusted);
    const auto meta_untrusted = static_cast<std::uint64_t>(columns.meta[i]);
    if (meta_untrusted > metas_->size()) throw Error("an event refers to unknown metadata");
    const auto origin_untrusted = static_cast<std::uint64_t>(columns.origin[i]);
    if (origin_untrusted >= origins_->size()) throw Error("an event refers to an unknown origin");
    const auto kind = kind_of(kinds[static_cast<unsigned>(i)]);
    const bool verbatim = (columns.flags[i] & kVerbatimFlag) != 0;
    if (verbatim) {
      if (!body.verbatim || next_frame >= body.verbatim->getList().size()) {
        throw Error("a frame kept whole is missing");
      }
      const auto frame = body.verbatim->getList()[next_frame++];
      decoder_.decode(as_view(frame.getBytes()), static_cast<Opcode>(frame.getOpcode()), batch);
    } else {
      Event& event = batch.events.emplace_back();
      event.when = from_unix_nanos(when);
      event.meta = meta_untrusted == 0 ? nullptr : (*metas_)[meta_untrusted - 1].get();
      event.kind = kind;
      event.text = own;
      const bool unreadable = kind == EventKind::Unknown || event.meta == nullptr;
      if (kind == EventKind::Diagnostic) {
        const std::size_t end = own.find('\n');
        if (end == std::string_view::npos) throw Error("a diagnostic has no level");
        event.level = own.substr(0, end);
        event.text = own.substr(end + 1);
      }
      if (unreadable) {
        Verbatim kept;
        kept.frame = own;
        kept.problem = Problem::Malformed;
        kept.why = "written by a newer smtptape";
        event.kind = EventKind::Unknown;
        event.verbatim = batch.arena.make<Verbatim>(kept);
      }
    }
    Event& event = batch.events.back();
    event.sequence = sequence;
    event.received = received;
    event.origin = (*origins_)[origin_untrusted].get();
  }
  for (const auto original : from.getOriginal()) {
    if (original.getIndex() >= count) throw Error("a length belongs to no event");
    batch.events[batch.events.size() - count + original.getIndex()].length = original.getLength();
  }
}

void BatchParser::read_gaps(const Body& body, EventBatch& batch) {
  for (const auto from : body.gaps) {
    Gap gap = read_gap(from);
    if (from.getOrigin() < origins_->size()) gap.origin = (*origins_)[from.getOrigin()].get();
    batch.gaps.push_back(std::move(gap));
  }
}

}  // namespace smtptape
