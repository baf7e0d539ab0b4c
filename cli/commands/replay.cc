// smtptape replay: prints sessions as `kcli trace-smtp-client` would have.
#include "cli/command.h"
#include "cli/output.h"
#include "cli/selection_options.h"
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
           "bob@dest.example";
  }
  void describe(Options& options) override {
    selection_.describe(options, "event");
    text_.describe(options);
  }
  [[nodiscard]] bool as_live() const override { return selection_.filters.as_live; }

  [[nodiscard]] int run() override {
    const Selection selection = selection_.selection();
    const RenderOptions render = text_.render(selection_.filters);
    selection_.filters.tell_difference();
    SelectedTapes tapes(selection_, selection);
    Renderer renderer(render);
    StandardOutput out;
    std::string text;
    EventBatch batch;
    std::optional<Ending> ending;
    while (!ending && tapes.events().next(batch)) {
      ending = renderer.render(batch.events, text);
      out.write(text);
      text.clear();
    }
    const bool incomplete = tapes.tell_trouble();
    if (renderer.stepped_back() > 0) {
      say("the server's clock stepped back within " + std::to_string(renderer.stepped_back()) +
          " sessions: times before their beginning are negative");
    }
    if (ending && !ending->message.empty()) say_raw(ending->message);
    if (ending && ending->exit != Exit::Done) return static_cast<int>(ending->exit);
    if (as_live()) return static_cast<int>(Exit::Done);
    return static_cast<int>(incomplete || renderer.unreadable() > 0 ? Exit::Incomplete
                                                                    : Exit::Done);
  }

 private:
  SelectionOptions selection_;
  TextOptions text_;
};

}  // namespace

std::unique_ptr<Command> make_replay_command() {
  return std::make_unique<ReplayCommand>();
}

}  // namespace smtptape
