#include "store/copy/import.h"

#include <limits>

#include "store/read/inputs.h"

namespace smtptape {

namespace {

class Importer {
 public:
  Importer(TapeWriter& writer, Imported& imported) : writer_(writer), imported_(imported) {}

  void add(const EventBatch& batch) {
    for (const Event& event : batch.events) {
      count(event);
      writer_.add(event);
      if (const auto gap = lag_gap(event, before_)) {
        writer_.add(*gap);
        imported_.ledger.add(*gap);
      }
      before_ = event.received;
    }
    writer_.add_beside_events(batch, imported_.ledger);
  }

 private:
  void count(const Event& event) {
    const bool unreadable = event.kind == EventKind::Unknown && event.meta == nullptr;
    const bool blank = unreadable && event.verbatim->frame.empty();
    if (!blank) ++(unreadable ? imported_.unreadable : imported_.readable);
  }

  TapeWriter& writer_;
  Imported& imported_;
  // When the last event was received: never later than the next, in a file.
  std::int64_t before_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace

Imported import_feed(FeedFileSource& feed, TapeWriter& writer, std::int64_t now) {
  Imported imported;
  Importer importer(writer, imported);
  {
    ReadAhead ahead(feed);
    for (EventBatch batch; ahead.next(batch);)
      importer.add(batch);
  }
  imported.ledger.received = feed.received();
  writer.seal(imported.ledger, now);
  imported.ledger.stored = writer.events_written();
  imported.bytes = writer.bytes_written();
  for (const GroupIndex& group : writer.groups()) {
    imported.wire_bytes += group.wire_bytes;
    imported.verbatim += group.verbatim;
  }
  return imported;
}

}  // namespace smtptape
