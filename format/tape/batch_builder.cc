#include "format/tape/batch_builder.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "format/limits.h"
#include "format/tape/column.h"
#include "format/tape/messages.h"

namespace smtptape {

namespace {

// What one huge event took is given back.
constexpr std::size_t kMostKept = 8 * kMiB;
static_assert(kMostKept >= 2 * kFileBatchBytes, "to map it anew for each batch takes long");
constexpr unsigned kMetaWords = 16 << 10;  // of the message's first segment

tape::Record::Builder record(capnp::MessageBuilder& message, RecordKind kind) {
  auto root = message.initRoot<tape::Record>();
  root.setKind(static_cast<std::uint16_t>(kind));
  return root;
}

constexpr std::size_t whole_words(std::size_t bytes) {
  return (bytes + 7) / 8 * 8;
}

bool newer_kind(const Event& event) {
  return event.verbatim != nullptr && event.verbatim->newer_kind != EventKind::Unknown;
}

std::int64_t flags_of(const Event& event) {
  std::int64_t flags = 0;
  if (event.verbatim != nullptr && !newer_kind(event)) flags |= kVerbatimFlag;
  if (event.trimmed) flags |= kTrimmedFlag;
  if (event.masked) flags |= kMaskedFlag;
  return flags;
}

std::int64_t wrapping_difference(std::int64_t later, std::int64_t earlier) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(later) -
                                   static_cast<std::uint64_t>(earlier));
}

// The framing that stands before the segments of a message in a stream.
std::string segment_table(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  std::string table;
  const auto append = [&table](std::uint64_t value) {
    for (unsigned i = 0; i < 4; ++i)
      table.push_back(static_cast<char>(value >> (8 * i)));
  };
  append(segments.size() - 1);
  for (const auto segment : segments)
    append(segment.size());
  if (segments.size() % 2 == 0) append(0);
  return table;
}

// The message stays where it is; the body points into it.
void append_in_place(BatchBody& body, std::unique_ptr<capnp::MallocMessageBuilder> message) {
  const auto segments = message->getSegmentsForOutput();
  body.texts.push_back(std::make_unique<std::string>(segment_table(segments)));
  body.pieces.push_back(*body.texts.back());
  for (const auto segment : segments) {
    const auto bytes = segment.asBytes();
    body.pieces.emplace_back(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  }
  body.messages.push_back(std::move(message));
}

void write_meta(tape::Meta::Builder to,
                const Meta& meta,
                std::span<const Meta::Entry> set,
                std::span<const std::string_view> removed) {
  if (meta.form() != Meta::Form::Object) {
    to.setJson(as_data(meta.text()));
    return;
  }
  auto pairs = to.initSet(static_cast<unsigned>(set.size()));
  for (unsigned i = 0; i < set.size(); ++i) {
    auto pair = pairs[i];
    pair.setKey(as_data(set[i].key));
    pair.setJson(as_data(set[i].json));
  }
  if (removed.empty()) return;
  auto keys = to.initRemoved(static_cast<unsigned>(removed.size()));
  for (unsigned i = 0; i < removed.size(); ++i)
    keys.set(i, as_data(removed[i]));
}

}  // namespace

std::uint64_t BatchBody::bytes() const {
  std::uint64_t sum = 0;
  for (const std::string_view piece : pieces)
    sum += piece.size();
  return sum;
}

// --- collecting ---

std::uint16_t BatchBuilder::origin_place(const Origin* origin, GroupNames& names) {
  const Origin& named = origin == nullptr ? default_origin_ : *origin;
  const auto [place, is_new] = names.origin(named);
  if (is_new) {
    capnp::MallocMessageBuilder message;
    write_origin(record(message, RecordKind::Origin).initOrigin(), named);
    append_message(origins_, message);
  }
  return place;
}

namespace {

// A frame that is kept whole holds its metadata, too.  When that is huge it isn't stored a second
// time: the batch would be larger than any that is read.
bool stands_in_its_frame_alone(const Event& event) {
  return event.verbatim != nullptr && !newer_kind(event) && event.meta->text().size() > kMiB;
}

}  // namespace

