#include "cli/run/draft.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/keyed_digest.h"
#include "base/time_spec.h"
#include "cli/options/tape_output.h"
#include "cli/run/fewer_sessions.h"
#include "cli/run/redaction.h"
#include "cli/run/selected_tapes.h"
#include "cli/text/progress.h"
#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"

namespace smtptape {

namespace {

class TapeEvents {
 public:
  explicit TapeEvents(const TemporaryFile& file)
      : source_(file.read()), reader_(*source_, "the copy") {}
  TapeReader& operator*() { return reader_; }

 private:
  std::unique_ptr<ByteSource> source_;
  TapeReader reader_;
};

}  // namespace

Chosen choose(const SelectionOptions& options,
              const Selection& selection,
              const CompanyWishes& company) {
  Chosen chosen{selection, {}};
  if (!company.any()) return chosen;
  chosen.company = find_company(options, selection, company);
  if (chosen.company.chosen.empty()) return chosen;
  Selection all;
  all.scope = Scope::Session;
  all.sessions = chosen.company.chosen;
  all.sessions.insert(
      all.sessions.end(), chosen.company.beside.begin(), chosen.company.beside.end());
  chosen.selection = std::move(all);
  return chosen;
}

Extraction copy_chosen(const Levels& levels,
                       const SelectionOptions& options,
                       const Chosen& chosen,
                       ByteSink& to,
                       const std::string& name) {
  SelectedTapes tapes(options, chosen.selection, "copying");
  TapeWriter writer(
      to, header_of_extract(tapes.tapes(), new_tape_header({})), file_options(indexed_keys()));
  Extraction extraction;
  const auto known = std::find_if(tapes.tapes().begin(),
                                  tapes.tapes().end(),
                                  [](const TapeFile& tape) { return tape.header.has_value(); });
  if (known != tapes.tapes().end()) extraction.recorder = known->header->writer;
  extraction.extract = write_extract(tapes.events(), writer, now_unix_nanos(), levels);
  const bool empty = extraction.extract.events == 0;
  extraction.incomplete = tapes.tell_end(empty ? Answer::Empty : Answer::Something);
  if (empty) {
    throw Error("nothing was chosen, so " + name + " was not written; widen the filters or times");
  }
  return extraction;
}

Draft::Draft(const ExtractWishes& wishes,
             const SelectionOptions& options,
             const Chosen& chosen,
             const std::string& name)
    : wishes_(wishes),
      learned_(wishes.redact == nullptr ? nullptr : std::make_shared<Learned>()),
      order_(chosen.company.chosen),
      beside_(chosen.company.beside.size()) {
  if (wishes.redact != nullptr) {
    learned_->rules = wishes.redact->rules();
    key_ = wishes.redact->key();
    learning_.emplace(original_, "learner", [this](ByteSource& tape) { learn(tape, *learned_); });
  }
  extraction_ = copy_chosen(wishes.levels, options, chosen, original_, name);
  original_.end();
  if (learned_) extraction_.rules = learned_->rules;
  // First of all those that were chosen, then what stands beside them.
  order_.insert(order_.end(), chosen.company.beside.begin(), chosen.company.beside.end());
}

void Draft::fit(const std::function<std::uint64_t()>& size) {
  make(0);
  const std::uint64_t all = size();
  if (!wishes_.most_bytes || all <= *wishes_.most_bytes) return;
  find_order();
  FewerSessions fewer(order_.size(), all, *wishes_.most_bytes);
  while (const auto next = fewer.next()) {
    make(*next);
    fewer.tried(*next, size());
  }
  if (fewer.best() == 0) {
    throw Error("the first session alone takes " + show_size(fewer.least()) +
                ", more than --limit " + show_size(*wishes_.most_bytes) +
                "; leave out what was said in mails by --bodies none, or raise it");
  }
  if (taken_ == fewer.best()) return;
  make(fewer.best());
  static_cast<void>(size());
}

const TemporaryFile& Draft::tape() const {
  return redacted_.tape ? *redacted_.tape : part();
}

void Draft::write_map() const {
  if (redacted_.tape) wishes_.redact->write_map(redacted_);
}

// 0: of all of them.
void Draft::make(std::size_t sessions) {
  all_ = sessions == 0;
  taken_ = sessions;
  if (!all_ || (wishes_.reproducible && wishes_.redact == nullptr)) copy_part();
  if (!all_) {
    extraction_.left_out.assign(order_.begin() + static_cast<std::ptrdiff_t>(taken_), order_.end());
  }
  // They are the first to be left out.
  extraction_.beside = beside_ - std::min(beside_, extraction_.left_out.size());
  if (wishes_.redact != nullptr) redact();
}

void Draft::redact() {
  const Progress progress("redacting", std::nullopt);
  if (part_ != nullptr) {
    learned_ = std::make_shared<Learned>();
    learned_->rules = extraction_.rules;
    learn(*part_->read(), *learned_);
  } else {
    learning_->wait();
  }
  redacted_ =
      redact_tape(part(), learned_, key_, new_tape_header({}), file_options(indexed_keys()));
  refuse_leaks(redacted_.report.leaks);
  extraction_.redaction = redacted_.report;
  extraction_.extract.events = redacted_.report.events;
}

void Draft::copy_part() {
  Digest digest;
  if (wishes_.reproducible) {
    TapeEvents original(original_);
    digest = digest_of(*original);
  }
  const std::set<std::string, std::less<>> sessions(
      order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(taken_));
  part_ = std::make_unique<TemporaryFile>();
  TapeWriter writer(*part_, header_of_part(digest), file_options(indexed_keys()));
  TapeEvents original(original_);
  const std::int64_t now = wishes_.reproducible ? digest.last_received : now_unix_nanos();
  extraction_.extract = write_sessions(*original, all_ ? nullptr : &sessions, writer, now);
}

TapeHeader Draft::header_of_part(const Digest& digest) const {
  TapeEvents original(original_);
  EventBatch first;
  static_cast<void>((*original).next(first));
  TapeHeader header = (*original).header().value();
  if (!wishes_.reproducible) return header;
  const KeyedDigest id = keyed_digest(
      DigestKey{}, "tape " + std::to_string(digest.value) + " " + std::to_string(taken_));
  std::copy_n(id.begin(), header.tape_id.bytes.size(), header.tape_id.bytes.begin());
  header.clock = {};
  header.boot_id.clear();
  return header;
}

void Draft::find_order() {
  if (!order_.empty()) return;
  TapeEvents original(original_);
  order_ = sessions_of(*original);
}

std::uint64_t copy_bytes(ByteSource& from, ByteSink& to) {
  std::string buffer(1 << 20, '\0');
  std::uint64_t bytes = 0;
  while (const std::size_t got = from.read(buffer.data(), buffer.size())) {
    to.write({buffer.data(), got});
    bytes += got;
  }
  return bytes;
}

}  // namespace smtptape
