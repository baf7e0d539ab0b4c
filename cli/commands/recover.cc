// smtptape recover: sound, sealed copies of what can be read.  The originals are only read.
#include <algorithm>
#include <filesystem>

#include "base/counted.h"
#include "base/time_spec.h"
#include "capture/record/clocks.h"
#include "cli/command.h"
#include "cli/options/tape_output.h"
#include "cli/run/result.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"
#include "store/copy/tape_copy.h"
#include "store/find/input_files.h"
#include "store/read/inputs.h"

namespace smtptape {

namespace {

class RecoverCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "recover"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Copy what can be read of tapes into sound ones";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape recover night.tape -o sound    writes sound/night.tape\n"
           "  smtptape recover /var/lib/smtptape -o /srv/sound";
  }
  void describe(Options& options) override {
    options.positional("TAPE", tapes_, Options::Count::Any, "Tapes and directories of tapes");
    options.value("-o,--output", output_, "DIR", "Where the copies go; made when it is missing");
    options.flag("--json", json_, "One JSON object a line");
  }

  [[nodiscard]] int run() override {
    if (output_.empty()) throw UsageError("-o DIR is missing: where the copies go");
    refuse_standard_output(output_);
    refuse_pipes(tapes_);
    if (std::find(tapes_.begin(), tapes_.end(), "-") != tapes_.end()) {
      throw UsageError("recover reads every tape twice, so it takes no standard input");
    }
    const std::vector<ListedTape> tapes = list_tapes(tapes_);
    refuse_inputs_as_copies(output_, tapes);
    const OutputDirectory directory(output_);
    // Checked, copied, and the copy checked.
    const Progress progress("recover", bytes_of(tapes_, 3));
    for (const ListedTape& tape : tapes) {
      try {
        recover(tape);
      } catch (const Error& error) {
        if (tape.named) throw;
        leave(tape.path, error.what(), std::string(error.what()) + "; passed over");
        incomplete_ = true;
      }
    }
    return static_cast<int>(incomplete_ ? Exit::Incomplete : Exit::Done);
  }

 private:
  void recover(const ListedTape& tape) {
    const std::filesystem::path& path = tape.path;
    const TapeCheck check = check_tape(path, links_to(tape.named));
    if (check.state == TapeState::Live) {
      constexpr const char* kWhy = "is being written";
      return leave(path, kWhy, path.string() + ": " + kWhy + ", so it was left alone");
    }
    const std::filesystem::path to = std::filesystem::path(output_) / name_of_copy(path);
    if (std::filesystem::exists(to)) {
      throw Error(to.string() + ": exists already; give another directory");
    }
    OutputFile file(to, OutputFile::Existing::Refuse);
    const TapeOptions options = file_options(indexed_keys());
    const CopyTotals totals =
        copy_tape(check, header_of_copy(check), options, now_unix_nanos(), file);
    file.commit();
    const TapeCheck copy = check_tape(to);
    if (copy.state != TapeState::Sealed || copy.events != totals.events) {
      throw Error(to.string() + ": the copy is not sound; is its disk?");
    }
    conclude(check, totals, to);
  }

  void conclude(const TapeCheck& check, const CopyTotals& totals, const std::filesystem::path& to) {
    const bool lost = totals.lost > 0 || totals.lost_unknown > 0;
    incomplete_ = incomplete_ || (lost && !check.damage.empty());
    if (json_) return print(check, to, totals);
    tell(check, to, totals);
  }

  void leave(const std::filesystem::path& path, const std::string& why, const std::string& text) {
    if (!json_) return say(text);
    out_.write_json(line_of({{"schema", kSchema},
                             {"what", "left-alone"},
                             {"path", json_string(path.string())},
                             {"reason", json_string(why)}}));
  }

  void print(const TapeCheck& check, const std::filesystem::path& to, const CopyTotals& totals) {
    out_.write_json(line_of({{"schema", kSchema},
                             {"what", "copy"},
                             {"path", json_string(check.path.string())},
                             {"copy", json_string(to.string())},
                             {"state", json_string(name_of(check.state))},
                             {"events", totals.events},
                             {"bytes", totals.bytes},
                             {"lost", totals.lost},
                             {"lost_unknown", totals.lost_unknown},
                             {"damage", json_array(check.damage, [](const Damage& damage) {
                                return json_of(damage);
                              })}}));
  }

  static void tell(const TapeCheck& check,
                   const std::filesystem::path& to,
                   const CopyTotals& totals) {
    say(to.string() + ": " + counted(totals.events, "event") + ", sealed");
    for (const Damage& damage : check.damage)
      say("  " + check.path.string() + " " + text_of(damage));
    if (check.damage.empty()) return;
    std::string lost = counted(totals.lost, "event is", "events are") + " lost";
    if (totals.lost_unknown > 0) {
      lost += ", and in " + counted(totals.lost_unknown, "place") + " nobody knows how many";
    }
    say("  " + lost + "; the copy says so in its gaps");
  }

  static constexpr const char* kSchema = "smtptape.recover/1";

  StandardOutput out_;
  std::vector<std::string> tapes_;
  std::string output_;
  bool json_ = false;
  bool incomplete_ = false;
};

}  // namespace

std::unique_ptr<Command> make_recover_command() {
  return std::make_unique<RecoverCommand>();
}

}  // namespace smtptape
