#include "store/copy/extract.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/hash.h"
#include "filters/event_levels.h"
#include "format/meta.h"
#include "format/wire/feed_file.h"
#include "format/wire/json.h"

namespace smtptape {

namespace {

// Whose mail is inside: shown before the file leaves the house.
class Insiders {
 public:
  void add(const EventBatch& batch) {
    for (const Event& event : batch.events) {
      if (event.meta == nullptr || seen_.find(*event.meta) != nullptr) continue;
      seen_.remember(*event.meta, true);
      if (const auto tenant = event.meta->find("tenant")) add(tenants_, unquoted(*tenant));
      if (const auto sender = event.meta->find("sender")) add(domains_, domain(unquoted(*sender)));
      if (event.meta->session_id() && !event.meta->session_id()->empty()) {
        sessions_.emplace(*event.meta->session_id());
      }
    }
  }
  void tell(Extract& extract) {
    extract.sessions = sessions_.size();
    extract.tenants = std::move(tenants_);
    extract.domains = std::move(domains_);
  }

 private:
  static void add(std::set<std::string>& to, const std::string& value) {
    if (to.size() < kMostInsiders && !value.empty()) to.insert(value);
  }
  static std::string unquoted(std::string_view json) {
    JsonReader reader(json);
    std::string text;
    return reader.peek() == JsonReader::Type::String && reader.read_string(text) ? text : "";
  }
  static std::string domain(const std::string& address) {
    const std::size_t at = address.rfind('@');
    return at == std::string::npos ? "" : address.substr(at + 1);
  }

  MetaMemo<bool> seen_;
  std::set<std::string> tenants_;
  std::set<std::string> domains_;
  std::set<std::string> sessions_;
};

Extract finish(
    TapeWriter& writer, Ledger& ledger, std::uint64_t seen, std::int64_t now, Insiders& insiders) {
  ledger.received = seen + ledger.total_lost().count;
  ledger.not_selected = seen - writer.events_written();
  writer.seal(ledger, now);
  Extract extract;
  extract.events = writer.events_written();
  extract.bytes = writer.bytes_written();
  insiders.tell(extract);
  return extract;
}

Origin first_origin(const std::vector<TapeFile>& tapes) {
  const auto known = std::find_if(
      tapes.begin(), tapes.end(), [](const TapeFile& tape) { return !tape.origins.empty(); });
  return known != tapes.end() ? known->origins.front() : Origin{random_id(), "unknown", 0, false};
}

}  // namespace

TapeHeader header_of_extract(const std::vector<TapeFile>& tapes, TapeHeader fresh) {
  fresh.origin = first_origin(tapes);
  for (const TapeFile& tape : tapes) {
    if (tape.header) fresh.copy_of = tape.header->tape_id;
  }
  return fresh;
}

Extract write_extract(SelectedSource& events,
                      TapeWriter& writer,
                      std::int64_t now,
                      const Levels& levels) {
  Insiders insiders;
  Ledger ledger;
  EventBatch batch;
  CaptureLevels kept(levels);
  for (const Note& note : notes_of(levels))
    writer.add(note);
  while (events.next(batch)) {
    std::erase_if(batch.notes, [](const Note& note) { return note.key == kNoFinalNewline; });
    insiders.add(batch);
    if (!batch.gaps.empty()) kept.lost_track();
    for (Event& event : batch.events) {
      if (!levels.keep_everything()) kept.apply(event, batch);
      writer.add(event);
    }
    writer.add_beside_events(batch, ledger);
  }
  return finish(writer, ledger, events.tally().seen, now, insiders);
}

std::vector<std::string> sessions_of(EventSource& events) {
  std::vector<std::string> sessions;
  std::set<std::string, std::less<>> seen;
  MetaMemo<bool> known;
  EventBatch batch;
  while (events.next(batch)) {
    for (const Event& event : batch.events) {
      if (event.meta == nullptr || known.find(*event.meta) != nullptr) continue;
      known.remember(*event.meta, true);
      const auto session = event.meta->session_id();
      if (session && seen.emplace(*session).second) sessions.emplace_back(*session);
    }
  }
  return sessions;
}

void add_to_digest(Hasher& hasher, const Event& event) {
  hasher.add({reinterpret_cast<const char*>(&event.sequence), sizeof(event.sequence)});
  hasher.add(event.text);
}

Digest digest_of(EventSource& events) {
  Digest digest;
  Hasher hasher;
  EventBatch batch;
  while (events.next(batch)) {
    for (const Event& event : batch.events) {
      add_to_digest(hasher, event);
      digest.last_received = std::max(digest.last_received, event.received);
    }
  }
  digest.value = hasher.value();
  return digest;
}

Extract write_sessions(EventSource& events,
                       const std::set<std::string, std::less<>>* sessions,
                       TapeWriter& writer,
                       std::int64_t now) {
  Insiders insiders;
  Ledger ledger;
  EventBatch batch;
  std::uint64_t seen = 0;
  while (events.next(batch)) {
    seen += batch.events.size();
    std::erase_if(batch.events, [sessions](const Event& event) {
      return sessions != nullptr && event.meta != nullptr && event.meta->session_id() &&
             !sessions->contains(*event.meta->session_id());
    });
    insiders.add(batch);
    for (const Event& event : batch.events)
      writer.add(event);
    writer.add_beside_events(batch, ledger);
  }
  return finish(writer, ledger, seen, now, insiders);
}

}  // namespace smtptape
