#include "share/redact/redact_tape.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/followed_file.h"
#include "base/hash.h"
#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"
#include "share/redact/learner.h"
#include "store/copy/extract.h"
#include "store/read/inputs.h"

namespace smtptape {

namespace {

constexpr Levels kLevels{Bodies::Headers, Secrets::Mask};

// The events of a tape in a temporary file, read ahead on another thread.
class TapeEvents {
 public:
  explicit TapeEvents(ByteSource& tape) : reader_(tape, "the copy"), ahead_(reader_) {}
  EventSource& events() { return ahead_; }
  // At the end.
  void check_end() const {
    if (reader_.end() != TapeEnd::Sealed || !reader_.damage().empty())
      throw Error("the temporary copy of the tape can't be read to its end; try again");
  }
  [[nodiscard]] const std::optional<TapeHeader>& header() const { return reader_.header(); }
  [[nodiscard]] const std::optional<TapeFooter>& footer() const { return reader_.footer(); }

 private:
  TapeReader reader_;
  ReadAhead ahead_;
};

std::string names_of_kept(const std::array<bool, kKinds>& kept) {
  std::string names;
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    if (!kept[kind]) continue;
    names += names.empty() ? "" : ",";
    names += kKindNames[kind];
  }
  return names.empty() ? "nothing" : names;
}

// With an id that follows from the key and the content: the same result is the same file.
TapeHeader header_of(const TapeHeader& fresh,
                     const Learned& learned,
                     Redactor& redactor,
                     Pseudonyms& pseudonyms) {
  TapeHeader header;
  header.tape_id.bytes = pseudonyms.id_of("tape " + std::to_string(learned.digest));
  header.writer = fresh.writer;
  header.origin = redactor.redacted(learned.header.origin);
  header.first_sequence = learned.header.first_sequence;
  return header;
}

// Everything that `redactor` gives, sealed when the last event came.
std::uint64_t write(Redactor& redactor, TapeWriter& writer, const RedactionRules& rules) {
  ReadAhead redacted(redactor);
  for (const Note& note : notes_of(kLevels))
    writer.add(note);
  writer.add(Note{std::string(kRedactedNote), names_of_kept(rules.kept)});
  Ledger ledger;
  EventBatch batch;
  std::int64_t last = 0;
  while (redacted.next(batch)) {
    for (const Event& event : batch.events) {
      last = std::max(last, event.received);
      writer.add(event);
    }
    std::erase_if(batch.notes, [](const Note&) { return true; });  // said above
    writer.add_beside_events(batch, ledger);
  }
  const std::uint64_t frames = redactor.omitted().frames;
  ledger.not_selected = frames;
  ledger.received = writer.events_written() + frames + ledger.total_lost().count;
  writer.seal(ledger, last);
  return writer.events_written();
}

// Looks through a whole tape.
void check(ByteSource& result, const Learned& learned, std::vector<Leak>& found) {
  LeakCheck leaks(learned.originals, learned.kept.kinds);
  TapeEvents tape(result);
  EventBatch batch;
  while (tape.events().next(batch))
    leaks.add(batch);
  tape.check_end();
  const TapeHeader& header = tape.header().value();
  for (const std::string& text : {header.origin.source, header.url, header.request, header.boot_id})
    leaks.add(text, "the tape's header");
  for (const Note& note : tape.footer().value().notes)
    leaks.add(note.key + " " + note.value, "a note");
  for (const Origin& origin : tape.footer().value().origins)
    leaks.add(origin.source, "a source's name");
  leaks.finish();
  found = leaks.leaks();
}

struct Wanted {
  const TapeHeader& fresh;
  const TapeOptions& options;
};

// With that key; something may be left.
RedactedTape redact_with(const PseudonymKey& key,
                         const TemporaryFile& original,
                         const Learned& learned,
                         const Wanted& wanted) {
  RedactedTape result;
  result.key = key;
  RedactionReport& report = result.report;
  result.pseudonyms =
      std::make_unique<Pseudonyms>(key, learned.kept, [&learned](std::string_view text) {
        return learned.originals.has_any(text) || learned.originals.is_original(text);
      });
  Pseudonyms& pseudonyms = *result.pseudonyms;
  const auto source = original.read();
  TapeEvents tape(*source);
  Redactor redactor(tape.events(), learned.originals, pseudonyms, learned.rules);
  auto file = std::make_unique<FollowedFile>();
  Follower leaks(
      *file, "leak-check", [&](ByteSource& redacted) { check(redacted, learned, report.leaks); });
  TapeWriter writer(*file, header_of(wanted.fresh, learned, redactor, pseudonyms), wanted.options);
  report.events = write(redactor, writer, learned.rules);
  file->end();
  tape.check_end();
  leaks.wait();
  report.originals = learned.originals.size();
  report.counts = pseudonyms.counts();
  report.omitted = redactor.omitted();
  report.kept_names = learned.originals.kept();
  result.tape = std::move(file);
  return result;
}

}  // namespace

void learn(ByteSource& tape, Learned& learned) {
  Learner learner(learned.originals, learned.kept, learned.rules);
  TapeEvents from(tape);
  EventBatch batch;
  Hasher digest;
  while (from.events().next(batch)) {
    learner.add(batch);
    for (const Event& event : batch.events)
      add_to_digest(digest, event);
  }
  from.check_end();
  learned.digest = digest.value();
  learned.header = from.header().value();
  learner.learn_source(learned.header.origin);
  learner.finish();
}

RedactedTape redact_tape(const TemporaryFile& original,
                         const std::shared_ptr<const Learned>& learned,
                         const std::optional<PseudonymKey>& key,
                         const TapeHeader& fresh,
                         const TapeOptions& options) {
  // Where there are very many names a pseudonym may become one of them with what stands around it:
  // another key, another result.
  constexpr int kTries = 3;
  const int tries = key ? 1 : kTries;
  RedactedTape result;
  for (int attempt = 0; attempt < tries; ++attempt) {
    result = redact_with(key ? *key : random_digest_key(), original, *learned, {fresh, options});
    result.originals = {learned, &learned->originals};
    if (result.report.leaks.empty()) return result;
  }
  result.tape.reset();
  return result;
}

}  // namespace smtptape
