// smtptape extract: the chosen events as a new sealed tape, the file to attach to a bug report.
#include "cli/command.h"
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
           "  smtptape extract night.tape --failed --redact -o safe.tape    without names or mail";
  }
  void describe(Options& options) override {
    selection_.describe(options, "session");
    options.value("-o,--output", output_, "X.tape", "The tape to write, or - for standard output");
    options.flag("--force", force_, "Replace the tape if it exists");
    options.flag("--json", json_, "One JSON object instead of words");
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
    const Extraction extraction =
        redact_ ? extract_redacted_to(output_, force_, selection_, selection, redact_options_)
                : extract_to(output_, force_, selection_, selection);
    if (json_) {
      StandardOutput().write_json(json_line(extraction, "smtptape.extract/1"));
    } else {
      tell_of(extraction);
    }
    const bool incomplete = extraction.incomplete && !as_live();
    return static_cast<int>(incomplete ? Exit::Incomplete : Exit::Done);
  }

 private:
  SelectionOptions selection_;
  std::string output_;
  bool force_ = false;
  bool json_ = false;
  bool redact_ = false;
  RedactOptions redact_options_;
};

}  // namespace

std::unique_ptr<Command> make_extract_command() {
  return std::make_unique<ExtractCommand>();
}

}  // namespace smtptape
