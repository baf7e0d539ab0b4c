#include "cli/run/extraction.h"

#include <set>

#include "base/counted.h"
#include "base/error.h"
#include "base/io.h"
#include "base/time_spec.h"
#include "cli/run/draft.h"
#include "cli/run/redaction.h"
#include "cli/run/result.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

std::string listed(const std::set<std::string>& all) {
  constexpr std::size_t kMostShown = 20;
  std::string text;
  std::size_t shown = 0;
  for (const std::string& value : all) {
    if (shown++ == kMostShown) {
      return text + " and " + std::to_string(all.size() - kMostShown) + " more";
    }
    text += (text.empty() ? "" : ", ") + value;
  }
  return text.empty() ? "none" : text;
}

}  // namespace

void refuse_shared_files(const ExtractWishes& wishes, const std::vector<std::string>& tapes) {
  if (wishes.redact == nullptr) return;
  const RedactOptions& redact = *wishes.redact;
  std::vector<NamedFile> read;
  if (redact.rules_file) read.push_back({"--rules", *redact.rules_file});
  if (redact.map_file) {
    std::vector<NamedFile> others = read;
    others.push_back({"-o", wishes.output});
    refuse_shared_file({"--map", *redact.map_file}, others, tapes);
  }
  refuse_shared_file({"-o", wishes.output}, read, tapes);
}

Extraction extract(const ExtractWishes& wishes,
                   const SelectionOptions& options,
                   const Selection& selection) {
  refuse_shared_files(wishes, options.tapes);
  Result file(wishes.output, wishes.force, Result::Content::Tape, options.tapes);
  const Chosen chosen = choose(options, selection, wishes.company);
  Extraction extraction;
  if (wishes.redact != nullptr || wishes.most_bytes) {
    Draft draft(wishes, options, chosen, file.name());
    draft.fit([&draft] { return draft.tape().size(); });
    draft.write_map();
    extraction = draft.extraction();
    extraction.extract.bytes = copy_bytes(*draft.tape().read(), file);
  } else {
    extraction = copy_chosen(wishes.levels, options, chosen, file, file.name());
    extraction.beside = chosen.company.beside.size();
  }
  file.commit();
  extraction.output = file.name();
  extraction.is_file = file.is_file();
  return extraction;
}

void tell_content(const Extraction& extraction, std::uint64_t bytes) {
  const Extract& extract = extraction.extract;
  say(extraction.output + ": " + counted(extract.events, "event") + " of " +
      counted(extract.sessions, "session") + ", " + show_size(bytes));
  if (extraction.beside > 0)
    say(counted(extraction.beside, "session") + " of these to compare with");
  if (!extraction.left_out.empty()) {
    // Ids are names, too.
    const std::set<std::string> ids(extraction.left_out.begin(), extraction.left_out.end());
    say("left out, to stay within --limit: " + counted(ids.size(), "session") +
        (extraction.redaction ? "" : ": " + listed(ids)));
  }
  if (extraction.redaction) return say_lines(text_of(*extraction.redaction, extraction.rules));
  say("tenants inside: " + listed(extract.tenants) +
      "; sender domains: " + listed(extract.domains));
  say("it holds secrets: what was recorded of passwords, messages and addresses");
}

void tell_of(const Extraction& extraction) {
  tell_content(extraction, extraction.extract.bytes);
  if (extraction.redaction)
    say("read it before you send it: `smtptape show` and `smtptape replay` show what is left");
  if (!extraction.is_file) return;
  say("to attach it, smtptape bundle makes a .zip of it, with a page and a report");
}

boost::json::object json_of(const Extraction& extraction, std::string_view schema) {
  const Extract& extract = extraction.extract;
  const auto list = [](const std::set<std::string>& all) { return json_array(all, json_string); };
  boost::json::object object{{"schema", json_string(schema)},
                             {"path", json_string(extraction.output)},
                             {"events", extract.events},
                             {"sessions", extract.sessions},
                             {"bytes", extract.bytes},
                             {"complete", !extraction.incomplete},
                             {"sessions_left_out", extraction.left_out.size()}};
  if (extraction.redaction) {
    object["redaction"] = json_of(*extraction.redaction, extraction.rules);
  } else {
    object["tenants"] = list(extract.tenants);
    object["sender_domains"] = list(extract.domains);
  }
  return object;
}

std::string json_line(const Extraction& extraction, std::string_view schema) {
  return line_of(json_of(extraction, schema));
}

}  // namespace smtptape
