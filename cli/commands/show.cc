// smtptape show: what happened in a session, found by its id, a message's id or a recipient.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/counted.h"
#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/options/mistakes.h"
#include "cli/options/selection_options.h"
#include "cli/run/configured_store.h"
#include "cli/run/nearest_names.h"
#include "cli/run/selected_tapes.h"
#include "cli/text/next_steps.h"
#include "cli/text/output.h"
#include "cli/text/pager.h"
#include "cli/text/spool.h"
#include "replay/json/story_json.h"
#include "replay/renderer.h"
#include "replay/story_text.h"
#include "sessions/stories.h"

namespace smtptape {

namespace {

constexpr std::size_t kMostAtOnce = 1000;  // stories in memory, when there are many

class ShowCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "show"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Show what happened in a session";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape show bob@dest.example /var/lib/smtptape --since -2h\n"
           "  smtptape show 6a4f6e2e-1f3b-4b0a-9d55-0c1d2e3f4a5b night.tape --transcript none\n"
           "  smtptape show d7ef132b5d7711eea8c8000c29c33806 --json | jq .messages";
  }
  void describe(Options& options) override {
    options.positional("NAME",
                       named_,
                       Options::Count::One,
                       "The id of a session, the id of a message, or a recipient");
    selection_.describe_whole_sessions(options);
    options.group("Output");
    options.value("--transcript",
                  transcript_,
                  "kcli|none",
                  "kcli (default): after all else the session as kcli prints it; none: without");
    options.value("--color", color_, "tty|yes|no", "Of the transcript: tty (default), yes or no");
    options.flag("--json", json_, "One JSON object a session and line, without a transcript");
    options.flag("--no-pager", no_pager_, "Straight to the terminal, not through a pager");
    options.group("Options");
    store_.describe(options);
  }

  [[nodiscard]] int run() override {
    Selection selection;
    RenderOptions render;
    Mistakes mistakes;
    mistakes.check([&] { selection = selection_.whole_sessions(); });
    mistakes.check([&] { render = rendering(); });
    mistakes.check([&] { check_name(); });
    mistakes.throw_if_any();
    if (selection_.tapes.empty()) selection_.tapes = {store_.store()};
    selection.named = Named(named_.front());
    SelectedTapes tapes(selection_, selection, progress_unless_shown("show"));
    Pager pager(no_pager_ ? Paged::No : Paged::Yes);
    StandardOutput out;
    const bool one = tapes.sessions() <= 1;
    const Answer answer = one ? show_one(tapes.events(), render, out) : list(tapes, out);
    pager.finish();
    using Gaps = SelectedTapes::Gaps;
    const bool found = answer == Answer::Something;
    const bool incomplete = tapes.tell_end(answer, found ? Gaps::ToldBefore : Gaps::Tell);
    if (answer == Answer::Empty) tell_nearest(selection);
    return static_cast<int>(incomplete || doubtful_ ? Exit::Incomplete : Exit::Done);
  }

 private:
  void check_name() const {
    if (named_.front().empty()) throw UsageError("NAME is empty: give an id or a recipient");
  }

  [[nodiscard]] RenderOptions rendering() const {
    RenderOptions render;
    render.color = use_color(parse_color(color_));
    render.visible = is_terminal();
    if (transcript_ != "kcli" && transcript_ != "none")
      throw UsageError("--transcript: \"" + transcript_ + "\" is neither kcli nor none");
    return render;
  }

  Answer show_one(EventSource& events, const RenderOptions& render, StandardOutput& out) {
    Stories stories(Stories::Until::End);
    Renderer renderer(render);
    Spool transcript;
    EventBatch batch;
    while (events.next(batch)) {
      static_cast<void>(stories.add(batch));
      if (json_ || transcript_ == "none") continue;
      std::string text;
      static_cast<void>(renderer.render(batch.events, text));
      transcript.write(text);
    }
    const std::vector<Story> found = stories.finish();
    for (const Story& story : found) {
      note(story);
      print(story, transcript, out);
    }
    return found.empty() ? Answer::Empty : Answer::Something;
  }

  void note(const Story& story) {
    doubtful_ = doubtful_ || story.unreadable > 0 || story.gap_count > 0;
    if (!last_.empty() && story.first_received < last_received_) return;
    last_ = story.id;
    last_received_ = story.first_received;
  }

  void print(const Story& story, Spool& transcript, StandardOutput& out) {
    if (json_) return out.write_json(json_line(story));
    out.write(text_of(story));
    if (transcript_ == "kcli") {
      out.write("\ntranscript\n");
      transcript.copy_to(out);
    }
    out.write(next_steps(story, selection_.tapes));
  }

  // With --json each of them whole; else a line each, and how to choose.
  Answer list(SelectedTapes& tapes, StandardOutput& out) {
    Stories stories(Stories::Until::End, kMostAtOnce);
    const auto tell = [this, &out](const std::vector<Story>& complete) {
      for (const Story& story : complete) {
        note(story);
        if (json_) {
          out.write_json(json_line(story));
        } else {
          out.write(line_of(story));
        }
      }
    };
    if (!json_) out.write(counted(tapes.sessions(), "session") + " have this:\n");
    EventBatch batch;
    while (tapes.events().next(batch))
      tell(stories.add(batch));
    tell(stories.finish());
    if (!json_) out.write(how_to_choose(last_, selection_.tapes));
    return last_.empty() ? Answer::Empty : Answer::Something;
  }

  // A second look, at what the first one passed over.
  void tell_nearest(const Selection& selection) const {
    const std::string name = named_.front();
    std::string text = "no session, message or recipient is \"" + name + "\"";
    const std::optional<std::string> nearest =
        nearest_name(name, selection_.tapes, selection.window);
    if (nearest == name) {
      return say("\"" + name + "\" is there, but no session of it came out as it was asked for");
    }
    if (nearest) text += "; the nearest there is: " + *nearest;
    say(text);
  }

  std::vector<std::string> named_;
  SelectionOptions selection_;
  std::string transcript_ = "kcli";
  std::string color_ = "tty";
  bool json_ = false;
  bool no_pager_ = false;
  StoreOption store_;
  std::string last_;  // the session that began last
  std::int64_t last_received_ = 0;
  bool doubtful_ = false;
};

}  // namespace

std::unique_ptr<Command> make_show_command() {
  return std::make_unique<ShowCommand>();
}

}  // namespace smtptape
