// smtptape export: frames, byte for byte as they came in.
#include "cli/command.h"
#include "cli/options/mistakes.h"
#include "cli/options/selection_options.h"
#include "cli/options/tape_output.h"
#include "cli/run/result.h"
#include "cli/run/selected_tapes.h"
#include "cli/text/output.h"
#include "store/copy/frames.h"

namespace smtptape {

namespace {

class ExportCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "export"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Write the frames of tapes, byte for byte as they came in";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape export night.tape | jq .payload\n"
           "  smtptape export /var/lib/smtptape --tenant acme --scope session -o acme.jsonl";
  }
  void describe(Options& options) override {
    selection_.describe(options, "event");
    options.value("--format",
                  format_,
                  "jsonl|frames",
                  "jsonl (default): a frame a line; frames: opcode, length, bytes");
    options.value("-o,--output", output_, "FILE", "Write here instead of standard output (-)");
    options.flag("--force", force_, "Replace the file if it exists");
  }
  [[nodiscard]] bool as_live() const override { return selection_.filters.as_live; }

  [[nodiscard]] int run() override {
    FeedFormat format{};
    Selection selection;
    Mistakes mistakes;
    mistakes.check([&] { format = parse_feed_format(format_); });
    mistakes.check([&] { selection = selection_.selection(); });
    mistakes.throw_if_any();
    const Result::Content content =
        format == FeedFormat::Jsonl ? Result::Content::Json : Result::Content::Bytes;
    Result result(output_, force_, content, selection_.tapes);
    const auto progress = result.is_file() ? std::string(name()) : progress_unless_shown("export");
    SelectedTapes tapes(selection_, selection, progress);
    const bool empty = write_frames(tapes.events(), format, result) == 0;
    result.commit();
    const bool incomplete = tapes.tell_end(empty ? Answer::Empty : Answer::Something);
    return static_cast<int>(incomplete && !as_live() ? Exit::Incomplete : Exit::Done);
  }

 private:
  SelectionOptions selection_;
  std::string format_ = "jsonl";
  std::string output_ = "-";
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_export_command() {
  return std::make_unique<ExportCommand>();
}

}  // namespace smtptape
