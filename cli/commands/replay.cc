// smtptape replay: prints sessions as `kcli trace-smtp-client` would have.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/counted.h"
#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/options/mistakes.h"
#include "cli/options/selection_options.h"
#include "cli/run/event_printer.h"
#include "cli/run/following.h"
#include "cli/run/player.h"
#include "cli/run/selected_tapes.h"
#include "cli/text/output.h"
#include "replay/last_sessions.h"
#include "replay/pace.h"
#include "replay/renderer.h"
#include "store/find/input_files.h"
#include "store/find/watched_directory.h"

namespace smtptape {

namespace {

class ReplayCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "replay"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Print sessions as kcli would have";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape replay night.tape --tenant acme --color yes | less -R\n"
           "  smtptape replay /var/lib/smtptape --since -2h --scope session --rcpt-to "
           "bob@dest.example\n"
           "  smtptape replay /var/lib/smtptape --since -2h --failed --mx-host mx1.dest.example\n"
           "  smtptape replay --follow /var/lib/smtptape --since -5m --tenant acme\n"
           "  smtptape replay night.tape -n 1 --speed 1 --idle-limit 2s    watch it again";
  }
  void describe(Options& options) override {
    selection_.describe(options, "event");
    options.flag("-f,--follow", follow_, "Print what is there, then what comes, until Ctrl-C");
    options.value("-n,--sessions", last_, "N", "Only the N sessions that began last");
    options.flag("--utc", utc_, "Times of options and of --clock are UTC, not local");
    text_.describe(options);
    options.flag(
        "--group", group_, "Session after session, instead of as they ran beside each other");
    options.flag("--reverse", reverse_, "Session after session, those that began last first");
    options.flag("--clock", clock_, "The time of day before each line, with milliseconds");
    options.group("Watching it again (on a terminal with keys; ? shows them)");
    options.value("--speed",
                  speed_,
                  "max|FACTOR",
                  "So many times as fast as it was received: 1, 4, 0.5, or max");
    options.value("--idle-limit", idle_limit_, "TIME", "No pause is longer than this, as 2s");
    options.flag("--loop", loop_, "Again and again, until Ctrl-C");
    options.group("Options");
  }
  [[nodiscard]] bool as_live() const override { return selection_.filters.as_live; }

  [[nodiscard]] int run() override {
    if (utc_) use_utc();
    Selection selection;
    RenderOptions render;
    selection_.follows = follow_;
    Mistakes mistakes;
    mistakes.check([&] { selection = selection_.selection(); });
    mistakes.check([&] { render = text_.render(selection_.filters); });
    mistakes.check([&] { read_print_options(); });
    mistakes.check([&] { wanted_ = wanted_sessions(); });
    for (const std::string& excluded : exclusions())
      mistakes.check([&] { throw UsageError(excluded); });
    mistakes.throw_if_any();
    return follow_ ? follow(selection, render) : replay(selection, render);
  }

 private:
  void read_print_options() {
    print_.clock = clock_;
    if (reverse_) {
      print_.grouped = GroupedText::Order::NewestFirst;
    } else if (group_) {
      print_.grouped = GroupedText::Order::OldestFirst;
    }
    const PaceOptions pace = parse_pace(speed_, idle_limit_);
    if (speed_) print_.pace = pace;
  }

  [[nodiscard]] std::optional<std::uint64_t> wanted_sessions() const {
    if (!last_) return std::nullopt;
    std::uint64_t wanted = 0;
    const char* const end = last_->data() + last_->size();
    const auto [stop, error] = std::from_chars(last_->data(), end, wanted);
    const bool is_number = !last_->empty() && error == std::errc{} && stop == end;
    if (is_number && wanted == 0 && !follow_) {
      throw UsageError(
          "-n 0: no session would be shown; give at least 1, or --follow, which then "
          "shows only what comes");
    }
    if (!is_number) {
      throw UsageError("-n " + *last_ + ": want how many of the last sessions, as in -n 5");
    }
    return wanted;
  }

  // What can't be had together, and what to do.
  [[nodiscard]] std::vector<std::string> exclusions() const {
    std::vector<std::string> wrong;
    const auto excludes = [&wrong](bool both, const char* what) {
      if (both) wrong.emplace_back(what);
    };
    excludes(follow_ && speed_,
             "--follow and --speed: what comes is shown as it comes; leave one of them out");
    excludes(follow_ && loop_,
             "--follow and --loop: what is followed has no end to begin again after; leave one of "
             "them out");
    excludes(follow_ && (group_ || reverse_),
             "--follow and --group: a session that goes on can't be shown as a whole; replay it "
             "afterwards, or follow without --group and --reverse");
    excludes(text_.only_one && reverse_,
             "--only-one and --reverse: the first session is the last then; take -n 1");
    return wrong;
  }

