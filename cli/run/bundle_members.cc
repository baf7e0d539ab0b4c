#include "cli/run/bundle_members.h"

#include <sys/utsname.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/small_file.h"
#include "base/visible_text.h"
#include "cli/run/redaction.h"
#include "cli/run/selected_tapes.h"
#include "cli/run/session_source.h"
#include "cli/text/sorted_lines.h"
#include "cli/version.h"
#include "replay/json/session_json.h"
#include "share/bundle/report.h"
#include "share/page/page.h"

namespace smtptape {

namespace {

constexpr std::string_view kTape = "trace.tape";

// The tape as the commands read theirs.
SelectionOptions options_for(const TemporaryFile& tape) {
  SelectionOptions options;
  options.tapes = {tape.path()};
  return options;
}

// "Debian GNU/Linux 12 (bookworm), Linux 6.1.0 x86_64"
std::string system_name() {
  utsname kernel{};
  static_cast<void>(::uname(&kernel));
  const std::string name = std::string(static_cast<const char*>(kernel.sysname)) + " " +
                           static_cast<const char*>(kernel.release) + " " +
                           static_cast<const char*>(kernel.machine);
  for (const char* const file : {"/etc/os-release", "/usr/lib/os-release"}) {
    try {
      const std::string text = "\n" + read_small_file(file, "the name of the system");
      constexpr std::string_view kKey = "\nPRETTY_NAME=";
      const std::size_t at = text.find(kKey);
      if (at == std::string::npos) continue;
      std::string value = text.substr(at + kKey.size());
      value.resize(std::min(value.size(), value.find('\n')));
      std::erase_if(value, [](char c) { return c == '"' || c == '\''; });
      return value + ", " + name;
    } catch (const Error&) {
      continue;
    }
  }
  return name;
}

class Members {
 public:
  Members(const Draft& draft, const BundleNames& names) : draft_(draft), names_(names) {}

  BundleContent make() {
    facts_.tape = kTape;
    facts_.writer = std::string("smtptape ") + kVersion;
    facts_.system = system_name();
    const Extraction& extraction = draft_.extraction();
    facts_.recorder = extraction.recorder;
    facts_.incomplete = extraction.incomplete;
    facts_.left_out = extraction.left_out.size();
    if (extraction.redaction) {
      facts_.redaction = text_of(*extraction.redaction, extraction.rules) + "\n";
    } else {
      facts_.chosen = names_.chosen;
    }
    auto page = std::make_unique<TemporaryFile>();
    auto sessions = std::make_unique<TemporaryFile>();
    write_sessions(*sessions);
    write_page(*page);
    check_names();
    members_.push_back({"index.html", ZipWriter::Packing::Deflate, std::move(page), nullptr});
    add("report.md", report_of(facts_, figures_));
    add("REDACTION.txt", redaction_text_of(facts_));
    members_.push_back(
        {"sessions.jsonl", ZipWriter::Packing::Deflate, std::move(sessions), nullptr});
    // It is compressed already.
    members_.push_back({std::string(kTape), ZipWriter::Packing::Store, nullptr, &draft_.tape()});
    return {std::move(members_), facts_.page_misses};
  }

 private:
  void add(const std::string& name, const std::string& text) {
    auto file = std::make_unique<TemporaryFile>();
    file->write(text);
    members_.push_back({name, ZipWriter::Packing::Deflate, std::move(file), nullptr});
  }

  void write_sessions(TemporaryFile& to) {
    const SelectionOptions options = options_for(draft_.tape());
    Selection selection;
    selection.whole_sessions = true;
    SelectedTapes tapes(options, selection, "sessions");
    SessionSource source(tapes, SessionSource::Facts::Stories);
    SessionBatch batch;
    SortedLines lines;
    while (source.next(batch)) {
      for (std::size_t i = 0; i < batch.sessions.size(); ++i) {
        lines.add({batch.sessions[i].first_received,
                   batch.sessions[i].first_received,
                   json_line(batch.sessions[i], slowest_reply(batch.stories[i]))});
        figures_.add(batch.sessions[i], batch.stories[i]);
        check(batch.sessions[i]);
      }
      lines.write_until(batch.until, to);
    }
    source.tell_end();
    lines.write_all_to(to);
    const SelectedTapes::Told& told = tapes.told();
    facts_.gaps = told.gaps;
    facts_.gap_count = told.gap_count;
    facts_.damage = told.trouble.damage;
  }

  void write_page(TemporaryFile& to) {
    const SelectionOptions options = options_for(draft_.tape());
    Selection selection;
    selection.whole_sessions = true;
    SelectedTapes tapes(options, selection, "the page");
    PageHeader header;
    header.writer = facts_.writer;
    header.tapes = " " + facts_.tape;
    PageWriter page(to, header);
    EventBatch batch;
    while (tapes.events().next(batch)) {
      facts_.events += batch.events.size();
      page.add(batch);
    }
    const SelectedTapes::Told& told = tapes.told();
    const PageTotals totals =
        page.finish({told.gaps, told.gap_count, told.trouble.damage, told.trouble.notices});
    facts_.page_misses = totals.left_out;
    if (to.size() == 0)
      to.write(
          "<!doctype html>\n<title>SMTP sessions</title>\n<p>No session is in the tape.</p>\n");
  }

  // What is told of sessions beside the tape, which was searched before.
  void check(const SessionSummary& session) {
    if (!leaks_) return;
    leaks_->add(session.id, "sessions.jsonl");
    leaks_->add(session.source, "sessions.jsonl");
    for (const std::vector<std::string>& names : session.names)
      for (const std::string& name : names)
        leaks_->add(name, "sessions.jsonl");
  }

  void check_names() {
    if (!leaks_) return;
    for (const auto& [key, figures] : figures_.replies().table())
      for (const std::string& reply : key)
        leaks_->add(reply, "report.md");
    leaks_->add(facts_.recorder, "report.md");
    leaks_->finish();
    refuse_leaks(leaks_->leaks());
    LeakCheck name(*draft_.redacted()->originals, draft_.extraction().rules.kept);
    name.add(names_.archive, "the archive's name");
    name.finish();
    if (name.leaks().empty()) return;
    throw UsageError("-o: the name of the file has something in it that was taken out (" +
                     std::string(name_of(name.leaks().front().kind)) +
                     "), and goes with it; choose another name");
  }

  static std::optional<LeakCheck> leaks_of(const Draft& draft) {
    if (draft.redacted() == nullptr) return std::nullopt;
    return std::make_optional<LeakCheck>(*draft.redacted()->originals,
                                         draft.extraction().rules.kept);
  }

  const Draft& draft_;
  const BundleNames& names_;
  BundleFacts facts_;
  BundleFigures figures_;
  std::vector<BundleMember> members_;
  std::optional<LeakCheck> leaks_ = leaks_of(draft_);  // nothing: it is not redacted
};

}  // namespace

BundleContent content_of(const Draft& draft, const BundleNames& names) {
  return Members(draft, names).make();
}

}  // namespace smtptape
