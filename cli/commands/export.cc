// smtptape export: frames, byte for byte as they came in; or sessions, as a page or as rows.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/counted.h"
#include "base/time_spec.h"
#include "base/visible_text.h"
#include "cli/command.h"
#include "cli/options/mistakes.h"
#include "cli/options/selection_options.h"
#include "cli/run/page_of_tapes.h"
#include "cli/run/result.h"
#include "cli/run/selected_tapes.h"
#include "cli/run/session_lines.h"
#include "cli/run/swaks_commands.h"
#include "cli/text/output.h"
#include "cli/version.h"
#include "format/wire/packed_sink.h"
#include "replay/json/session_json.h"
#include "share/pcapng/pcapng_export.h"
#include "share/rows/session_csv.h"
#include "store/copy/frames.h"

namespace smtptape {

namespace {

enum class Format : std::uint8_t {
  Jsonl,
  PackedJsonl,
  Frames,
  Html,
  Csv,
  SessionLines,
  Swaks,
  Pcapng
};

struct FormatWords {
  Format format;
  std::string_view name;
  std::string_view help;
};
constexpr std::array kFormats{
    FormatWords{Format::Jsonl, "jsonl", "a frame a line, as it came in (default)"},
    FormatWords{Format::PackedJsonl, "jsonl.zst", "the same, packed by zstd; import takes it"},
    FormatWords{Format::Frames, "frames", "opcode, length, bytes: for what lines can't hold"},
    FormatWords{Format::Html, "html", "a page of whole sessions, to be opened in a browser"},
    FormatWords{Format::Csv, "csv", "a row a session, for spreadsheets and databases"},
    FormatWords{Format::SessionLines, "sessions.jsonl", "a line a session, as sessions --json"},
    FormatWords{Format::Swaks, "swaks", "of what failed, command lines of swaks that repeat it"},
    FormatWords{Format::Pcapng, "pcapng", "connections as packets, for Wireshark and tshark"},
};

std::string names_of_formats(std::string_view between) {
  std::string names;
  for (const FormatWords& each : kFormats) {
    if (!names.empty()) names += between;
    names += each.name;
  }
  return names;
}

// A line each.
std::string help_of_formats() {
  std::string help = "What is written:";
  for (const FormatWords& each : kFormats)
    help.append("\n").append(each.name).append(": ").append(each.help);
  return help;
}

Format parse_format(const std::string& text) {
  for (const FormatWords& each : kFormats)
    if (each.name == text) return each.format;
  throw UsageError("--format: \"" + text + "\" is none of " + names_of_formats(", "));
}

// Of events as they came in; the others are of sessions.
bool is_of_frames(Format format) {
  return format == Format::Jsonl || format == Format::PackedJsonl || format == Format::Frames;
}

class ExportCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "export"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Write the frames of tapes as they came in, or their sessions as a page or as rows";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape export night.tape | jq .payload\n"
           "  smtptape export /var/lib/smtptape --tenant acme --scope session -o acme.jsonl\n"
           "  smtptape export night.tape --scope session --format jsonl.zst -o night.jsonl.zst\n"
           "  smtptape export /var/lib/smtptape --failed --since -2h --format html -o night.html\n"
           "  smtptape export /var/lib/smtptape --since yesterday --format csv -o night.csv\n"
           "  smtptape export night.tape --reply 'mailbox full' --format swaks\n"
           "  smtptape export night.tape --session 6a4f6e2e --format pcapng -o one.pcapng";
  }
  void describe(Options& options) override {
    options_.emplace(options);
    selection_.describe(options, "event");
    options.value("--format", format_, names_of_formats("|"), help_of_formats());
    options.value("-o,--output", output_, "FILE", "Write here instead of standard output (-)");
    options.flag("--force", force_, "Replace the file if it exists");
  }
  [[nodiscard]] bool as_live() const override { return selection_.filters.as_live; }

