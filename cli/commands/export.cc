// smtptape export: frames, byte for byte as they came in.
#include <optional>

#include "cli/command.h"
#include "cli/options/mistakes.h"
#include "cli/options/selection_options.h"
#include "cli/options/tape_output.h"
#include "cli/run/result.h"
#include "cli/run/selected_tapes.h"
#include "cli/text/output.h"

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
    const Answer answer = write_frames(tapes.events(), format, result);
    result.commit();
    const bool incomplete = tapes.tell_end(answer);
    return static_cast<int>(incomplete && !as_live() ? Exit::Incomplete : Exit::Done);
  }

 private:
  // The last newline is held back: the file that was imported may have ended without one.
  static Answer write_frames(EventSource& events, FeedFormat format, ByteSink& out) {
    constexpr std::size_t kEnough = 128 << 10;  // it stays in the processor's second cache
    TextBuffer text;
    EventBatch batch;
    std::uint64_t last_sequence = 0;
    std::optional<std::string> without_newline;  // sequence of the frame that had none
    std::optional<Id128> capture;
    bool one_capture = true;  // a sequence says nothing beside those of another capture
    Answer answer = Answer::Empty;
    while (events.next(batch)) {
      if (!batch.events.empty()) answer = Answer::Something;
      const Origin* origin = nullptr;  // as last looked at
      for (const Event& event : batch.events) {
        append_feed_frame(text, event, format);
        last_sequence = event.sequence;
        if (event.origin != origin && event.origin != nullptr) {
          origin = event.origin;
          one_capture =
              one_capture && capture.value_or(event.origin->capture) == event.origin->capture;
          capture = event.origin->capture;
        }
        if (text.size() < kEnough) continue;
        out.write(text.view().substr(0, text.size() - 1));
        text.erase_front(text.size() - 1);
      }
      for (const Note& note : batch.notes) {
        if (note.key == kNoFinalNewline) without_newline = note.value;
      }
    }
    const bool cut = format == FeedFormat::Jsonl && !text.empty() && one_capture &&
                     without_newline == std::to_string(last_sequence);
    if (cut) text.resize(text.size() - 1);
    out.write(text.view());
    return answer;
  }

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
