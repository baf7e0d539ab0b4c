#include "cli/run/extraction.h"

#include <algorithm>
#include <memory>
#include <set>

#include "base/counted.h"
#include "base/error.h"
#include "base/followed_file.h"
#include "base/io.h"
#include "base/time_spec.h"
#include "cli/options/tape_output.h"
#include "cli/run/redaction.h"
#include "cli/run/result.h"
#include "cli/run/selected_tapes.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"
#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"

namespace smtptape {

namespace {

std::string listed(const std::set<std::string>& all) {
  constexpr std::size_t kMostShown = 20;
  std::string text;
  std::size_t shown = 0;
  for (const std::string& value : all) {
    if (shown++ == kMostShown) {
      return text + " and " + std::to_string(all.size() - kMostShown) + " more";
    }
    text += (text.empty() ? "" : ", ") + value;
  }
  return text.empty() ? "none" : text;
}

// What was chosen, as a tape of its own.
Extraction copy_chosen(const SelectionOptions& options,
                       const Selection& selection,
                       const Levels& levels,
                       ByteSink& to,
                       const std::string& name) {
  SelectedTapes tapes(options, selection, "copying");
  TapeWriter writer(
      to, header_of_extract(tapes.tapes(), new_tape_header({})), file_options(indexed_keys()));
  Extraction extraction;
  extraction.extract = write_extract(tapes.events(), writer, now_unix_nanos(), levels);
  const bool empty = extraction.extract.events == 0;
  extraction.incomplete = tapes.tell_end(empty ? Answer::Empty : Answer::Something);
  if (empty) {
    throw Error("nothing was chosen, so " + name + " was not written; widen the filters or times");
  }
  return extraction;
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

// A tape that was chosen, before it is known how much of it goes out, and in which form.
class Draft {
 public:
  // `original` is yet to be written: what is in it is learned meanwhile.
  Draft(const ExtractWishes& wishes, FollowedFile& original)
      : wishes_(wishes), original_(original) {
    if (wishes.redact == nullptr) return;
    learned_.rules = wishes.redact->rules();
    key_ = wishes.redact->key();
    learning_.emplace(original, "learner", [this](ByteSource& tape) { learn(tape, learned_); });
  }

  // First of all those that were chosen, then what stands beside them.
  void set_order(const Company& company) {
    order_ = company.chosen;
    order_.insert(order_.end(), company.beside.begin(), company.beside.end());
  }

  // As many sessions as fit, from the front of their order.
  void write(Extraction& extraction, Result& file) {
    original_.end();
    make(std::nullopt, extraction);
    while (wishes_.most_bytes && bytes_ > *wishes_.most_bytes)
      make(fewer(), extraction);
    if (redacted_.tape) {
      extraction.redaction = redacted_.report;
      extraction.rules = learned_.rules;
      extraction.extract.events = redacted_.report.events;
      wishes_.redact->write_map(redacted_);
    }
    extraction.extract.bytes = copy_bytes(*result().read(), file);
    for (std::size_t i = taken_; i < order_.size(); ++i)
      extraction.left_out.push_back(order_[i]);
  }

 private:
  // Without a count: all of it.
  void make(std::optional<std::size_t> sessions, Extraction& extraction) {
    if (sessions) {
      taken_ = *sessions;
      part_ = std::make_unique<TemporaryFile>();
      const auto source = original_.read();
      TapeReader reader(*source, "the copy");
      EventBatch first;
      static_cast<void>(reader.next(first));
      TapeWriter writer(*part_, reader.header().value(), file_options(indexed_keys()));
      const auto again = original_.read();
      TapeReader events(*again, "the copy");
      extraction.extract =
          write_sessions(events,
                         {order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(taken_)},
                         writer,
                         now_unix_nanos());
    } else {
      taken_ = order_.size();
    }
    if (wishes_.redact != nullptr) redact();
    bytes_ = result().size();
  }

  void redact() {
    if (part_) {
      RedactionRules rules = std::move(learned_.rules);
      learned_ = {};
      learned_.rules = std::move(rules);
      learn(*part_->read(), learned_);
    } else {
      learning_->wait();
    }
    redacted_ =
        redact_tape(part(), learned_, key_, new_tape_header({}), file_options(indexed_keys()));
    refuse_leaks(redacted_.report);
  }

  // Of what was too much.
  std::size_t fewer() {
    if (order_.empty()) {
      const auto source = original_.read();
      TapeReader events(*source, "the copy");
      order_ = sessions_of(events);
      taken_ = order_.size();
    }
    if (taken_ <= 1) {
      throw Error("the first session alone takes " + show_size(bytes_) + ", more than --limit " +
                  show_size(*wishes_.most_bytes) +
                  "; leave out what was said in mails by "
                  "--bodies none, or raise it");
    }
    // A little less than in proportion: a tape has its own weight.
    constexpr double kShare = 0.95;
    const double fits = static_cast<double>(*wishes_.most_bytes) / static_cast<double>(bytes_);
    const auto count = static_cast<std::size_t>(static_cast<double>(taken_) * fits * kShare);
    return std::clamp<std::size_t>(count, 1, taken_ - 1);
  }

  [[nodiscard]] const TemporaryFile& part() const { return part_ ? *part_ : original_; }
  [[nodiscard]] const TemporaryFile& result() const {
    return redacted_.tape ? *redacted_.tape : part();
  }

  const ExtractWishes& wishes_;
  FollowedFile& original_;
  Learned learned_;
  std::optional<PseudonymKey> key_;
  std::vector<std::string> order_;       // of the sessions; may be found when it is needed
  std::size_t taken_ = 0;                // of them
  std::unique_ptr<TemporaryFile> part_;  // null: all of the original
  RedactedTape redacted_;
  std::uint64_t bytes_ = 0;           // of the result
  std::optional<Follower> learning_;  // last: it uses the others
};

// What is written must not be what else is written, or read.
void refuse_shared_files(const ExtractWishes& wishes, const std::vector<std::string>& tapes) {
  const RedactOptions& redact = *wishes.redact;
  std::vector<NamedFile> read;
  if (redact.rules_file) read.push_back({"--rules", *redact.rules_file});
  if (redact.map_file) {
    std::vector<NamedFile> others = read;
    others.push_back({"-o", wishes.output});
    refuse_shared_file({"--map", *redact.map_file}, others, tapes);
  }
  refuse_shared_file({"-o", wishes.output}, read, tapes);
}

}  // namespace

Extraction extract(const ExtractWishes& wishes,
                   const SelectionOptions& options,
                   const Selection& selection) {
  if (wishes.redact != nullptr) refuse_shared_files(wishes, options.tapes);
  Result file(wishes.output, wishes.force, Result::Content::Tape, options.tapes);
  Company company;
  Selection all = selection;
  if (wishes.company.any()) {
    company = find_company(options, selection, wishes.company);
    if (!company.chosen.empty()) {
      all = Selection();
      all.scope = Scope::Session;
      all.sessions = company.chosen;
      all.sessions.insert(all.sessions.end(), company.beside.begin(), company.beside.end());
    }
  }
  Extraction extraction;
  if (wishes.redact != nullptr || wishes.most_bytes) {
    // What was chosen is read several times, and must be the same each time: a store may grow.
    FollowedFile original;
    Draft draft(wishes, original);
    extraction = copy_chosen(options, all, wishes.levels, original, file.name());
    draft.set_order(company);
    draft.write(extraction, file);
  } else {
    extraction = copy_chosen(options, all, wishes.levels, file, file.name());
  }
  file.commit();
  extraction.output = file.name();
  extraction.is_file = file.is_file();
  // They are the first to be left out.
  extraction.beside =
      company.beside.size() - std::min(company.beside.size(), extraction.left_out.size());
  return extraction;
}

void tell_of(const Extraction& extraction) {
  const std::string& output = extraction.output;
  const Extract& extract = extraction.extract;
  say(output + ": " + counted(extract.events, "event") + " of " +
      counted(extract.sessions, "session") + ", " + show_size(extract.bytes));
  if (extraction.beside > 0)
    say(counted(extraction.beside, "session") + " of these to compare with");
  if (!extraction.left_out.empty()) {
    // Ids are names, too.
    const std::set<std::string> ids(extraction.left_out.begin(), extraction.left_out.end());
    say("left out, to stay within --limit: " + counted(ids.size(), "session") +
        (extraction.redaction ? "" : ": " + listed(ids)));
  }
  if (extraction.redaction) {
    say_lines(text_of(*extraction.redaction, extraction.rules));
    say("read it before you send it: `smtptape show` and `smtptape replay` show what is left");
    if (extraction.is_file) say("GitHub takes it as a .zip: zip " + output + ".zip " + output);
    return;
  }
  say("tenants inside: " + listed(extract.tenants) +
      "; sender domains: " + listed(extract.domains));
  say("it holds secrets: what was recorded of passwords, messages and addresses");
  if (extraction.is_file) say("GitHub takes it as a .zip: zip " + output + ".zip " + output);
}

std::string json_line(const Extraction& extraction, std::string_view schema) {
  const Extract& extract = extraction.extract;
  const auto list = [](const std::set<std::string>& all) { return json_array(all, json_string); };
  boost::json::object object{{"schema", json_string(schema)},
                             {"path", json_string(extraction.output)},
                             {"events", extract.events},
                             {"sessions", extract.sessions},
                             {"bytes", extract.bytes},
                             {"complete", !extraction.incomplete},
                             {"sessions_left_out", extraction.left_out.size()}};
  if (extraction.redaction) {
    object["redaction"] = json_of(*extraction.redaction, extraction.rules);
  } else {
    object["tenants"] = list(extract.tenants);
    object["sender_domains"] = list(extract.domains);
  }
  return line_of(object);
}

}  // namespace smtptape
