#include "cli/run/last_tapes.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/io.h"
#include "base/time_spec.h"
#include "base/wall_time.h"
#include "cli/text/ledger_text.h"
#include "cli/text/output.h"
#include "format/tape/ledger_json.h"
#include "format/tape/tape_reader.h"
#include "format/wire/json_line.h"
#include "store/check/tape_check.h"
#include "store/find/watched_directory.h"

namespace smtptape {

namespace {

void describe_file(int fd, NewestTape& tape) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) throw system_error(tape.path.string(), errno);
  tape.bytes = static_cast<std::uint64_t>(facts.st_size);
  tape.at =
      static_cast<std::int64_t>(facts.st_mtim.tv_sec) * kNanosPerSecond + facts.st_mtim.tv_nsec;
}

void describe_sealed(const TapeSummary& summary, NewestTape& tape) {
  tape.state = "sealed";
  tape.source = summary.header.origin.source;
  tape.at = summary.footer.sealed_at;
  tape.ledger = summary.footer.ledger;
  for (const GroupIndex& group : summary.footer.groups) {
    if (group.events == 0) continue;
    tape.last_received =
        std::max(tape.last_received.value_or(group.last_received), group.last_received);
  }
}

// One that can't be read is told of, too: it is the newest.
NewestTape look_at(const std::filesystem::path& path, const std::string& source) {
  NewestTape tape;
  tape.path = path;
  tape.source = source;
  tape.state = "unreadable";
  try {
    const UniqueFd fd = open_for_reading(path, Links::Refuse);
    const bool live = is_being_written(fd.get());
    describe_file(fd.get(), tape);
    if (const auto summary = read_summary(fd.get())) {
      describe_sealed(*summary, tape);
    } else if (const auto header = read_header(fd.get())) {
      tape.state = live ? "being written" : "not sealed";
      tape.source = header->origin.source;
    }
  } catch (const Error&) {
    return tape;  // its state says it
  }
  return tape;
}

}  // namespace

std::vector<NewestTape> last_tapes(const std::filesystem::path& store) {
  std::vector<NewestTape> tapes;
  for (const auto& [source, row] : list_rows(store).rows)
    tapes.push_back(look_at(row.back().path, source));
  return tapes;
}

std::string text_of(const NewestTape& tape) {
  std::string text =
      "last tape of " + tape.source + ": " + tape.path.filename().string() + ", " + tape.state;
  if (tape.state == "sealed") {
    text += " " + show_time(*tape.at);
  } else if (tape.at) {
    text += ", written to until " + show_time(*tape.at);
  }
  text += ", " + show_size(tape.bytes);
  if (tape.last_received) text += ", last event received " + show_time(*tape.last_received);
  if (tape.ledger) text += "; " + text_of(*tape.ledger, true);
  return visible(text);
}

std::string json_of(const NewestTape& tape) {
  JsonLine line;
  line.field("source", tape.source).field("path", tape.path.string());
  line.field("state", tape.state).field("bytes", tape.bytes);
  if (tape.at) line.field(tape.state == "sealed" ? "sealed_at" : "written_at", show_time(*tape.at));
  if (tape.last_received) line.field("last_received", show_time(*tape.last_received));
  if (tape.ledger) line.raw("ledger", json_of(*tape.ledger));
  return line.object();
}

}  // namespace smtptape
