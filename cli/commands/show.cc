// smtptape show: what happened in a session, found by its id, a message's id or a recipient.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
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
           "  smtptape show 6a4f6e2e night.tape --transcript none\n"
           "  smtptape show d7ef132b5d7711eea8c8000c29c33806 --json | jq .messages";
  }
  void describe(Options& options) override {
    options.positional("NAME",
                       named_,
                       Options::Count::One,
                       "The id of a session or its beginning, the id of a message, or a recipient");
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
    const Answer answer = one ? show_one(tapes, render, out) : list(tapes, out);
    pager.finish();
    using Gaps = SelectedTapes::Gaps;
    const bool found = answer == Answer::Something;
    const bool incomplete = tapes.tell_end(answer, found ? Gaps::ToldBefore : Gaps::Tell);
    if (answer == Answer::Empty) tell_nearest(selection);
    return static_cast<int>(incomplete || doubtful_ ? Exit::Incomplete : Exit::Done);
  }

 private:
  void check_name() const {
    const std::string& name = named_.front();
    if (name.empty()) throw UsageError("NAME is empty: give an id or a recipient");
    std::error_code ignored;
    const bool is_read = name.ends_with(".tape") || std::filesystem::is_directory(name, ignored);
    if (selection_.tapes.empty() && is_read) {
      throw UsageError("NAME is missing: " + name +
                       " is what is read; before it name a session, a message or a recipient");
    }
  }

  [[nodiscard]] RenderOptions rendering() const {
    RenderOptions render;
    render.color = use_color(parse_color(color_));
    render.visible = is_terminal();
    if (transcript_ != "kcli" && transcript_ != "none")
      throw UsageError("--transcript: \"" + transcript_ + "\" is neither kcli nor none");
    return render;
  }

  Answer show_one(SelectedTapes& tapes, const RenderOptions& render, StandardOutput& out) {
    Stories stories(Stories::Until::End);
    if (tapes.tells_recorders_apart()) stories.tell_recorders_apart();
    Renderer renderer(render);
    Spool transcript;
    EventBatch batch;
    while (tapes.events().next(batch)) {
      static_cast<void>(stories.add(batch));
      if (json_ || transcript_ == "none") continue;
      std::string text;
      static_cast<void>(renderer.render(batch.events, text));
      transcript.write(text);
    }
    const std::vector<Story> found = stories.finish();
    for (const Story& story : found)
      note(story);
    if (!found.empty()) print(found, transcript, out);
    return found.empty() ? Answer::Empty : Answer::Something;
  }

  void note(const Story& story) {
    doubtful_ = doubtful_ || story.unreadable > 0 || story.gap_count > 0;
    if (!last_.empty() && story.first_received < last_received_) return;
    last_ = story.id;
    last_received_ = story.first_received;
  }

  // Of one session: as each recorder has it, where they are told apart.
  void print(const std::vector<Story>& stories, Spool& transcript, StandardOutput& out) {
    for (const Story& story : stories) {
      if (json_) {
        out.write_json(json_line(story));
      } else {
        out.write((&story == &stories.front() ? "" : "\n") + text_of(story));
      }
    }
    if (json_) return;
    if (transcript_ == "kcli") {
      out.write("\ntranscript\n");
      transcript.copy_to(out);
    }
    out.write(next_steps(stories.back(), selection_.tapes));
  }

  // With --json each of them whole; else a line each, and how to choose.
  Answer list(SelectedTapes& tapes, StandardOutput& out) {
    Stories stories(Stories::Until::End, kMostAtOnce);
    if (tapes.tells_recorders_apart()) stories.tell_recorders_apart();
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
    const bool is_beginning = nearest && may_be_shortened_id(name) && nearest->starts_with(name);
    if (nearest == name || is_beginning) {
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
