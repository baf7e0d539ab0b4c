// smtptape compact: recorded tapes in the layout that is small and quick to search.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

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

// Nobody waits for it.  Levels above 19 take gigabytes for hardly anything.
constexpr int kMostLevel = 19;

int parse_level(const std::string& text) {
  int level = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, level);
  if (read.ec != std::errc() || read.ptr != end || level < 1 || level > kMostLevel) {
    throw UsageError("--level: \"" + text + "\" is no level of zstd's; give a number from 1 to " +
                     std::to_string(kMostLevel));
  }
  return level;
}

class CompactCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "compact"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Re-lay recorded tapes: smaller, and quicker to search";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape compact /var/lib/smtptape --replace\n"
           "  smtptape compact /var/lib/smtptape -o /srv/archive";
  }
  void describe(Options& options) override {
    options.positional("TAPE", tapes_, Options::Count::Any, "Tapes and directories of tapes");
    options.value("-o,--output", output_, "DIR", "Where the copies go; made when it is missing");
    options.flag("--replace",
                 replace_,
                 "Put each copy in its original's place, once it was read back and compared");
    options.value("--level",
                  level_,
                  "N",
                  "How hard zstd tries, 1 to 19 (default: 9); 19 takes many times as long");
    options.flag("--json", json_, "One JSON object a line");
  }

  [[nodiscard]] int run() override {
    if (output_.empty() != replace_) {
      throw UsageError("give either -o DIR, where the copies go, or --replace");
    }
    zstd_level_ = parse_level(level_);
    refuse_standard_output(output_);
    refuse_pipes(tapes_);
    if (std::find(tapes_.begin(), tapes_.end(), "-") != tapes_.end()) {
      throw UsageError("compact reads every tape twice, so it takes no standard input");
    }
    const std::vector<ListedTape> tapes = list_tapes(tapes_);
    std::optional<OutputDirectory> directory;
    if (!replace_) {
      refuse_inputs_as_copies(output_, tapes);
      directory.emplace(output_);
    }
    // Checked, copied, and compared with the copy, which is a little smaller.
    const Progress progress("compact", bytes_of(tapes_, 4));
    for (const ListedTape& tape : tapes) {
      try {
        compact(tape);
      } catch (const Error& error) {
        if (tape.named) throw;
        leave(tape.path, error.what());
      }
    }
    if (json_) {
      out_.write_json(line_of({{"schema", kSchema},
                               {"what", "totals"},
                               {"tapes", compacted_},
                               {"already", already_},
                               {"bytes_before", before_},
                               {"bytes", after_}}));
    } else if (compacted_ > 0) {
      say(counted(compacted_, "tape") + ", " + show_size(before_) + " before, " +
          show_size(after_) + " now");
    }
    if (!json_ && already_ > 0) {
      say(counted(already_, "tape is", "tapes are") + " laid out so already");
    }
    return static_cast<int>(incomplete_ ? Exit::Incomplete : Exit::Done);
  }

 private:
  void compact(const ListedTape& tape) {
    const std::filesystem::path& path = tape.path;
    const TapeCheck check = check_tape(path, links_to(tape.named));
    if (check.state == TapeState::Live) return tell_left(path, "is being written, left alone");
    if (is_alarm(check.state)) {
      return leave(path, std::string(name_of(check.state)) + "; `smtptape recover` copies it");
    }
    if (replace_ && is_unpacked_zip(path))
      return leave(path, "is an archive; -o DIR writes its tape there");
    if (replace_ && check.header->layout == Layout::TwoFrames) {
      ++already_;
      return;
    }
    // Behind a link the original itself is replaced, not the link.
    const std::filesystem::path to = replace_ ? std::filesystem::canonical(path)
                                              : std::filesystem::path(output_) / name_of_copy(path);
    if (!replace_ && std::filesystem::exists(to)) {
      throw Error(to.string() + ": exists already; give another directory");
    }
    TapeOptions options = file_options(indexed_keys());
    options.level = zstd_level_;
    OutputFile file(to, replace_ ? OutputFile::Existing::Replace : OutputFile::Existing::Refuse);
    const CopyTotals totals =
        copy_tape(check, header_of_copy(check), options, now_unix_nanos(), file);
    if (!same_content(path, file.written_to())) {
      throw Error(to.string() + ": the copy does not hold the same, and was not kept");
    }
    const std::uint64_t before = std::filesystem::file_size(path);
    before_ += before;
    after_ += totals.bytes;
    if (replace_) file.take_rights_of(to);
    file.commit();
    ++compacted_;
    if (!json_) return;
    out_.write_json(line_of({{"schema", kSchema},
                             {"what", "copy"},
                             {"path", json_string(path.string())},
                             {"copy", json_string(to.string())},
                             {"events", totals.events},
                             {"bytes_before", before},
                             {"bytes", totals.bytes}}));
  }

  void leave(const std::filesystem::path& path, const std::string& why) {
    tell_left(path, why + "; left alone");
    incomplete_ = true;
  }

  void tell_left(const std::filesystem::path& path, const std::string& why) {
    if (!json_) return say(path.string() + ": " + why);
    out_.write_json(line_of({{"schema", kSchema},
                             {"what", "left-alone"},
                             {"path", json_string(path.string())},
                             {"reason", json_string(why)}}));
  }

  static constexpr const char* kSchema = "smtptape.compact/1";

  StandardOutput out_;

  std::vector<std::string> tapes_;
  std::string output_;
  std::string level_ = "9";
  int zstd_level_ = 0;
  bool replace_ = false;
  bool json_ = false;
  bool incomplete_ = false;
  std::uint64_t compacted_ = 0;
  std::uint64_t already_ = 0;  // laid out so, and left
  std::uint64_t before_ = 0;
  std::uint64_t after_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_compact_command() {
  return std::make_unique<CompactCommand>();
}

}  // namespace smtptape