  [[nodiscard]] int run() override {
    Format format{};
    Selection selection;
    Mistakes mistakes;
    mistakes.check([&] { format = parse_format(format_); });
    mistakes.check([&] { selection = selection_of(format); });
    mistakes.throw_if_any();
    switch (format) {
      case Format::Jsonl: return write_frames_as(Result::Content::Json, selection);
      case Format::PackedJsonl: return write_packed(selection);
      case Format::Frames: return write_frames_as(Result::Content::Bytes, selection);
      case Format::Html: return write_page(selection);
      case Format::Csv: return write_csv(selection);
      case Format::SessionLines: return write_session_json(selection);
      case Format::Swaks: return write_swaks(selection);
      case Format::Pcapng: return write_pcapng(selection);
    }
    return static_cast<int>(Exit::Failed);
  }

 private:
  int write_frames_as(Result::Content content, const Selection& selection) {
    const FeedFormat format =
        content == Result::Content::Json ? FeedFormat::Jsonl : FeedFormat::Frames;
    Result result(output_, force_, content, selection_.tapes);
    SelectedTapes tapes(selection_, selection, progress(result));
    const bool empty = write_frames(tapes.events(), format, result) == 0;
    result.commit();
    return end_of_frames(tapes, empty);
  }

  int write_packed(const Selection& selection) {
    Result result(output_, force_, Result::Content::Packed, selection_.tapes);
    SelectedTapes tapes(selection_, selection, progress(result));
    PackedSink packed(result);
    const bool empty = write_frames(tapes.events(), FeedFormat::Jsonl, packed) == 0;
    packed.finish();
    result.commit();
    return end_of_frames(tapes, empty);
  }

  int end_of_frames(SelectedTapes& tapes, bool empty) const {
    const bool incomplete = tapes.tell_end(empty ? Answer::Empty : Answer::Something);
    return static_cast<int>(incomplete && !as_live() ? Exit::Incomplete : Exit::Done);
  }

  [[nodiscard]] std::optional<std::string> progress(const Result& result) const {
    return result.is_file() ? std::string(name()) : progress_unless_shown(name());
  }

  // Of no sessions it's the titles alone: still a table.
  int write_csv(const Selection& selection) {
    Result result(output_, force_, Result::Content::Bytes, selection_.tapes);
    result.write(SessionCsv::titles());
    const SessionCsv csv;
    const auto line_of = [&csv](const SessionSummary& session, const Story* story) {
      return csv.line(session, *story);
    };
    return write_lines(selection, result, SessionSource::Facts::Stories, line_of);
  }

  int write_session_json(const Selection& selection) {
    Result result(output_, force_, Result::Content::Json, selection_.tapes);
    const auto line_of = [](const SessionSummary& session, const Story* /*story*/) {
      return json_line(session, std::nullopt);
    };
    return write_lines(selection, result, SessionSource::Facts::Figures, line_of);
  }

  int write_lines(const Selection& selection,
                  Result& result,
                  SessionSource::Facts facts,
                  const SessionLine& line_of) const {
    SelectedTapes tapes(selection_, selection, progress(result));
    const bool empty = write_session_lines(tapes, facts, line_of, result) == 0;
    result.commit();
    const bool incomplete = tapes.tell_end(empty ? Answer::Empty : Answer::Something);
    return static_cast<int>(incomplete ? Exit::Incomplete : Exit::Done);
  }

  int write_swaks(const Selection& selection) {
    Result result(output_, force_, Result::Content::Bytes, selection_.tapes);
    SelectedTapes tapes(selection_, selection, progress(result));
    const SwaksTotals totals = write_swaks_commands(tapes, result);
    result.commit();
    const bool incomplete =
        tapes.tell_end(totals.sessions == 0 ? Answer::Empty : Answer::Something);
    tell_swaks(totals);
    return static_cast<int>(incomplete ? Exit::Incomplete : Exit::Done);
  }

  static void tell_swaks(const SwaksTotals& totals) {
    const std::string all = counted(totals.sessions, "session");
    if (totals.sessions > 0 && totals.failed == 0)
      return say("none of " + all + " failed, so there is nothing to repeat");
    const std::uint64_t without = totals.failed - totals.commands;
    if (without > 0)
      say("of " + counted(totals.failed, "session") + " that failed " + std::to_string(without) +
          " can't be repeated by swaks; a comment in place of the command says why");
  }

