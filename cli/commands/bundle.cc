// smtptape bundle: one archive to attach to a bug report.
#include "cli/run/bundle.h"

#include <optional>

#include "cli/command.h"
#include "cli/options/extract_options.h"
#include "cli/options/mistakes.h"
#include "cli/options/redact_options.h"
#include "cli/options/selection_options.h"
#include "cli/run/configured_store.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"
#include "cli/text/question.h"

namespace smtptape {

namespace {

class BundleCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "bundle"; }
  [[nodiscard]] std::string_view summary() const override {
    return "One file for a bug report: page, tape, report, without names and mail";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape bundle --rcpt-to bob@dest.example --since -2h -o bob.trace.zip\n"
           "  smtptape bundle /var/lib/smtptape --failed --since -2h --with-good 3 --limit 24MiB "
           "-o "
           "night.trace.zip\n"
           "  smtptape open bob.trace.zip                 looks at it before it is sent";
  }
  void describe(Options& options) override {
    options_.emplace(options);
    selection_.describe_whole_sessions(options);
    options.group("The archive");
    options.value(
        "-o,--output", output_, "NAME.trace.zip", "The file to write, or - for standard output");
    options.flag("--force", force_, "Replace the file if it exists");
    options.flag("--yes", yes_, "Write it without showing first what it will hold, and asking");
    what_.describe_limit(options,
                         "Leave out whole sessions beyond this: 24MiB is what GitHub takes");
    options.flag("--json", json_, "One JSON object instead of words");
    what_.describe(options);
    redact_.describe(options);
    options.flag("--no-redact", no_redact_, "With passwords, addresses and mail as they are");
    options.group("Options");
    store_.describe(options);
  }

  [[nodiscard]] int run() override {
    Selection selection;
    BundleWishes wishes;
    Mistakes mistakes;
    mistakes.check([&] { selection = selection_.whole_sessions(); });
    mistakes.check([&] { what_.apply_to(wishes.extract); });
    mistakes.check([&] { check_output(); });
    mistakes.check([&] { check_redaction(); });
    mistakes.throw_if_any();
    if (selection_.tapes.empty()) selection_.tapes = {store_.store()};
    wishes.extract.output = output_;
    wishes.extract.force = force_;
    wishes.extract.reproducible = true;
    if (!no_redact_) wishes.extract.redact = &redact_;
    wishes.asks = !yes_;
    wishes.chosen = options_->given(
        {"output", "force", "yes", "limit", "json", "no-redact", "config", "explain"});
    const Bundle bundle = make_bundle(wishes, selection_, selection);
    if (json_) {
      StandardOutput().write_json(json_line(bundle));
    } else {
      tell_of(bundle);
    }
    if (!bundle.written) return static_cast<int>(Exit::Failed);
    return static_cast<int>(bundle.extraction.incomplete ? Exit::Incomplete : Exit::Done);
  }

 private:
  void check_output() const {
    if (output_.empty()) throw UsageError("-o NAME.trace.zip is missing: where the archive goes");
    if (json_) refuse_json_beside(output_);
    if (yes_ || can_ask()) return;
    throw UsageError(
        "bundle shows what it will hold, and asks before it writes; without a "
        "terminal, add --yes");
  }
  void check_redaction() const {
    if (no_redact_ && redact_.any())
      throw UsageError("--keep, --rules and --map say how to redact; --no-redact does not");
  }

  SelectionOptions selection_;
  std::optional<Options> options_;
  ExtractOptions what_;
  RedactOptions redact_;
  std::string output_;
  bool force_ = false;
  bool yes_ = false;
  bool json_ = false;
  bool no_redact_ = false;
  StoreOption store_;
};

}  // namespace

std::unique_ptr<Command> make_bundle_command() {
  return std::make_unique<BundleCommand>();
}

}  // namespace smtptape