GroupNames::Named BatchBuilder::name_meta(const Event& event, GroupNames& names) {
  if (event.meta == nullptr || stands_in_its_frame_alone(event)) return {};
  const GroupNames::Named named = names.meta(*event.meta);
  if (named.delta != nullptr) {
    set_.insert(set_.end(), named.delta->set.begin(), named.delta->set.end());
    removed_.insert(removed_.end(), named.delta->removed.begin(), named.delta->removed.end());
    new_metas_.push_back({event.meta,
                          named.parent,
                          named.parent_place,
                          count32(set_.size()),
                          count32(removed_.size())});
  }
  return named;
}

GroupNames::Named BatchBuilder::add(const Event& event, GroupNames& names) {
  origin_.push_back(origin_place(event.origin, names));
  const GroupNames::Named named = name_meta(event, names);
  meta_.push_back(named.place);
  root_.push_back(names.root_of(named.place));
  if (events_ == 0) {
    first_sequence_ = event.sequence;
    skipped_.push_back(0);
  } else {
    skipped_.push_back(static_cast<std::int64_t>(event.sequence - last_sequence_ - 1));
  }
  last_sequence_ = event.sequence;
  add_times(event);
  kind_.push_back(
      static_cast<std::uint8_t>(newer_kind(event) ? event.verbatim->newer_kind : event.kind));
  length_.push_back(static_cast<std::int64_t>(add_text(event)));
  flags_.push_back(flags_of(event));
  const bool stands_for_more = event.kind == EventKind::AbbreviatedWrite && !event.verbatim;
  if (stands_for_more || event.trimmed) original_.push_back({events_, event.length});
  ++events_;
  return named;
}

void BatchBuilder::add_times(const Event& event) {
  const bool first = events_ == 0;
  const bool when_known = event.verbatim == nullptr || event.verbatim->when_known;
  const std::int64_t when_before = first ? event.received : last_when_;
  const std::int64_t when =
      when_known ? to_unix_nanos(event.when).value_or(when_before) : when_before;
  if (first) {
    first_when_ = last_when_ = when;
    first_received_ = last_received_ = event.received;
  }
  when_.push_back(wrapping_difference(when, last_when_));
  received_.push_back(wrapping_difference(event.received, last_received_));
  if (!first && event.received != std::max(last_received_, when)) received_follows_when_ = false;
  last_when_ = when;
  last_received_ = event.received;
}

// Returns how many bytes the event has in the payload.
std::uint64_t BatchBuilder::add_text(const Event& event) {
  if (newer_kind(event)) {
    text_.append(event.verbatim->frame);
    return event.verbatim->frame.size();
  }
  if (event.verbatim != nullptr) {
    frames_.push_back({std::string(event.verbatim->frame), event.verbatim->opcode});
    return 0;
  }
  const std::size_t before = text_.size();
  if (event.kind == EventKind::Diagnostic) text_.append(event.level).push_back('\n');
  text_.append(event.text);
  return text_.size() - before;
}

void BatchBuilder::add(const Gap& gap, GroupNames& names) {
  const std::uint16_t origin = origin_place(gap.origin, names);
  capnp::MallocMessageBuilder message;
  write_gap(record(message, RecordKind::Gap).initGap(), gap, origin);
  append_message(loose_, message);
  ++loose_records_;
  ++gaps_;
}

void BatchBuilder::add(const Note& note) {
  capnp::MallocMessageBuilder message;
  auto to = record(message, RecordKind::Note).initNote();
  to.setKey(as_data(note.key));
  to.setValue(as_data(note.value));
  append_message(loose_, message);
  ++loose_records_;
}

void BatchBuilder::add(const ClockReading& clock) {
  capnp::MallocMessageBuilder message;
  auto to = record(message, RecordKind::Clock).initClock();
  to.setRealtime(clock.realtime);
  to.setMonotonic(clock.monotonic);
  to.setBoottime(clock.boottime);
  append_message(loose_, message);
  ++loose_records_;
}

// --- records ---

void BatchBuilder::append_columns(BatchBody& body) const {
  if (!origins_.empty()) body.pieces.push_back(origins_);
  if (!new_metas_.empty()) append_metas(body);
  if (events_ > 0) append_events(body);
  if (!loose_.empty()) body.pieces.push_back(loose_);
}

