#include "share/redact/redactor.h"

#include <algorithm>
#include <array>
#include <utility>

#include "share/redact/client_line.h"
#include "share/redact/session_key.h"
#include "smtp/words.h"

namespace smtptape {

namespace {

using Side = SessionText::Side;

constexpr Levels kLevels{Bodies::Headers, Secrets::Mask};

bool is_known_level(std::string_view level) {
  static constexpr std::array<std::string_view, 5> kNames{
      "TRACE", "DEBUG", "INFO", "WARN", "ERROR"};
  return std::any_of(kNames.begin(), kNames.end(), [level](std::string_view name) {
    return same_word(level, name);
  });
}

std::span<char> own_copy(std::string_view text, Arena& arena) {
  if (text.empty()) return {};
  char* const copy = arena.allocate(text.size());
  std::copy(text.begin(), text.end(), copy);
  return {copy, text.size()};
}

}  // namespace

Redactor::Redactor(EventSource& from,
                   const Originals& originals,
                   Pseudonyms& pseudonyms,
                   const RedactionRules& rules)
    : from_(from),
      originals_(originals),
      pseudonyms_(pseudonyms),
      rules_(rules),
      levels_(kLevels),
      texts_([this](const SessionText::Unit& unit) { redact_unit(unit); }) {
}

Redactor::~Redactor() = default;

bool Redactor::next(EventBatch& batch) {
  while (held_.empty() || held_.front()->open > 0) {
    if (held_bytes_ > kMostHeld) texts_.end_all();
    if (ended_ && held_.empty()) return false;
    if (ended_ || !pull()) texts_.end_all();
  }
  std::unique_ptr<Held> first = std::move(held_.front());
  held_.pop_front();
  held_bytes_ -= first->bytes;
  // Its memory is used again.
  std::swap(batch, first->batch);
  if (spare_.size() < kMostSpare) spare_.push_back(std::move(first->batch));
  return true;
}

bool Redactor::pull() {
  auto held = std::make_unique<Held>();
  if (!spare_.empty()) {
    held->batch = std::move(spare_.back());
    spare_.pop_back();
  }
  if (!from_.next(held->batch)) {
    ended_ = true;
    return false;
  }
  Held& one = *held;
  one.batch.pins.push_back(one.metas);
  held_.push_back(std::move(held));
  redact(one);
  one.bytes = one.batch.arena.used() + one.batch.events.size() * sizeof(Event);
  held_bytes_ += one.bytes;
  return true;
}

void Redactor::redact(Held& held) {
  EventBatch& batch = held.batch;
  if (!batch.gaps.empty()) levels_.lost_track();
  for (Event& event : batch.events) {
    if (event.kind != EventKind::Unknown) levels_.apply(event, batch);
    if (event.kind != EventKind::Unknown) redact(event, held);
  }
  omitted_.frames += std::erase_if(
      batch.events, [](const Event& event) { return event.kind == EventKind::Unknown; });
  redact_beside_events(batch);
}

void Redactor::redact(Event& event, Held& held) {
  session_key(event, key_);
  event.verbatim = nullptr;
  redact_text(event, held);
  if (event.meta != nullptr) {
    const MetaPtr& meta = redacted(*event.meta);
    event.meta = meta.get();
    if (held.metas->empty() || held.metas->back() != meta) held.metas->push_back(meta);
  }
  if (event.origin != nullptr) event.origin = &pinned(*event.origin, held.batch);
}

void Redactor::redact_text(Event& event, Held& held) {
  const std::span<char> text = own_copy(event.text, held.batch.arena);
  event.text = {text.data(), text.size()};
  switch (event.kind) {
    case EventKind::Write:
      texts_.add(key_, Side::Client, {text, &held.open}, event.meta);
      if (event.trimmed) texts_.end_side(key_, Side::Client);
      return;
    case EventKind::AbbreviatedWrite:
      texts_.end_side(key_, Side::Client);
      texts_.add(key_, Side::Client, {text, &held.open}, event.meta);
      texts_.end_side(key_, Side::Client);
      return;
    case EventKind::Read: return texts_.add(key_, Side::Server, {text, &held.open}, event.meta);
    case EventKind::Diagnostic: return redact_diagnostic(event, text);
    case EventKind::BeginSession:
    case EventKind::Connected:
    case EventKind::Closed: texts_.end_session(key_); break;
    default: break;
  }
  event.text = {};  // they have none
}

void Redactor::redact_diagnostic(Event& event, std::span<char> text) {
  pseudonyms_.replace(text, free_text(event.meta).in_diagnostic(event.text));
  if (!is_known_level(event.level)) event.level = "INFO";
}

void Redactor::redact_unit(const SessionText::Unit& unit) {
  const std::string_view text(unit.text.data(), unit.text.size());
  if (unit.side == Side::Server && !unit.begins_midway)
    return pseudonyms_.replace(unit.text, free_text(unit.meta).in_reply(text));
  Spans spans;
  const std::string_view line = without_line_end(text);
  if (unit.begins_midway) {
    spans.push_back({0, line.size(), Kind::Message});
  } else {
    find_in_client_line(line, spans, rules_.headers);
    find_named(line, spans);
  }
  pseudonyms_.replace(unit.text, spans);
}

// What the rules name, of what would stay of a client's line.
void Redactor::find_named(std::string_view line, Spans& spans) const {
  std::vector<Originals::Found> found;
  if (originals_.has_named()) originals_.find(line, found);
  std::erase_if(found, [](const Originals::Found& one) { return one.kind != Kind::Named; });
  rules_.patterns.each_match(line, [&found](std::size_t from, std::size_t to) {
    found.push_back({from, to, Kind::Named, false});
  });
  for (const Originals::Found& one : found)
    add_uncovered({one.from, one.to, one.kind}, spans);
}

void Redactor::redact_beside_events(EventBatch& batch) {
  for (Gap& gap : batch.gaps) {
    gap.detail.clear();
    if (gap.origin != nullptr) gap.origin = &pinned(*gap.origin, batch);
  }
  omitted_.notes += std::erase_if(batch.notes, [](const Note& note) {
    return note.key != kBodiesNote && note.key != kSecretsNote;
  });
  batch.clocks.clear();
  batch.foreign.clear();
}

void Redactor::take(std::string& text, const Spans& spans) {
  pseudonyms_.replace(text, spans);
}

const MetaPtr& Redactor::redacted(const Meta& meta) {
  if (const MetaPtr* const known = metas_.find(meta)) return *known;
  if (meta.form() != Meta::Form::Object) {
    if (meta.form() == Meta::Form::Other) leave_out({}, meta.text());
    return metas_.remember(meta, Meta::null());
  }
  std::vector<std::shared_ptr<const Member>> members;
  std::vector<Meta::Entry> entries;
  for (const Meta::Entry& entry : meta.entries()) {
    members.push_back(redacted(entry));
    const Member& member = *members.back();
    if (member.json) entries.push_back({entry.key, *member.json});
  }
  return metas_.remember(meta, Meta::derive(nullptr, entries, {}));
}

std::shared_ptr<const Redactor::Member> Redactor::redacted(const Meta::Entry& member) {
  const std::uint64_t hash = hash_of(member);
  if (const auto* const known = members_.find(hash)) {
    pseudonyms_.count((*known)->counts);
    omitted_.members += (*known)->omitted;
    return *known;
  }
  const auto result = std::make_shared<Member>();
  const auto counts = pseudonyms_.counts();
  const std::uint64_t omitted = omitted_.members;
  result->json = visit(member, *this);
  for (std::size_t kind = 0; kind < kKinds; ++kind)
    result->counts[kind] = pseudonyms_.counts()[kind] - counts[kind];
  result->omitted = omitted_.members - omitted;
  return members_.remember(hash, result);
}

const ShortValues& Redactor::short_values(const Meta& meta) {
  if (const auto* const known = short_values_.find(meta)) return **known;
  const auto values = std::make_shared<ShortValues>();
  for (const Meta::Entry& member : meta.entries())
    add_short_values(member, *values);
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
  return *short_values_.remember(meta, values);
}

FreeText Redactor::free_text(const Meta* meta) {
  return {originals_,
          meta == nullptr ? nullptr : &short_values(*meta),
          rules_.patterns.empty() ? nullptr : &rules_.patterns};
}

const std::shared_ptr<const Origin>& Redactor::known(const Origin& origin) {
  const auto known = std::find_if(
      origins_.begin(), origins_.end(), [&origin](const auto& one) { return one.first == origin; });
  if (known != origins_.end()) return known->second;
  Origin other = origin;
  const std::string_view capture(reinterpret_cast<const char*>(origin.capture.bytes.data()),
                                 origin.capture.bytes.size());
  other.capture.bytes = pseudonyms_.id_of(capture);
  pseudonyms_.replace(std::span<char>(other.source), {{0, other.source.size(), Kind::Label}});
  return origins_.emplace_back(origin, std::make_shared<const Origin>(other)).second;
}

const Origin& Redactor::pinned(const Origin& origin, EventBatch& batch) {
  const std::shared_ptr<const Origin>& one = known(origin);
  if (batch.pins.back() != one) batch.pins.push_back(one);
  return *one;
}

Origin Redactor::redacted(const Origin& origin) {
  return *known(origin);
}

}  // namespace smtptape
