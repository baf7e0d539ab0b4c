#include "tests/fuzz/tape_promise.h"

#include <sys/mman.h>
#include <unistd.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "format/limits.h"
#include "format/tape/session_rows.h"
#include "format/tape/tape_reader.h"
#include "store/check/tape_check.h"
#include "store/copy/tape_copy.h"
#include "store/plan/planned_tape.h"
#include "tests/fuzz/fuzz_events.h"
#include "tests/support/peak_memory.h"

namespace smtptape {

namespace {

constexpr std::uint64_t kAlways = 64 * kMiB;

// What a reader gives, but for how it is cut into batches.
struct Given {
  std::vector<std::uint64_t> events;  // hashes of all that is known of each
  std::vector<std::uint64_t> notes;
  std::uint64_t gaps = 0;
  std::uint64_t clocks = 0;
  std::uint64_t foreign = 0;
  std::string refused;
  bool operator==(const Given&) const = default;
};

void add_batch(const EventBatch& batch, Given& given) {
  std::vector<std::string> frames;
  append_frames(batch, frames);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const Event& event = batch.events[i];
    const std::string all = frames[i] + ' ' + std::to_string(event.sequence) + ' ' +
                            std::to_string(event.received) + ' ' + event.origin->source;
    given.events.push_back(hash64(all));
  }
  for (const Note& note : batch.notes)
    given.notes.push_back(hash64(note.key + '\n' + note.value));
  given.gaps += batch.gaps.size();
  given.clocks += batch.clocks.size();
  given.foreign += batch.foreign.size();
}

Given all_of(EventSource& source) {
  Given given;
  try {
    EventBatch batch;
    while (source.next(batch))
      add_batch(batch, given);
  } catch (const Error& error) {
    given.refused = error.what();
  }
  return given;
}

void read_to_the_end(EventSource& source) {
  try {
    EventBatch batch;
    while (source.next(batch)) {
    }
  } catch (const Error&) {
    // Refused, which is an answer.
  }
}

// Nothing else is measured meanwhile, so nothing that was read is kept.
void check_memory(const GrammarTape& tape) {
  const std::uint64_t most =
      kAlways + kGroupMetaRoom + 2 * (tape.largest_group + tape.footer + tape.bytes.size());
  const auto used = testing::peak_memory_of([&] {
    StringSource source(tape.bytes);
    TapeReader reader(source, "tape");
    read_to_the_end(reader);
  });
  SMTPTAPE_CHECK(used.value_or(0) <= most);
}

// The tape as a file.
class TapeInMemory {
 public:
  explicit TapeInMemory(std::string_view bytes) : fd_(::memfd_create("tape", MFD_CLOEXEC)) {
    FdSink(another(), "tape").write(bytes);
  }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] UniqueFd another() const { return UniqueFd(::dup(fd_.get())); }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  UniqueFd fd_;
};

struct Scanned {
  Given given;
  std::vector<Damage> damage;
  TapeEnd end = TapeEnd::Unclosed;
  std::vector<GroupIndex> indexes;
  [[nodiscard]] bool sound() const {
    return given.refused.empty() && damage.empty() && end == TapeEnd::Sealed;
  }
};

Scanned scan(std::string_view bytes) {
  StringSource source(bytes);
  TapeReader reader(source, "tape");
  Scanned scanned;
  scanned.given = all_of(reader);
  scanned.damage = reader.damage();
  scanned.end = reader.end();
  scanned.indexes = reader.indexes();
  return scanned;
}

// --- by the footer ---

std::shared_ptr<GroupPool> pool() {
  static const auto kPool = std::make_shared<GroupPool>(2);
  return kPool;
}

// Everything: at once, or event by event, which decodes each group.
Selection everything(bool chosen) {
  Selection selection;
  if (chosen) selection.window.since = std::numeric_limits<std::int64_t>::min();
  return selection;
}

PlannedTape planned(const TapeInMemory& file,
                    const std::shared_ptr<const SealedTape>& tape,
                    bool chosen) {
  const auto question =
      std::make_shared<Question>(everything(chosen), Question::Mode::Choose, nullptr);
  return PlannedTape(file.another(), "tape", tape, {question, pool()});
}

std::shared_ptr<const SealedTape> plan_of_file(const TapeInMemory& file) {
  try {
    auto summary = read_summary(file.fd());
    return summary ? plan_of(std::move(*summary), FooterHashes::Keep) : nullptr;
  } catch (const Error&) {
    return nullptr;
  }
}

