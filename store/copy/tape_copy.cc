#include "store/copy/tape_copy.h"

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/io.h"
#include "format/wire/wire.h"
#include "store/find/input_files.h"

namespace smtptape {

namespace {

// A file opened as a tape.
class OpenTape {
 public:
  explicit OpenTape(const std::filesystem::path& path)
      : source_(open_input(path), path.string()), reader_(source_, path.string()) {}
  TapeReader& reader() { return reader_; }

 private:
  FdSource source_;
  TapeReader reader_;
};

// How many events each damage cost.  Where a single place is unknown, the footer tells the sum.
std::vector<std::optional<std::uint64_t>> losses_of(const TapeCheck& original) {
  std::vector<std::optional<std::uint64_t>> losses;
  std::uint64_t known = 0;
  for (const Damage& damage : original.damage) {
    losses.push_back(damage.events_lost);
    known += damage.events_lost.value_or(0);
  }
  if (!original.footer || original.footer->ledger.stored < original.events + known) return losses;
  const auto unknown = std::count(losses.begin(), losses.end(), std::nullopt);
  const std::uint64_t rest = original.footer->ledger.stored - original.events - known;
  if (unknown == 1 || rest == 0) {
    for (auto& loss : losses)
      loss = loss.value_or(rest);
  }
  return losses;
}

class Copier {
 public:
  Copier(const TapeCheck& original, TapeReader& reader, TapeWriter& writer)
      : original_(original), reader_(reader), writer_(writer), losses_(losses_of(original)) {}

  CopyTotals copy(std::int64_t now) {
    EventBatch batch;
    while (reader_.next(batch)) {
      note_damage(batch.events.empty() ? nullptr : &batch.events.front());
      add(batch);
    }
    note_damage(nullptr);
    writer_.seal(ledger(), now);
    totals_.events = writer_.events_written();
    totals_.bytes = writer_.bytes_written();
    return totals_;
  }

 private:
  void add(const EventBatch& batch) {
    for (const Event& event : batch.events) {
      writer_.add(event);
      last_sequence_ = event.sequence;
      last_received_ = event.received;
    }
    writer_.add_beside_events(batch, ledger_);
  }

  // What was found since the last time lies before `next`; null: before whatever comes.
  void note_damage(const Event* next) {
    for (; told_ < reader_.damage().size(); ++told_) {
      const Damage& damage = reader_.damage()[told_];
      Gap gap;
      gap.cause = GapCause::Disk;
      if (told_ < losses_.size()) gap.count = losses_[told_];
      gap.after_sequence = last_sequence_;
      gap.before_sequence = next == nullptr ? 0 : next->sequence;
      gap.from = last_received_;
      gap.until = next == nullptr ? last_received_ : next->received;
      gap.detail = "in " + original_.path.filename().string() + " " + text_of(damage);
      if (gap.count == 0) continue;  // an index or a footer: no event was lost
      totals_.lost = capped_sum(totals_.lost, gap.count.value_or(0));
      if (!gap.count) ++totals_.lost_unknown;
      writer_.add(gap);
      ledger_.add(gap);
    }
  }

  [[nodiscard]] Ledger ledger() const {
    Ledger ledger = ledger_;
    if (original_.footer) ledger.not_selected = original_.footer->ledger.not_selected;
    ledger.received = writer_.events_written() + ledger.not_selected + ledger.total_lost().count;
    return ledger;
  }

  const TapeCheck& original_;
  TapeReader& reader_;
  TapeWriter& writer_;
  std::vector<std::optional<std::uint64_t>> losses_;
  std::size_t told_ = 0;
  std::uint64_t last_sequence_ = 0;
  std::int64_t last_received_ = 0;
  Ledger ledger_;
  CopyTotals totals_;
};

// Of everything that a reader is told.  Where gaps and notes stand between the events depends on
// the batches, so each kind is added up for itself.
class ContentHash {
 public:
  void add(const EventBatch& batch) {
    for (const Event& event : batch.events) {
      number(events_, event.sequence);
      number(events_, static_cast<std::uint64_t>(event.received));
      text_.clear();
      append_frame(text_, event);
      text(events_, text_.view());
      number(events_, full_length(event));
      number(events_, (event.trimmed ? 1U : 0U) + (event.masked ? 2U : 0U));
    }
    for (const Gap& gap : batch.gaps) {
      number(gaps_, static_cast<std::uint64_t>(gap.cause));
      number(gaps_, gap.count.value_or(0));
      number(gaps_, gap.after_sequence);
      number(gaps_, gap.before_sequence);
      text(gaps_, gap.detail);
    }
    for (const Note& note : batch.notes) {
      text(notes_, note.key);
      text(notes_, note.value);
    }
    for (const ClockReading& clock : batch.clocks) {
      for (const std::int64_t each : {clock.realtime, clock.monotonic, clock.boottime})
        number(clocks_, static_cast<std::uint64_t>(each));
    }
    for (const std::string_view record : batch.foreign)
      text(foreign_, record);
  }
  using Values = std::array<std::uint64_t, 5>;
  [[nodiscard]] Values values() const {
    return {events_.value(), gaps_.value(), notes_.value(), clocks_.value(), foreign_.value()};
  }

 private:
  static void number(Hasher& to, std::uint64_t value) {
    to.add({reinterpret_cast<const char*>(&value), sizeof(value)});
  }
  static void text(Hasher& to, std::string_view value) {
    number(to, value.size());
    to.add(value);
  }
  Hasher events_;
  Hasher gaps_;
  Hasher notes_;
  Hasher clocks_;
  Hasher foreign_;
  TextBuffer text_;
};

struct Content {
  ContentHash::Values hashes;
  bool whole;
};

Content content_of(const std::filesystem::path& path) {
  OpenTape tape(path);
  ContentHash hash;
  EventBatch batch;
  while (tape.reader().next(batch))
    hash.add(batch);
  return {hash.values(), tape.reader().damage().empty()};
}

}  // namespace

TapeHeader header_of_copy(const TapeCheck& original) {
  TapeHeader header;
  if (original.header) {
    header = *original.header;
    header.copy_of = header.tape_id;
  } else {
    header.origin = original.origin.value_or(Origin{random_id(), "unknown", 0, false});
  }
  header.tape_id = random_id();
  header.flags = {};
  header.layout = Layout::TwoFrames;
  return header;
}

CopyTotals copy_tape(const TapeCheck& original,
                     TapeHeader header,
                     const TapeOptions& options,
                     std::int64_t now,
                     ByteSink& sink) {
  OpenTape tape(original.path);
  TapeWriter writer(sink, std::move(header), options);
  return Copier(original, tape.reader(), writer).copy(now);
}

bool same_content(const std::filesystem::path& a, const std::filesystem::path& b) {
  const Content of_a = content_of(a);
  const Content of_b = content_of(b);
  return of_a.whole && of_b.whole && of_a.hashes == of_b.hashes;
}

}  // namespace smtptape
