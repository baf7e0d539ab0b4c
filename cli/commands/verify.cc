// smtptape verify: is everything there that was written, and is it what was written?
#include <algorithm>
#include <set>

#include "base/counted.h"
#include "cli/command.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"
#include "store/check/tape_check.h"
#include "store/read/inputs.h"

namespace smtptape {

namespace {

std::string text_of(const TapeCheck& check) {
  std::string text = visible(check.path.string()) + ": " + std::string(name_of(check.state)) +
                     ", " + counted(check.events, "event");
  switch (check.state) {
    case TapeState::Sealed: text += ", every checksum is good"; break;
    case TapeState::Unclosed:
      text += " to its end (normal: its writer died, or was cut off)";
      break;
    case TapeState::Live: text += " so far (normal)"; break;
    case TapeState::TornTail:
    case TapeState::Damaged: text += " can be read; `smtptape recover` copies them"; break;
  }
  text += "\n";
  for (const Damage& damage : check.damage)
    text += "  " + visible(text_of(damage)) + "\n";
  return text;
}

class VerifyCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "verify"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Read tapes whole and compare every checksum";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape verify night.tape\n"
           "  smtptape verify /var/lib/smtptape    each tape, and whether one is missing between";
  }
  void describe(Options& options) override {
    options.positional("TAPE", tapes_, Options::Count::Any, "Tapes and directories of tapes");
    options.flag("--quiet", quiet_, "Only what is wrong");
    options.flag("--json", json_, "One JSON object a line");
  }

  [[nodiscard]] int run() override {
    if (std::find(tapes_.begin(), tapes_.end(), "-") != tapes_.end()) {
      throw UsageError("verify reads files, not standard input");
    }
    const Progress progress("verify", bytes_of(tapes_));
    check_all();
    // Tapes that began meanwhile: a list that was read while they did may lack one of them and
    // hold the next.
    check_all();
    forget_deleted(checks_);
    for (const std::string& missing : check_neighbours(checks_)) {
      alarm(json_ ? line_of(object("missing", {{"detail", json_string(missing)}}))
                  : visible(missing) + "\n");
    }
    if (json_) print(totals());
    return static_cast<int>(alarms_ > 0 ? Exit::Incomplete : Exit::Done);
  }

 private:
  void check_all() {
    for (const ListedTape& tape : list_tapes(tapes_)) {
      if (seen_.insert(tape.path).second) check_one(tape);
    }
  }

  void check_one(const ListedTape& tape) {
    try {
      checks_.push_back(check_tape(tape.path, links_to(tape.named)));
    } catch (const Error& error) {
      if (tape.named) throw;
      std::error_code ignored;
      if (!std::filesystem::exists(tape.path, ignored)) return;  // deleted since it was listed
      return alarm(json_ ? line_of(object("unreadable",
                                          {{"path", json_string(tape.path.string())},
                                           {"detail", json_string(error.what())}}))
                         : visible(error.what()) + "\n");
    }
    const TapeCheck& check = checks_.back();
    const std::string told = json_ ? json_line(check) : text_of(check);
    if (is_alarm(check.state)) return alarm(told);
    if (!quiet_) print(told);
  }

  static boost::json::object object(std::string_view what, const boost::json::object& more) {
    boost::json::object object{{"schema", "smtptape.verify/1"}, {"what", json_string(what)}};
    for (const auto& member : more)
      object.insert(member);
    return object;
  }

  static std::string json_line(const TapeCheck& check) {
    return line_of(object("tape",
                          {{"path", json_string(check.path.string())},
                           {"state", json_string(name_of(check.state))},
                           {"alarm", is_alarm(check.state)},
                           {"events", check.events},
                           {"damage", json_array(check.damage, [](const Damage& damage) {
                              return json_of(damage);
                            })}}));
  }

  [[nodiscard]] std::string totals() const {
    std::uint64_t events = 0;
    for (const TapeCheck& check : checks_)
      events += check.events;
    return line_of(
        object("totals", {{"tapes", checks_.size()}, {"events", events}, {"alarms", alarms_}}));
  }

  void print(const std::string& text) {
    if (json_) return out_.write_json(text);
    out_.write(text);
  }

  void alarm(const std::string& text) {
    print(text);
    ++alarms_;
  }

  StandardOutput out_;
  std::set<std::filesystem::path> seen_;
  std::vector<TapeCheck> checks_;
  std::uint64_t alarms_ = 0;
  std::vector<std::string> tapes_;
  bool quiet_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_verify_command() {
  return std::make_unique<VerifyCommand>();
}

}  // namespace smtptape
