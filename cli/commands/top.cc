// smtptape top: sessions on a full screen, as they come.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/counted.h"
#include "base/time_spec.h"
#include "base/visible_text.h"
#include "capture/stop_signal.h"
#include "cli/command.h"
#include "cli/options/endpoint_options.h"
#include "cli/options/mistakes.h"
#include "cli/options/selection_options.h"
#include "cli/options/typed_options.h"
#include "cli/run/configured_store.h"
#include "cli/run/top_screen.h"
#include "cli/run/top_source.h"
#include "cli/text/output.h"
#include "filters/property.h"
#include "replay/top/top_model.h"
#include "replay/top/top_view.h"
#include "store/find/input_files.h"

namespace smtptape {

namespace {

constexpr std::int64_t kShownFromTheStart = 15 * 60 * std::int64_t{1'000'000'000};
constexpr std::chrono::milliseconds kBetweenLooks{100};
constexpr std::chrono::milliseconds kSoon{5};  // while something comes

using Clock = std::chrono::steady_clock;

class TopCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "top"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Watch sessions on a full screen, as they come";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape top /var/lib/smtptape --since -1h --failed\n"
           "  smtptape top --endpoint http://127.0.0.1:8000 --tenant acme";
  }
  void describe(Options& options) override {
    options.positional("STORE",
                       selection_.tapes,
                       Options::Count::NoneOrAny,
                       "A store that is recorded to, or tapes (default: the configured store)");
    selection_.filters.describe_properties(options, "an event passes that lacks the property");
    listed_.describe(options);
    options.group("Options");
    options.value("--endpoint", endpoint_, "URL", "The live feed of this server, not a recording");
    options.value("--since",
                  selection_.since,
                  "TIME",
                  "Of a recording from this receive time on (default: its last 15 minutes)");
    options.flag("--utc", utc_, "Times are UTC, not local");
    options.value("--color", color_, "tty|yes|no", "tty (default), yes or no");
    store_.describe(options);
    access_.describe(options);
  }

  [[nodiscard]] int run() override {
    if (utc_) use_utc();
    selection_.scope = "event";
    Selection selection;
    bool color = false;
    Mistakes mistakes;
    mistakes.check([&] { selection = selection_.selection(); });
    mistakes.check([&] { color = use_color(parse_color(color_)); });
    mistakes.check([&] { check_what_is_watched(); });
    mistakes.check([&] { static_cast<void>(chosen_by(listed_.words(), "")); });
    mistakes.throw_if_any();
    TopQueue queue;
    const std::string words = filter_words();
    if (endpoint_) return watch_endpoint(selection, words, color, queue);
    if (selection_.tapes.empty()) selection_.tapes = {store_.store()};
    return watch_recording(std::move(selection), words, color, queue);
  }

 private:
  void check_what_is_watched() const {
    if (!endpoint_) return;
    if (!selection_.tapes.empty()) {
      throw UsageError("--endpoint and " + selection_.tapes.front() +
                       ": a feed or a recording is watched; leave one of them out");
    }
    if (selection_.since) {
      throw UsageError("--endpoint and --since: the live feed has no past; leave one of them out");
    }
  }

  int watch_endpoint(const Selection& selection,
                     const std::string& words,
                     bool color,
                     TopQueue& queue) {
    FeedOptions feed;
    feed.endpoint = parse_endpoint(*endpoint_, EndpointRules::Ours);
    feed.access = access_.access(feed.endpoint);
    const std::string all =
        "smtptape --endpoint " + shell_word(*endpoint_) + " trace-smtp-client" + words;
    TopModel model(all, all + " | grep -F {}");
    list_what_was_asked_for(model, all);
    const StopSignal stop;
    const StopOnSignals on_signals(stop);
    TopScreen screen(color);
    const std::jthread reader = follow_live(std::move(feed), selection.request, queue);
    return watch(model, screen, {*endpoint_, stop}, queue);
  }

  int watch_recording(Selection selection, const std::string& words, bool color, TopQueue& queue) {
    const auto& tapes = selection_.tapes;
    refuse_what_can_not_be_followed(tapes);
    FollowOptions follow;
    follow.tapes = tapes;
    const std::optional<std::int64_t> beginning = beginning_of_what_is_shown(tapes);
    if (!selection_.since) selection.window.since = beginning;
    follow.window = selection.window;
    std::string places;
    for (const std::string& tape : tapes)
      places += " " + shell_word(tape);
    const std::string since = selection_.since ? " --since " + shell_word(*selection_.since) : "";
    TopModel model("smtptape replay --follow" + places + since + words,
                   "smtptape show {}" + places);
    const std::string from =
        since.empty() && beginning ? " --since " + shell_word(show_time(*beginning)) : since;
    list_what_was_asked_for(model, "smtptape sessions" + places + from + words);
    const StopSignal stop;
    const StopOnSignals on_signals(stop);
    TopScreen screen(color);
    const std::jthread reader = follow_recording(std::move(follow), selection, queue);
    return watch(model, screen, {tapes.front(), stop}, queue);
  }

