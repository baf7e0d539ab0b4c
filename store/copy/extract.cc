#include "store/copy/extract.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/hash.h"
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

Extract write_extract(SelectedSource& events, TapeWriter& writer, std::int64_t now) {
  Insiders insiders;
  Ledger ledger;
  EventBatch batch;
  while (events.next(batch)) {
    std::erase_if(batch.notes, [](const Note& note) { return note.key == kNoFinalNewline; });
    insiders.add(batch);
    for (const Event& event : batch.events)
      writer.add(event);
    writer.add_beside_events(batch, ledger);
  }
  const std::uint64_t seen = events.tally().seen;
  ledger.received = seen + ledger.total_lost().count;
  ledger.not_selected = seen - writer.events_written();
  writer.seal(ledger, now);
  Extract extract;
  extract.events = writer.events_written();
  extract.bytes = writer.bytes_written();
  insiders.tell(extract);
  return extract;
}

}  // namespace smtptape
