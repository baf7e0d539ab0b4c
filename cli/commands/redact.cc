// smtptape redact: tapes without passwords, mail and names, to be handed on.
#include "cli/command.h"
#include "cli/options/redact_options.h"
#include "cli/options/selection_options.h"
#include "cli/run/extraction.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

class RedactCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "redact"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Copy tapes without passwords, mail and names";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape redact bob.tape -o safe.tape\n"
           "  smtptape redact bob.tape -o safe.tape --keep domains --map bob.map\n"
           "  smtptape extract /var/lib/smtptape --failed --since -1h --redact -o safe.tape";
  }
  void describe(Options& options) override {
    options.positional(
        "TAPE", selection_.tapes, Options::Count::Any, "Tapes, directories of tapes, or -");
    options.value("-o,--output", output_, "X.tape", "The tape to write, or - for standard output");
    options.flag("--force", force_, "Replace the tape if it exists");
    options.flag("--json", json_, "One JSON object instead of words");
    redact_.describe(options);
  }

  [[nodiscard]] int run() override {
    if (output_.empty()) throw UsageError("-o X.tape is missing: where the tape goes");
    if (json_) refuse_json_beside(output_);
    ExtractWishes wishes;
    wishes.output = output_;
    wishes.force = force_;
    wishes.redact = &redact_;
    const Extraction extraction = extract(wishes, selection_, Selection());
    if (json_) {
      StandardOutput().write_json(json_line(extraction, "smtptape.redact/1"));
    } else {
      tell_of(extraction);
    }
    return static_cast<int>(extraction.incomplete ? Exit::Incomplete : Exit::Done);
  }

 private:
  SelectionOptions selection_;
  RedactOptions redact_;
  std::string output_;
  bool force_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_redact_command() {
  return std::make_unique<RedactCommand>();
}

}  // namespace smtptape