void BatchBuilder::append_metas(BatchBody& body) const {
  auto message = std::make_unique<capnp::MallocMessageBuilder>(kMetaWords);
  auto list = record(*message, RecordKind::Metas)
                  .initMetas()
                  .initList(static_cast<unsigned>(new_metas_.size()));
  std::size_t set = 0;
  std::size_t removed = 0;
  for (unsigned i = 0; i < new_metas_.size(); ++i) {
    const NewMeta& meta = new_metas_[i];
    auto to = list[i];
    to.setParent(meta.parent_place);
    write_meta(to,
               *meta.meta,
               std::span(set_).subspan(set, meta.set_until - set),
               std::span(removed_).subspan(removed, meta.removed_until - removed));
    set = meta.set_until;
    removed = meta.removed_until;
  }
  append_in_place(body, std::move(message));
}

void BatchBuilder::append_events(BatchBody& body) const {
  auto message = std::make_unique<capnp::MallocMessageBuilder>(4 << 10);
  auto to = record(*message, RecordKind::Events).initEvents();
  to.setCount(events_);
  to.setFirstSequence(first_sequence_);
  to.setFirstWhen(first_when_);
  to.setFirstReceived(first_received_);
  write_column(skipped_, [&] { return to.initSkipped(); });
  write_column(when_, [&] { return to.initWhen(); });
  if (!received_follows_when_) {
    // There even when all are zero: left out, it says that they follow `when`.
    to.initReceived();
    write_column(received_, [&] { return to.getReceived(); });
  }
  fill_list(to.initKind(events_), kind_);
  write_column(meta_, [&] { return to.initMeta(); });
  write_column(length_, [&] { return to.initLength(); });
  write_column(flags_, [&] { return to.initFlags(); });
  write_column(origin_, [&] { return to.initOrigin(); });
  auto original = to.initOriginal(static_cast<unsigned>(original_.size()));
  for (unsigned i = 0; i < original_.size(); ++i) {
    original[i].setIndex(original_[i].index);
    original[i].setLength(original_[i].length);
  }
  append_in_place(body, std::move(message));
}

// `size`: of the texts, without what fills up the last word.
void BatchBuilder::order_by_session(std::size_t size) {
  ordered_.grow(text_.size());
  std::memset(ordered_.data() + size, 0, text_.size() - size);
  const auto places = places_by_session(length_, root_, size);
  std::size_t from = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto length = static_cast<std::size_t>(length_[i]);
    std::memcpy(ordered_.data() + places[i], text_.data() + from, length);
    from += length;
  }
}

void BatchBuilder::append_payload(BatchBody& body, PayloadOrder order) {
  if (!frames_.empty()) {
    auto message = std::make_unique<capnp::MallocMessageBuilder>();
    auto list = record(*message, RecordKind::Verbatim)
                    .initVerbatim()
                    .initList(static_cast<unsigned>(frames_.size()));
    for (unsigned i = 0; i < frames_.size(); ++i) {
      list[i].setBytes(as_data(frames_[i].bytes));
      list[i].setOpcode(static_cast<std::uint8_t>(frames_[i].opcode));
    }
    append_in_place(body, std::move(message));
  }
  if (text_.empty()) return;
  // The text becomes a segment of its own, where it is; Cap'n Proto wants whole words of it.
  const std::size_t size = text_.size();
  text_.resize(whole_words(size), '\0');
  const char* text = text_.data();
  if (order == PayloadOrder::BySession) {
    order_by_session(size);
    text = ordered_.data();
  }
  auto message = std::make_unique<capnp::MallocMessageBuilder>();
  auto external = message->getOrphanage().referenceExternalData(as_data({text, size}));
  const auto kind =
      order == PayloadOrder::BySession ? RecordKind::PayloadBySession : RecordKind::Payload;
  record(*message, kind).initPayload().adoptText(std::move(external));
  append_in_place(body, std::move(message));
}

void BatchBuilder::clear() {
  events_ = 0;
  gaps_ = 0;
  loose_records_ = 0;
  received_follows_when_ = true;
  for (auto* column : {&skipped_, &when_, &received_, &meta_, &length_, &flags_, &origin_}) {
    column->clear();
  }
  kind_.clear();
  root_.clear();
  original_.clear();
  text_.clear();
  if (text_.capacity() > kMostKept) std::string().swap(text_);
  if (ordered_.room() > kMostKept) ordered_ = GrowingBytes();
  frames_.clear();
  new_metas_.clear();
  set_.clear();
  removed_.clear();
  origins_.clear();
  loose_.clear();
}

}  // namespace smtptape
