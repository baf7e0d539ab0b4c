// smtptape merge: tapes of several nodes as one.
#include "base/counted.h"
#include "cli/command.h"
#include "cli/options/selection_options.h"
#include "cli/run/extraction.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

class MergeCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "merge"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Join tapes, of several nodes perhaps, into one";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape merge mta1.tape mta2.tape -o both.tape\n"
           "  smtptape merge mta1/ mta2/ --since -1h -o hour.tape";
  }
  void describe(Options& options) override {
    options.positional(
        "TAPE", selection_.tapes, Options::Count::Any, "Tapes, directories of tapes, or -");
    options.value("--since", selection_.since, "TIME", "Received then or later");
    options.value("--until", selection_.until, "TIME", "Received before then");
    options.value("-o,--output", output_, "X.tape", "The tape to write, or - for standard output");
    options.flag("--force", force_, "Replace the tape if it exists");
    options.flag("--json", json_, "One JSON object instead of words");
  }

  [[nodiscard]] int run() override {
    if (output_.empty()) throw UsageError("-o X.tape is missing: where the tape goes");
    if (json_) refuse_json_beside(output_);
    ExtractWishes wishes;
    wishes.output = output_;
    wishes.force = force_;
    Selection everything;
    everything.window = selection_.window();
    const Extraction extraction = extract(wishes, selection_, everything);
    if (json_) {
      StandardOutput().write_json(json_line(extraction, "smtptape.merge/1"));
    } else {
      tell_of(extraction);
    }
    return static_cast<int>(extraction.incomplete ? Exit::Incomplete : Exit::Done);
  }

 private:
  SelectionOptions selection_;
  std::string output_;
  bool force_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_merge_command() {
  return std::make_unique<MergeCommand>();
}

}  // namespace smtptape
