// smtptape import: a file of frames becomes a tape.
#include <unistd.h>

#include <optional>
#include <utility>

#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/options/tape_output.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"
#include "replay/inputs.h"

namespace smtptape {

namespace {

class ImportCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "import"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Make a tape of a file of frames, one JSON event a line";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape import night.jsonl -o night.tape\n"
           "  zstdcat night.jsonl.zst | smtptape import - -o night.tape --name mta-1";
  }
  void describe(Options& options) override {
    options.positional(
        "FEED", feed_, Options::Count::One, "A file of frames, or - for standard input");
    options.value("-o,--output", output_, "X.tape", "The tape to write");
    options.value("--name", source_, "SOURCE", "Name of the source (default: the file's name)");
    options.value("--format", format_, "jsonl|frames", "jsonl (default) or frames");
    options.value("--max-frame",
                  max_frame_,
                  "SIZE",
                  "Larger frames are left out and leave a gap (default: 64M)");
    options.flag("--force", force_, "Replace the tape if it exists");
  }

  [[nodiscard]] int run() override {
    const FeedFormat format = parse_feed_format(format_);
    const std::uint64_t max_frame = parse_max_frame(max_frame_);
    if (output_.empty()) throw UsageError("-o X.tape is missing: where the tape goes");
    const bool standard_input = feed_.front() == "-";
    const std::string name = standard_input ? "standard input" : feed_.front();
    UniqueFd fd = standard_input ? UniqueFd(::dup(STDIN_FILENO)) : open_for_reading(feed_.front());
    FeedFileSource feed(std::make_unique<FdSource>(std::move(fd), name), name, format, max_frame);
    OutputFile file(output_, force_ ? OutputFile::Existing::Replace : OutputFile::Existing::Refuse);
    std::optional<Progress> progress(std::in_place, "import", bytes_of(feed_));
    const Ledger ledger = write_tape(feed, file);
    progress.reset();
    file.commit();
    const Loss lost = ledger.total_lost();
    if (lost.count > 0) {
      say(std::to_string(lost.count) + " frames over --max-frame " + max_frame_ +
          " were left out; each leaves a gap");
    }
    return static_cast<int>(lost.count > 0 ? Exit::Incomplete : Exit::Done);
  }

 private:
  Ledger write_tape(FeedFileSource& feed, ByteSink& file) {
    Origin origin{random_id(), source_.empty() ? default_source() : source_, 1, true};
    TapeHeader header = new_tape_header(origin);
    header.first_sequence = 1;
    TapeOptions options;
    options.indexed_keys = indexed_keys();
    TapeWriter writer(file, header, options);
    Ledger ledger;
    {
      ReadAhead ahead(feed);
      EventBatch batch;
      while (ahead.next(batch))
        record_batch(batch, writer, ledger);
    }
    ledger.received = feed.received();
    writer.seal(ledger, now_unix_nanos());
    ledger.stored = writer.events_written();
    report(writer, ledger);
    return ledger;
  }

  [[nodiscard]] std::string default_source() const {
    if (feed_.front() == "-") return "import";
    return std::filesystem::path(feed_.front()).stem().string();
  }

  void report(const TapeWriter& writer, const Ledger& ledger) const {
    std::uint64_t wire = 0;
    std::uint64_t verbatim = 0;
    for (const GroupIndex& group : writer.groups()) {
      wire += group.wire_bytes;
      verbatim += group.verbatim;
    }
    say(output_ + ": " + std::to_string(ledger.stored) + " events, " + show_size(wire) + " in " +
        show_size(writer.bytes_written()) +
        (verbatim == 0 ? "" : ", " + std::to_string(verbatim) + " frames kept verbatim"));
  }

  std::vector<std::string> feed_;
  std::string output_;
  std::string source_;
  std::string format_ = "jsonl";
  std::string max_frame_ = "64M";
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_import_command() {
  return std::make_unique<ImportCommand>();
}

}  // namespace smtptape
