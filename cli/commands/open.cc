// smtptape open: looks at what somebody attached, or at what is about to be.
#include <cstdlib>
#include <optional>

#include "base/counted.h"
#include "base/time_spec.h"
#include "base/visible_text.h"
#include "base/zip_file.h"
#include "cli/command.h"
#include "cli/options/selection_options.h"
#include "cli/run/browser.h"
#include "cli/run/selected_tapes.h"
#include "cli/run/session_source.h"
#include "cli/text/output.h"
#include "cli/text/pager.h"
#include "cli/text/sorted_lines.h"
#include "cli/text/terminal.h"
#include "cli/version.h"
#include "replay/session_table.h"
#include "share/page/page.h"

namespace smtptape {

namespace {

class OpenCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "open"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Look at a bundle: its report, its sessions, its page";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape open bob.trace.zip\n"
           "  BROWSER=firefox smtptape open bob.trace.zip\n"
           "  smtptape sessions bob.trace.zip --failed    every other command reads it, too";
  }
  void describe(Options& options) override {
    options.positional(
        "NAME.trace.zip", files_, Options::Count::One, "What `smtptape bundle` wrote, or a tape");
    options.flag("--no-browser", no_browser_, "Don't open the page, even if $BROWSER names one");
    options.flag("--no-pager", no_pager_, "Straight to the terminal, not through a pager");
  }

  [[nodiscard]] int run() override {
    const std::string& file = files_.front();
    if (file == kStandardInput) throw UsageError("open reads a file, not standard input");
    selection_.tapes = files_;
    Selection all;
    all.whole_sessions = true;
    const bool incomplete = print(all, report_in(file));
    const char* const browser = std::getenv("BROWSER");
    const bool has_browser = browser != nullptr && *browser != '\0';
    if (!no_browser_ && has_browser) open_page(all);
    if (!no_browser_ && !has_browser)
      say("BROWSER is not set: with it, as in BROWSER=firefox, the page is opened, too");
    return static_cast<int>(incomplete ? Exit::Incomplete : Exit::Done);
  }

 private:
  static std::string report_in(const std::string& file) {
    constexpr std::size_t kMostBytes = 1 << 20;
    const UniqueFd fd = open_for_reading(file);
    if (!is_zip(fd.get())) return {};
    ZipReader zip(fd.get(), file);
    while (const auto member = zip.next()) {
      if (*member != "report.md") continue;
      std::string text(kMostBytes, '\0');
      std::size_t size = 0;
      while (size < text.size()) {
        const std::size_t got = zip.read(text.data() + size, text.size() - size);
        if (got == 0) break;
        size += got;
      }
      text.resize(size);
      return text;
    }
    return {};
  }

  // Whoever wrote the report, it moves no cursor.
  static void print_report(StandardOutput& out, std::string_view report) {
    while (!report.empty()) {
      const std::size_t end = std::min(report.find('\n'), report.size());
      out.write(visible(report.substr(0, end)) + "\n");
      report.remove_prefix(std::min(end + 1, report.size()));
    }
  }

  bool print(const Selection& all, const std::string& report) {
    SelectedTapes tapes(selection_, all, progress_unless_shown("open"));
    Pager pager(no_pager_ ? Paged::No : Paged::Yes);
    StandardOutput out;
    if (!report.empty()) {
      print_report(out, report);
      out.write("\n");
    }
    TextRoom room;
    if (is_terminal()) room = {terminal_columns(), terminal_takes_utf8()};
    const SessionTable table({}, room);
    SessionSource source(tapes, SessionSource::Facts::Figures);
    SortedLines lines;
    SessionBatch batch;
    bool any = false;
    while (source.next(batch)) {
      if (!any && !batch.sessions.empty()) out.write(table.titles());
      for (const SessionSummary& session : batch.sessions) {
        any = true;
        lines.add({session.first_received, 0, table.line({session, std::nullopt})});
      }
      lines.write_until(batch.until, out);
    }
    source.tell_end();
    lines.write_all_to(out);
    pager.finish();
    return tapes.tell_end(any ? Answer::Something : Answer::Empty);
  }

  // Made anew of the tape: a page that somebody else put into an archive may do what it likes.
  void open_page(const Selection& all) {
    const std::filesystem::path name = name_for_page();
    OutputFile file(name, OutputFile::Existing::Refuse);
    SelectedTapes tapes(selection_, all, std::nullopt);
    PageHeader header;
    header.writer = std::string("smtptape ") + kVersion;
    header.written = now_unix_nanos();
    header.tapes = " " + shell_word(files_.front());
    PageWriter page(file, header);
    EventBatch batch;
    while (tapes.events().next(batch))
      page.add(batch);
    const SelectedTapes::Told& told = tapes.told();
    const PageTotals totals =
        page.finish({told.gaps, told.gap_count, told.trouble.damage, told.trouble.notices});
    if (totals.sessions == 0) return;
    file.commit();
    if (totals.left_out > 0)
      say("the page has no room for " + counted(totals.left_out, "session") + " of them");
    say("the page is " + name.string() + ", for you alone; a later `smtptape open` removes it");
    if (!open_in_browser(name)) say("no command of $BROWSER could be run; open the page yourself");
  }

  SelectionOptions selection_;
  std::vector<std::string> files_;
  bool no_browser_ = false;
  bool no_pager_ = false;
};

}  // namespace

std::unique_ptr<Command> make_open_command() {
  return std::make_unique<OpenCommand>();
}

}  // namespace smtptape
