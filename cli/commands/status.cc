// smtptape status: how the recorder of a store is doing.
#include <chrono>
#include <string>
#include <vector>

#include "capture/watch/control_client.h"
#include "capture/watch/status_json.h"
#include "cli/command.h"
#include "cli/run/last_tapes.h"
#include "cli/run/recorder_place.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"
#include "cli/text/status_text.h"
#include "format/wire/json_line.h"

namespace smtptape {

namespace {

class StatusCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "status"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Ask a running recorder how it is doing";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape status /var/lib/smtptape\n"
           "  smtptape status /var/lib/smtptape --json | jq '.sources[].ledger'\n"
           "  smtptape status /var/lib/smtptape --ready    exit code 0: it records";
  }
  void describe(Options& options) override {
    place_.describe(options, Options::Count::NoneOrOne);
    options.flag("--json", json_, "One JSON object");
    options.flag("--ready",
                 ready_,
                 "Only whether every source is connected and written: by the exit code, 0 or 1");
  }

  [[nodiscard]] int run() override {
    if (ready_) return tell_ready(why_not_ready());
    // It answers from memory, whatever the disk does; a process that was stopped never does.
    constexpr std::chrono::seconds kPatience{10};
    const auto answer = ask_recorder(place_.path(), Order::Status, kPatience);
    if (!answer) return nobody_there();
    const RecorderStatus status = read_status_json(*answer);
    StandardOutput out;
    if (json_) {
      out.write_json(*answer + "\n");
    } else {
      out.write(status_text(status));
    }
    return static_cast<int>(Exit::Done);
  }

 private:
  [[nodiscard]] std::vector<std::string> why_not_ready() const {
    // Whoever asks for health does so again soon.
    constexpr std::chrono::seconds kPatience{5};
    const std::filesystem::path socket = place_.path();
    try {
      const auto answer = ask_recorder(socket, Order::Status, kPatience);
      if (!answer) return {place_.nobody()};
      return not_ready(read_status_json(*answer));
    } catch (const Error& error) {
      return {error.what()};
    }
  }

  [[nodiscard]] int tell_ready(const std::vector<std::string>& reasons) const {
    if (json_) {
      StandardOutput().write_json(line_of({{"schema", "smtptape.ready/1"},
                                           {"ready", reasons.empty()},
                                           {"reasons", json_array(reasons, json_string)}}));
    } else if (!reasons.empty()) {
      std::string all;
      for (const std::string& reason : reasons)
        all += (all.empty() ? "" : "; ") + reason;
      say("not ready: " + all);
    }
    return static_cast<int>(reasons.empty() ? Exit::Done : Exit::Failed);
  }

  // Says what is known without a recorder, and fails.
  [[nodiscard]] int nobody_there() const {
    std::vector<NewestTape> tapes;
    if (!place_.stores.empty()) tapes = last_tapes(place_.stores.front());
    StandardOutput out;
    if (json_) {
      JsonLine line;
      line.field("schema", kStatusSchema).truth("running", false);
      if (!place_.stores.empty()) line.field("store", place_.stores.front());
      line.raw("last_tapes",
               json_list(tapes, [](const NewestTape& tape) { return json_of(tape); }));
      out.write_json(line.object() + "\n");
    } else {
      for (const NewestTape& tape : tapes)
        out.write(text_of(tape) + "\n");
    }
    say(place_.nobody());
    return static_cast<int>(Exit::Failed);
  }

  RecorderPlace place_;
  bool json_ = false;
  bool ready_ = false;
};

}  // namespace

std::unique_ptr<Command> make_status_command() {
  return std::make_unique<StatusCommand>();
}

}  // namespace smtptape