  int replay(const Selection& selection, const RenderOptions& render) {
    if (loop_ || wanted_) spool_standard_input();
    StandardOutput out;
    std::optional<Player> player;
    if (print_.pace) player.emplace(*print_.pace, out);
    const auto write = [&out](std::string_view text) { out.write(text); };
    bool incomplete = false;
    for (bool first = true;; first = false) {
      const Chosen chosen = choose_last(selection_, selection);
      SelectedTapes tapes(
          selection_, chosen.selection, player ? std::nullopt : progress_unless_shown("replay"));
      EventPrinter printer(render, print_, write, player ? &*player : nullptr);
      const std::optional<Ending> ending = print_all(tapes.events(), chosen, printer);
      const bool again = loop_ && printer.printed() && !is_over(ending, player);
      if (player && !again) player->tell_end();
      // What there is to tell of a recording is told once.
      if (first)
        incomplete = tapes.tell_end(answer(printer), SelectedTapes::Gaps::Tell, chosen.tells());
      if (!again) return end(printer, ending, incomplete);
      if (player) player->restart();
      Inputs::rewind_standard_input();
    }
  }

  int follow(const Selection& selection, const RenderOptions& render) {
    const SelectionOptions there = wanted_ ? what_is_there() : selection_;
    const Chosen chosen = choose_last(there, selection);
    FollowedTapes tapes(selection_, chosen.selection);
    EventPrinter printer(
        render, print_, [&tapes](std::string_view text) { tapes.write(text); }, nullptr);
    const std::optional<Ending> ending = print_all(tapes, chosen, printer);
    return end(printer, ending, tapes.tell_end(answer(printer)));
  }

  // ---- the last sessions ----

  struct Chosen {
    Selection selection;
    std::optional<LastSessions> last;  // none: all of them

    [[nodiscard]] SelectedTapes::Misses tells() const {
      return last && last->found_any() ? SelectedTapes::Misses::ToldBefore
                                       : SelectedTapes::Misses::Tell;
    }
  };

  // A first look at what was selected, when only the last sessions of it are wanted.
  Chosen choose_last(const SelectionOptions& options, const Selection& selection) const {
    Chosen chosen{selection, {}};
    if (!wanted_) return chosen;
    chosen.last.emplace(*wanted_, text_.only_new);
    if (options.tapes.empty()) return chosen;
    SelectedTapes tapes(options, selection, progress_unless_shown("looking for the last sessions"));
    EventBatch batch;
    while (tapes.events().next(batch))
      chosen.last->look_at(batch);
    if (chosen.last->found_any()) tapes.tell_misses();
    if (const auto since = chosen.last->since()) chosen.selection.window.since = since;
    return chosen;
  }

  // Without stores that are empty so far, and what can't be followed.
  [[nodiscard]] SelectionOptions what_is_there() const {
    SelectionOptions there = selection_;
    std::erase_if(there.tapes, [](const std::string& name) {
      std::error_code error;
      if (name == kStandardInput || is_pipe(name)) return true;
      if (!std::filesystem::is_directory(name, error)) return false;
      const TapeListing listing = list_rows(name);
      return listing.rows.empty() && listing.others.empty();
    });
    return there;
  }

  void spool_standard_input() const {
    const auto& tapes = selection_.tapes;
    const bool reads_it = std::find(tapes.begin(), tapes.end(), kStandardInput) != tapes.end();
    if (reads_it && is_standard_input_read_once()) Inputs::spool_standard_input();
  }

  // ---- what is printed, and how it ends ----

  static std::optional<Ending> print_all(EventSource& events,
                                         const Chosen& chosen,
                                         EventPrinter& printer) {
    if (!chosen.last) return printer.print_all(events);
    LastSessionsSource kept(events, *chosen.last);
    return printer.print_all(kept);
  }

  // Not to be begun again: by a key, or as kcli would have ended.
  static bool is_over(const std::optional<Ending>& ending, const std::optional<Player>& player) {
    if (player && player->was_quit()) return true;
    return ending && (ending->exit != Exit::Done || !ending->message.empty());
  }

  static Answer answer(const EventPrinter& printer) {
    return printer.printed() ? Answer::Something : Answer::Empty;
  }

  int end(const EventPrinter& printer, const std::optional<Ending>& ending, bool incomplete) const {
    const Renderer& renderer = printer.renderer();
    if (!printer.printed() && printer.chosen() > 0) {
      say(std::to_string(printer.chosen()) +
          " events were chosen, of sessions that had begun before; without --only-new they are "
          "shown");
    }
    if (renderer.stepped_back() > 0) {
      say("the server's clock stepped back within " + counted(renderer.stepped_back(), "session") +
          ": times before their beginning are negative");
    }
    if (as_live() && renderer.altered() > 0) {
      say(counted(renderer.altered(), "event is", "events are") +
          " not as kcli would show them: text was left out or masked when they were "
          "recorded");
    }
    if (ending && !ending->message.empty()) say_raw(visible(ending->message));
    if (ending && ending->exit != Exit::Done) return static_cast<int>(ending->exit);
    if (as_live()) return static_cast<int>(Exit::Done);
    return static_cast<int>(incomplete || renderer.unreadable() > 0 ? Exit::Incomplete
                                                                    : Exit::Done);
  }

  SelectionOptions selection_;
  TextOptions text_;
  std::optional<std::string> last_;
  std::optional<std::string> speed_;
  std::optional<std::string> idle_limit_;
  bool follow_ = false;
  bool utc_ = false;
  bool group_ = false;
  bool reverse_ = false;
  bool clock_ = false;
  bool loop_ = false;
  PrintOptions print_;
  std::optional<std::uint64_t> wanted_;  // sessions
};

}  // namespace

std::unique_ptr<Command> make_replay_command() {
  return std::make_unique<ReplayCommand>();
}

}  // namespace smtptape
