// smtptape sessions: one line a session.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "cli/command.h"
#include "cli/options/mistakes.h"
#include "cli/options/selection_options.h"
#include "cli/options/words.h"
#include "cli/run/configured_store.h"
#include "cli/run/session_source.h"
#include "cli/text/output.h"
#include "cli/text/pager.h"
#include "cli/text/sorted_lines.h"
#include "cli/text/terminal.h"
#include "replay/json/session_json.h"
#include "replay/session_table.h"

namespace smtptape {

namespace {

enum class SortBy : std::uint8_t { Start, Duration, Bytes, Messages, Recipients, Worst, Slowest };
constexpr std::array<std::pair<std::string_view, SortBy>, 7> kSorts{{
    {"start", SortBy::Start},
    {"duration", SortBy::Duration},
    {"bytes", SortBy::Bytes},
    {"messages", SortBy::Messages},
    {"recipients", SortBy::Recipients},
    {"worst", SortBy::Worst},
    {"slowest", SortBy::Slowest},
}};

class SessionsCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "sessions"; }
  [[nodiscard]] std::string_view summary() const override { return "List sessions, a line each"; }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape sessions /var/lib/smtptape --since -2h --mx-host mx.example.net.\n"
           "  smtptape sessions night.tape --sort duration -n 20\n"
           "  smtptape sessions night.tape --json | jq -r 'select(.worst_reply >= 400) | .id'";
  }
  void describe(Options& options) override {
    selection_.describe_whole_sessions(options);
    options.group("Output");
    options.value("--sort",
                  sort_,
                  "start|duration|bytes|messages|recipients|worst|slowest",
                  "start (default); by another one the greatest first; slowest: by the longest "
                  "that the server took for a reply");
    options.value(
        "-n,--count", count_, "N", "By start the last N sessions, by another order the first N");
    options.value("--columns", columns_, "NAME,NAME", "Which columns: " + SessionTable::names());
    options.flag("--json", json_, "One JSON object a session and line");
    options.flag("--no-pager", no_pager_, "Straight to the terminal, not through a pager");
    options.group("Options");
    store_.describe(options);
  }

  [[nodiscard]] int run() override {
    Selection selection;
    SortBy by = SortBy::Start;
    std::optional<std::size_t> count;
    std::optional<SessionTable> table;
    Mistakes mistakes;
    mistakes.check([&] { selection = selection_.whole_sessions(); });
    mistakes.check([&] { by = parse_sort(); });
    mistakes.check([&] { count = parse_count(); });
    mistakes.check([&] { table.emplace(words_of(columns_), room()); });
    mistakes.throw_if_any();
    if (selection_.tapes.empty()) selection_.tapes = {store_.store()};
    SelectedTapes tapes(selection_, selection, progress_unless_shown("sessions"));
    Pager pager(no_pager_ ? Paged::No : Paged::Yes);
    SortedLines lines(count, keep_of(by));
    const bool found = print(tapes, by, lines, *table);
    pager.finish();
    const bool incomplete = tapes.tell_end(found ? Answer::Something : Answer::Empty);
    return static_cast<int>(incomplete ? Exit::Incomplete : Exit::Done);
  }

 private:
  [[nodiscard]] SortBy parse_sort() const {
    const auto* const found = std::find_if(
        kSorts.begin(), kSorts.end(), [this](const auto& sort) { return sort.first == sort_; });
    if (found != kSorts.end()) return found->second;
    std::string names;
    for (const auto& [word, by] : kSorts)
      names += (names.empty() ? "" : ", ") + std::string(word);
    throw UsageError("--sort: \"" + sort_ + "\" is none of " + names);
  }

  [[nodiscard]] std::optional<std::size_t> parse_count() const {
    if (!count_) return std::nullopt;
    return parse_count_of(*count_, "-n");
  }

  static SortedLines::Keep keep_of(SortBy by) {
    return by == SortBy::Start ? SortedLines::Keep::Last : SortedLines::Keep::First;
  }

  [[nodiscard]] static TextRoom room() {
    if (!is_terminal()) return {};
    return {terminal_columns(), terminal_takes_utf8()};
  }

  [[nodiscard]] bool needs_stories(SortBy by) const {
    const std::vector<std::string> columns = words_of(columns_);
    return by == SortBy::Slowest ||
           std::find(columns.begin(), columns.end(), "slowest") != columns.end();
  }

  bool print(SelectedTapes& tapes, SortBy by, SortedLines& lines, const SessionTable& table) const {
    StandardOutput out;
    LinesOut to(out, json_);
    using Facts = SessionSource::Facts;
    SessionSource source(tapes, needs_stories(by) ? Facts::Stories : Facts::Figures);
    SessionBatch batch;
    bool any = false;
    while (source.next(batch)) {
      if (!any && !batch.sessions.empty() && !json_) out.write(table.titles());
      any = any || !batch.sessions.empty();
      for (std::size_t i = 0; i < batch.sessions.size(); ++i) {
        const auto slowest = batch.stories.empty() ? std::nullopt : slowest_reply(batch.stories[i]);
        const ListedSession session{batch.sessions[i], slowest};
        lines.add({key_of(session, by),
                   session.summary.first_received,
                   json_ ? json_line(session.summary, slowest) : table.line(session)});
      }
      if (by == SortBy::Start) lines.write_until(batch.until, to);
    }
    source.tell_end();
    lines.write_all_to(to);
    return any;
  }

  // Ascending.
  static std::int64_t key_of(const ListedSession& session, SortBy by) {
    const SessionSummary& figures = session.summary;
    const auto greatest_first = [](std::uint64_t value) {
      return -static_cast<std::int64_t>(value);
    };
    switch (by) {
      case SortBy::Start: return figures.first_received;
      case SortBy::Duration: return -figures.duration();
      case SortBy::Bytes: return greatest_first(figures.bytes_read + figures.bytes_written);
      case SortBy::Messages: return greatest_first(figures.messages);
      case SortBy::Recipients: return greatest_first(figures.recipients);
      case SortBy::Worst: return greatest_first(figures.worst_reply);
      case SortBy::Slowest: return session.slowest_reply ? -*session.slowest_reply : 1;
    }
    return 0;
  }

  // Where JSON goes to a terminal, nothing in it may be obeyed.
  class LinesOut : public ByteSink {
   public:
    LinesOut(StandardOutput& out, bool json) : out_(out), json_(json) {}
    void write(std::string_view bytes) override {
      if (json_) return out_.write_json(bytes);
      out_.write(bytes);
    }

   private:
    StandardOutput& out_;
    bool json_;
  };

  SelectionOptions selection_;
  std::string sort_ = "start";
  std::optional<std::string> count_;
  std::string columns_;
  bool json_ = false;
  bool no_pager_ = false;
  StoreOption store_;
};

}  // namespace

std::unique_ptr<Command> make_sessions_command() {
  return std::make_unique<SessionsCommand>();
}

}  // namespace smtptape
