// smtptape replay: prints sessions as `kcli trace-smtp-client` would have.
#include <utility>

#include "base/counted.h"
#include "cli/command.h"
#include "cli/options/mistakes.h"
#include "cli/options/selection_options.h"
#include "cli/run/following.h"
#include "cli/run/selected_tapes.h"
#include "cli/text/output.h"
#include "replay/renderer.h"

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
           "  smtptape replay --follow /var/lib/smtptape --since -5m --tenant acme";
  }
  void describe(Options& options) override {
    selection_.describe(options, "event");
    options.flag("-f,--follow", follow_, "Print what is there, then what comes, until Ctrl-C");
    text_.describe(options);
  }
  [[nodiscard]] bool as_live() const override { return selection_.filters.as_live; }

  [[nodiscard]] int run() override {
    Selection selection;
    RenderOptions render;
    selection_.follows = follow_;
    Mistakes mistakes;
    mistakes.check([&] { selection = selection_.selection(); });
    mistakes.check([&] { render = text_.render(selection_.filters); });
    mistakes.throw_if_any();
    Renderer renderer(render);
    return follow_ ? follow(selection, renderer) : print(selection, renderer);
  }

 private:
  int print(const Selection& selection, Renderer& renderer) {
    SelectedTapes tapes(selection_, selection, progress_unless_shown("replay"));
    StandardOutput out;
    const std::optional<Ending> ending =
        print_all(tapes.events(), renderer, [&out](std::string_view text) { out.write(text); });
    return end(renderer, ending, tapes.tell_end(answer()));
  }

  int follow(const Selection& selection, Renderer& renderer) {
    FollowedTapes tapes(selection_, selection);
    const std::optional<Ending> ending =
        print_all(tapes, renderer, [&tapes](std::string_view text) { tapes.write(text); });
    return end(renderer, ending, tapes.tell_end(answer()));
  }

  // What came together is written together, at once.
  template <class Write>
  std::optional<Ending> print_all(EventSource& events, Renderer& renderer, Write write) {
    std::string text;
    EventBatch batch;
    std::optional<Ending> ending;
    while (!ending && events.next(batch)) {
      ending = renderer.render(batch.events, text);
      tell_forgotten(renderer);
      chosen_ += batch.events.size();
      printed_ = printed_ || !text.empty();
      write(text);
      text.clear();
    }
    return ending;
  }

  // When it begins: a recording may be followed for weeks.
  void tell_forgotten(const Renderer& renderer) {
    if (renderer.forgotten() == 0 || std::exchange(told_forgotten_, true)) return;
    say(OpenSessions::kForgetting);
  }

  [[nodiscard]] Answer answer() const { return printed_ ? Answer::Something : Answer::Empty; }

  int end(const Renderer& renderer, const std::optional<Ending>& ending, bool incomplete) const {
    if (!printed_ && chosen_ > 0) {
      say(std::to_string(chosen_) +
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
  bool follow_ = false;
  std::uint64_t chosen_ = 0;
  bool printed_ = false;
  bool told_forgotten_ = false;
};

}  // namespace

std::unique_ptr<Command> make_replay_command() {
  return std::make_unique<ReplayCommand>();
}

}  // namespace smtptape