  // `lists`: a command line that lists everything that is watched.
  void list_what_was_asked_for(TopModel& model, const std::string& lists) const {
    model.understand([this, lists](const std::string& filter) { return chosen_by(filter, lists); });
    const std::string words = listed_.words();
    if (!words.empty()) model.set_filter(words.substr(1));
  }

  // The filters and what has to have come out, of a line that was typed; null: nothing is asked.
  [[nodiscard]] std::shared_ptr<TopChoice> chosen_by(const std::string& line,
                                                     const std::string& lists) const {
    SelectionOptions asked;
    asked.default_scope = "session";
    const std::string words = parse_typed(line, [&asked](Options& options) {
      asked.filters.describe_properties(options, "");
      asked.choice.describe(options);
    });
    if (words.empty()) return nullptr;
    if (endpoint_ && !asked.choice.sources.empty())
      throw UsageError("--source-name: a live feed has no recorder's sources; leave it out");
    // A server's feed can't be asked for it: there is no command that lists the same.
    Selection selection = asked.selection();
    selection.sessions_shortened = true;
    return std::make_shared<TopChoice>(
        selection, rules_of(asked.choice.wishes()), endpoint_ ? lists : lists + " " + words);
  }

  static void refuse_what_can_not_be_followed(const std::vector<std::string>& tapes) {
    for (const std::string& name : tapes) {
      if (name != kStandardInput && !is_pipe(name)) continue;
      throw UsageError((name == kStandardInput ? "-: standard input" : name + ": a pipe") +
                       std::string(" can't be followed; name the store that is recorded"));
    }
    prepare_inputs(tapes);
  }

  // The last quarter of an hour of what is recorded.  Throws Error for what is no tape.
  static std::optional<std::int64_t> beginning_of_what_is_shown(
      const std::vector<std::string>& tapes) {
    std::optional<std::int64_t> last;
    std::vector<std::string> there = tapes;
    std::erase_if(there, [](const std::string& name) { return is_empty_directory(name); });
    if (there.empty()) return std::nullopt;
    for (const TapeFile& tape : find_tapes(there)) {
      const std::int64_t until = tape.received ? tape.received->last
                                 : tape.sealed ? 0
                                               : now_unix_nanos();
      last = std::max(until, last.value_or(until));
    }
    return last ? std::optional(*last - kShownFromTheStart) : std::nullopt;
  }

  static bool is_empty_directory(const std::string& name) {
    std::error_code error;
    if (!std::filesystem::is_directory(name, error)) return false;
    for (const auto& entry : std::filesystem::directory_iterator(name, error)) {
      if (entry.path().extension() == ".tape") return false;
    }
    return true;
  }

  struct Watched {
    const std::string& name;
    const StopSignal& stop;
  };

  static int watch(TopModel& model, TopScreen& screen, const Watched& watched, TopQueue& queue) {
    Clock::time_point drawn;
    bool changed = true;
    bool more = false;  // waits to be taken
    while (!model.quits() && !watched.stop.requested()) {
      const TopLook look = screen.look();
      const TopPages pages = pages_of(model, look);
      model.set_pages(pages.list, pages.pane);
      if (changed && Clock::now() - drawn >= kBetweenLooks) {
        screen.draw(draw_top(model, watched.name, look));
        drawn = Clock::now();
        changed = false;
      }
      const TopScreen::Input input = screen.wait(more      ? std::chrono::milliseconds(0)
                                                 : changed ? kSoon
                                                           : kBetweenLooks);
      if (input.gone) throw OutputClosed{};
      if (input.key) model.press(*input.key);
      if (const auto text = model.take_copy()) screen.copy(*text);
      const bool told = hear(model, queue);
      more = take_one(model, queue);
      changed = changed || more || told || input.redraw || input.key;
      if (input.key || input.redraw) drawn = {};  // what a key does is seen at once
    }
    return static_cast<int>(Exit::Done);
  }

  static bool hear(TopModel& model, TopQueue& queue) {
    bool any = false;
    while (const auto line = queue.take_line()) {
      model.tell(*line);
      any = true;
    }
    if (const std::string state = queue.state(); state != model.state()) {
      model.set_state(state);
      if (state == TopQueue::kEnded) model.end();
      any = true;
    }
    return any;
  }

  static bool take_one(TopModel& model, TopQueue& queue) {
    const std::unique_ptr<EventBatch> batch = model.is_paused() ? nullptr : queue.take();
    if (batch != nullptr) model.add(*batch);
    return batch != nullptr;
  }

  // The filters as they were given.
  [[nodiscard]] std::string filter_words() const {
    std::string words;
    for (std::size_t i = 0; i < kPropertyCount; ++i) {
      for (const std::string& value : selection_.filters.values[i])
        words += " " + std::string(kProperties[i].flag) + " " + shell_word(value);
    }
    return words;
  }

  SelectionOptions selection_;
  ChoiceOptions listed_;
  StoreOption store_;
  EndpointOptions access_;
  std::optional<std::string> endpoint_;
  std::string color_ = "tty";
  bool utc_ = false;
};

}  // namespace

std::unique_ptr<Command> make_top_command() {
  return std::make_unique<TopCommand>();
}

}  // namespace smtptape