  // Of no packets there is no file.
  int write_pcapng(const Selection& selection) {
    Result result(output_, force_, Result::Content::Packets, selection_.tapes);
    SelectedTapes tapes(selection_, selection, progress(result));
    PcapngExport packets(result, std::string("smtptape ") + kVersion);
    if (tapes.tells_recorders_apart()) packets.tell_recorders_apart();
    EventBatch batch;
    while (tapes.events().next(batch))
      packets.add(batch);
    const PcapngTotals totals = packets.finish();
    if (totals.packets > 0) result.commit();
    const bool any = totals.sessions + totals.unconnected > 0;
    const bool incomplete = tapes.tell_end(any ? Answer::Something : Answer::Empty);
    tell_pcapng(totals, result);
    if (totals.packets == 0) return static_cast<int>(Exit::Failed);
    return static_cast<int>(incomplete ? Exit::Incomplete : Exit::Done);
  }

  static void tell_pcapng(const PcapngTotals& totals, const Result& result) {
    if (totals.packets > 0 && result.is_file()) {
      say(result.name() + ": " + counted(totals.sessions, "session") + ", " +
          counted(totals.connections, "connection") + ", " + counted(totals.packets, "packet") +
          "; what the tapes hold is in it: passwords, addresses, mail");
    }
    if (totals.unconnected > 0)
      say(counted(totals.unconnected, "session") + " without a connection left out" +
          (totals.packets == 0 ? ", so there is no packet" : ""));
    if (totals.ports.empty()) return;
    std::string ports = std::to_string(totals.ports.front());
    if (totals.ports.size() > 1) ports += "-" + std::to_string(totals.ports.back());
    say("tshark takes these for SMTP with -d tcp.port==" + ports + ",smtp");
  }

  // Sessions are told as wholes, unless --scope asks for events.
  [[nodiscard]] Selection selection_of(Format format) const {
    if (is_of_frames(format)) return selection_.selection();
    if (as_live()) {
      throw UsageError("--as-live is for frames: --format " + format_ + " tells what happened");
    }
    SelectionOptions wanted = selection_;
    wanted.default_scope = "session";
    Selection selection = wanted.selection();
    selection.whole_sessions = selection.scope == Scope::Session;
    return selection;
  }

  int write_page(const Selection& selection) {
    Result result(output_, force_, Result::Content::Page, selection_.tapes);
    SelectedTapes tapes(selection_, selection, progress(result));
    const PageTotals totals = smtptape::write_page(tapes, header_of_page(selection.window), result);
    const bool empty = totals.sessions == 0 && totals.left_out == 0;
    if (!empty) result.commit();
    const bool incomplete = tapes.tell_end(empty ? Answer::Empty : Answer::Something);
    if (empty) return static_cast<int>(Exit::Failed);
    tell_page(totals, result);
    const bool missing = incomplete || totals.left_out > 0 || totals.doubtful > 0;
    return static_cast<int>(missing ? Exit::Incomplete : Exit::Done);
  }

  // The times as they are meant now: the page is read later.
  [[nodiscard]] PageHeader header_of_page(const TimeWindow& window) const {
    constexpr std::int64_t kMilli = 1'000'000;
    PageHeader header;
    header.written = now_unix_nanos();
    for (const std::string& tape : selection_.tapes)
      header.tapes += " " + shell_word(tape);
    header.chosen =
        options_->given({"format", "output", "force", "since", "until", "scope", "explain"});
    if (window.since) header.chosen += " --since " + show_time(*window.since);
    if (window.until) header.chosen += " --until " + show_time(*window.until + kMilli - 1);
    return header;
  }

  void tell_page(const PageTotals& totals, const Result& result) const {
    if (result.is_file()) {
      say(result.name() + ": " + counted(totals.sessions, "session") + ", " +
          counted(totals.events, "event") +
          "; what the tapes hold is in it: passwords, addresses, mail");
    }
    if (totals.cut > 0) say(counted(totals.cut, "transcript") + " in the page not whole: too long");
    if (totals.left_out == 0) return;
    say("no room in the page for " + counted(totals.left_out, "session") + ", received " +
        show_time(totals.left_out_from) + " to " + show_time(totals.left_out_until) +
        "; choose fewer with a filter, --since and --until: --since " +
        show_time(totals.left_out_from) + " begins with these");
  }

  SelectionOptions selection_;
  std::optional<Options> options_;
  std::string format_ = "jsonl";
  std::string output_ = "-";
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_export_command() {
  return std::make_unique<ExportCommand>();
}

}  // namespace smtptape
