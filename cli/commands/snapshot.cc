// smtptape snapshot: the last minutes of a store as one sealed tape, also while it is written.
#include "base/time_spec.h"
#include "capture/watch/control_client.h"
#include "cli/command.h"
#include "cli/run/extraction.h"
#include "cli/run/recorder_place.h"
#include "cli/run/result.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

class SnapshotCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "snapshot"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Copy the last minutes of a store into a new tape";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape snapshot /var/lib/smtptape --last 15m -o now.tape\n"
           "  smtptape snapshot /var/lib/smtptape --last 1h -o now.tape --force";
  }
  void describe(Options& options) override {
    place_.describe(options, Options::Count::One);
    options.value("--last", last_, "TIME", "How far back, by time of reception (default: 15m)");
    options.value("-o,--output", output_, "X.tape", "The tape to write");
    options.flag("--force", force_, "Replace the tape if it exists");
    options.flag("--json", json_, "One JSON object instead of words");
  }

  [[nodiscard]] int run() override {
    if (output_.empty()) throw UsageError("-o X.tape is missing: where the tape goes");
    if (output_ == "-") throw UsageError("-o -: a snapshot is a file; name one");
    const std::int64_t last = parse_duration(last_, "--last").count();
    if (last <= 0) throw UsageError("--last: " + last_ + " is no time at all");
    refuse_input_as_output(output_, place_.stores);
    // Before the recorder is asked: what comes while it flushes is in, too.
    const std::int64_t since = now_unix_nanos() - last;
    const bool flushed = flush();
    SelectionOptions options;
    options.tapes = place_.stores;
    Selection everything;
    everything.window.since = since;
    ExtractWishes wishes;
    wishes.output = output_;
    wishes.force = force_;
    const Extraction extraction = extract(wishes, options, everything);
    if (json_) {
      StandardOutput().write_json(json_line(extraction, "smtptape.snapshot/1"));
    } else {
      tell_of(extraction);
    }
    const bool incomplete = extraction.incomplete || !flushed;
    return static_cast<int>(incomplete ? Exit::Incomplete : Exit::Done);
  }

 private:
  // False when something that came may not be in the tapes.
  [[nodiscard]] bool flush() const {
    try {
      if (!order_recorder(place_.path(), Order::Flush)) {
        say("taking what the tapes hold: " + place_.nobody());
      }
      return true;
    } catch (const Error& error) {
      say(std::string(error.what()) + "; what came last may be missing");
      return false;
    }
  }

  RecorderPlace place_;
  std::string last_ = "15m";
  std::string output_;
  bool force_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_snapshot_command() {
  return std::make_unique<SnapshotCommand>();
}

}  // namespace smtptape
