// smtptape extract: the chosen events as a new sealed tape, the file to attach to a bug report.
#include "cli/command.h"
#include "cli/options/extract_options.h"
#include "cli/options/redact_options.h"
#include "cli/options/selection_options.h"
#include "cli/run/extraction.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

class ExtractCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "extract"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Copy chosen sessions into a new tape, to share";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape extract /var/lib/smtptape --rcpt-to bob@dest.example --since -2h -o "
           "bob.tape\n"
           "  smtptape extract night.tape --mx-host mx1.dest.example. -o mx1.tape\n"
           "  smtptape extract night.tape --failed --redact -o safe.tape    without names or mail\n"
           "  smtptape extract night.tape --failed --with-good 3 --limit 24MiB -o failed.tape";
  }
  void describe(Options& options) override {
    selection_.describe(options, "session");
    options.value("-o,--output", output_, "X.tape", "The tape to write, or - for standard output");
    options.flag("--force", force_, "Replace the tape if it exists");
    what_.describe_limit(options, "Leave out whole sessions beyond this, as 24MiB");
    options.flag("--json", json_, "One JSON object instead of words");
    what_.describe(options);
    options.flag("--redact", redact_, "Without passwords, mail and names: see smtptape redact");
    redact_options_.describe(options);
  }
  [[nodiscard]] bool as_live() const override { return selection_.filters.as_live; }

  [[nodiscard]] int run() override {
    if (output_.empty()) throw UsageError("-o X.tape is missing: where the tape goes");
    if (json_) refuse_json_beside(output_);
    Selection selection = selection_.selection();
    selection.whole_sessions = true;
    if (redact_options_.any() && !redact_)
      throw UsageError("--keep, --rules and --map say how to --redact; add it");
    const Extraction extraction = extract(wishes(), selection_, selection);
    if (json_) {
      StandardOutput().write_json(json_line(extraction, "smtptape.extract/1"));
    } else {
      tell_of(extraction);
    }
    const bool incomplete = extraction.incomplete && !as_live();
    return static_cast<int>(incomplete ? Exit::Incomplete : Exit::Done);
  }

 private:
  [[nodiscard]] ExtractWishes wishes() const {
    ExtractWishes wishes;
    wishes.output = output_;
    wishes.force = force_;
    if (redact_) wishes.redact = &redact_options_;
    what_.apply_to(wishes);
    return wishes;
  }

  SelectionOptions selection_;
  std::string output_;
  bool force_ = false;
  bool json_ = false;
  bool redact_ = false;
  ExtractOptions what_;
  RedactOptions redact_options_;
};

}  // namespace

std::unique_ptr<Command> make_extract_command() {
  return std::make_unique<ExtractCommand>();
}

}  // namespace smtptape
