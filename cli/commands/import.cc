// smtptape import: a file of frames becomes a tape.
#include "store/copy/import.h"

#include <unistd.h>

#include <optional>
#include <utility>

#include "base/counted.h"
#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/options/tape_output.h"
#include "cli/run/result.h"
#include "cli/text/output.h"
#include "cli/text/progress.h"

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
           "  ssh mta-1 zstdcat night.jsonl.zst | smtptape import - -o night.tape --name mta-1";
  }
  void describe(Options& options) override {
    options.positional(
        "FEED",
        feed_,
        Options::Count::One,
        "A file of frames, as it is or packed by zstd or gzip, or - for standard input");
    options.value("-o,--output", output_, "X.tape", "The tape to write, or - for standard output");
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
    Result file(output_, force_, Result::Content::Tape, feed_);
    const bool standard_input = feed_.front() == "-";
    const std::string name = standard_input ? "standard input" : feed_.front();
    UniqueFd fd = standard_input ? UniqueFd(::dup(STDIN_FILENO)) : open_for_reading(feed_.front());
    FeedFileSource feed(std::make_unique<FdSource>(std::move(fd), name), name, format, max_frame);
    std::optional<Progress> progress(std::in_place, "import", bytes_of(feed_));
    const Imported imported = write_tape(feed, file);
    progress.reset();
    report(file.name(), imported);
    file.commit();
    if (feed.was_marked()) {
      say(name + ": began with a byte order mark, which belongs to no event and was left out");
    }
    const Loss lost = imported.ledger.total_lost();
    if (lost.count > 0) {
      say(counted(lost.count, "frame") + " over --max-frame " + max_frame_ +
          (lost.count == 1 ? " was left out; it leaves a gap"
                           : " were left out; each leaves a gap"));
    }
    const bool strange = tell_if_strange(name, format, imported);
    return static_cast<int>(lost.count > 0 || strange ? Exit::Incomplete : Exit::Done);
  }

 private:
  [[nodiscard]] Imported write_tape(FeedFileSource& feed, Result& file) const {
    Origin origin{random_id(), source_.empty() ? default_source() : source_, 1, true};
    TapeHeader header = new_tape_header(origin);
    header.first_sequence = 1;
    TapeWriter writer(file, header, file_options(indexed_keys()));
    return import_feed(feed, writer, now_unix_nanos());
  }

  [[nodiscard]] std::string default_source() const {
    if (feed_.front() == "-") return "import";
    std::filesystem::path name = std::filesystem::path(feed_.front()).filename();
    for (const std::string_view packed : {".zst", ".zstd", ".gz"}) {
      if (name.extension() == packed) name = name.stem();
    }
    return name.stem().string();
  }

  // Hardly a line is an event: somebody meant another file.  A handful of lines say nothing.
  static bool tell_if_strange(const std::string& name,
                              FeedFormat format,
                              const Imported& imported) {
    constexpr std::uint64_t kFewest = 5;
    constexpr std::uint64_t kReadableOneIn = 10;
    if (format != FeedFormat::Jsonl || imported.unreadable < kFewest) return false;
    const std::uint64_t frames = imported.readable + imported.unreadable;
    if (imported.readable * kReadableOneIn >= frames) return false;
    say(name + ": " + std::to_string(imported.unreadable) + " of " + std::to_string(frames) +
        " frames are no events of the feed, and were kept as they are; is it a file of JSON " +
        "lines, one event a line?");
    return true;
  }

  static void report(const std::string& name, const Imported& imported) {
    say(name + ": " + counted(imported.ledger.stored, "event") + ", " +
        show_size(imported.wire_bytes) + " in " + show_size(imported.bytes) +
        (imported.verbatim == 0 ? ""
                                : ", " + counted(imported.verbatim, "frame") + " kept verbatim"));
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