void check_plan(const TapeInMemory& file, const GrammarTape& tape, const Scanned& scanned) {
  std::shared_ptr<const SealedTape> plan;
  const auto for_footer = testing::peak_memory_of([&] { plan = plan_of_file(file); });
  SMTPTAPE_CHECK(for_footer.value_or(0) <= kAlways + 4 * (tape.footer + tape.bytes.size()));
  SMTPTAPE_CHECK(!tape.honest || !tape.sealed || plan != nullptr);
  if (plan == nullptr) return;
  for (const bool chosen : {false, true}) {
    const auto used = testing::peak_memory_of([&] {
      PlannedTape reading = planned(file, plan, chosen);
      read_to_the_end(reading);
    });
    SMTPTAPE_CHECK(used.value_or(0) <= kAlways + kGroupMetaRoom + GroupPool::kMostBytes +
                                           3 * (tape.largest_group + tape.bytes.size()));
    PlannedTape reading = planned(file, plan, chosen);
    const Given given = all_of(reading);
    if (!chosen)
      SMTPTAPE_CHECK((given.refused.empty() && reading.damage().empty()) == scanned.sound());
    if (!scanned.sound()) continue;
    SMTPTAPE_CHECK(given.events == scanned.given.events);
    SMTPTAPE_CHECK(reading.damage().empty());
    if (tape.honest) SMTPTAPE_CHECK(given == scanned.given);
  }
}

// --- without it ---

void check_rows(const Scanned& scanned) {
  for (const GroupIndex& index : scanned.indexes) {
    try {
      static_cast<void>(read_rows(index));
    } catch (const Error&) {
      // Refused, which is an answer.
    }
  }
}

// What is appended to a tape begins behind its last whole group.
void check_tail(const TapeInMemory& file, const GrammarTape& tape, const Scanned& scanned) {
  try {
    const auto tail = read_tail(file.fd());
    if (!tail) return;
    SMTPTAPE_CHECK(tail->offset <= tape.bytes.size());
    if (!scanned.given.refused.empty() || !scanned.damage.empty()) return;
    SMTPTAPE_CHECK(tail->last_group.has_value() == !scanned.indexes.empty());
    if (!tail->last_group) return;
    SMTPTAPE_CHECK(tail->last_group->number == scanned.indexes.back().number);
  } catch (const Error&) {
    // Refused, which is an answer.
  }
}

// --- verify and recover ---

void check_copy(const TapeCheck& check, const Scanned& scanned) {
  StringSink sink;
  static_cast<void>(copy_tape(check, header_of_copy(check), {}, 1, sink));
  const Scanned copy = scan(sink.text());
  SMTPTAPE_CHECK(copy.sound());
  SMTPTAPE_CHECK(copy.given.events == scanned.given.events);
  SMTPTAPE_CHECK(copy.given.clocks == scanned.given.clocks);
  SMTPTAPE_CHECK(copy.given.foreign == scanned.given.foreign);
}

void check_verify(const TapeInMemory& file, const Scanned& scanned) {
  std::optional<TapeCheck> check;
  try {
    check = check_tape(file.path());
  } catch (const Error&) {
    SMTPTAPE_CHECK(!scanned.given.refused.empty());
    return;
  }
  SMTPTAPE_CHECK(scanned.given.refused.empty());
  SMTPTAPE_CHECK((check->state == TapeState::Sealed) == scanned.sound());
  SMTPTAPE_CHECK(check->events == scanned.given.events.size());
  check_copy(*check, scanned);
}

}  // namespace

void check_tape_promise(const GrammarTape& tape) {
  check_memory(tape);
  const Scanned scanned = scan(tape.bytes);
  if (tape.honest) {
    SMTPTAPE_CHECK(scanned.given.refused.empty() && scanned.damage.empty());
    SMTPTAPE_CHECK((scanned.end == TapeEnd::Sealed) == tape.sealed);
    SMTPTAPE_CHECK(scanned.given.events.size() == tape.events);
  }
  check_rows(scanned);
  const TapeInMemory file(tape.bytes);
  check_plan(file, tape, scanned);
  check_tail(file, tape, scanned);
  check_verify(file, scanned);
}

}  // namespace smtptape
