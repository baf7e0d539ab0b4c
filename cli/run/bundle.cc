#include "cli/run/bundle.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/counted.h"
#include "base/error.h"
#include "base/time_spec.h"
#include "base/visible_text.h"
#include "cli/run/bundle_members.h"
#include "cli/run/draft.h"
#include "cli/run/redaction.h"
#include "cli/run/result.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"
#include "cli/text/question.h"

namespace smtptape {

namespace {

// docs.github.com, "Attaching files": other types in issues.
constexpr std::uint64_t kGitHubTakes = 25'000'000;

std::unique_ptr<TemporaryFile> zip_of(const std::vector<BundleMember>& members) {
  auto file = std::make_unique<TemporaryFile>();
  ZipWriter zip(*file);
  for (const BundleMember& member : members)
    zip.add(member.name, member.packing, member.file().size(), *member.file().read());
  zip.finish();
  return file;
}

// Three names of different classes, as they were and as they are: for whom they belong to.
std::vector<std::string> samples(const Pseudonyms& pseudonyms) {
  constexpr std::size_t kSamples = 3;
  constexpr std::size_t kMostText = 60;
  std::vector<std::string> lines;
  std::optional<Kind> last;
  for (const auto& [name, other] : pseudonyms.all()) {
    if (lines.size() == kSamples) break;
    if (last == name.first) continue;
    last = name.first;
    lines.push_back("  " + std::string(name_of(name.first)) + ": " +
                    name.second.substr(0, kMostText) + " → " + other.substr(0, kMostText));
  }
  return lines;
}

void show(const Bundle& bundle, const Draft& draft) {
  const Extraction& extraction = bundle.extraction;
  say("it will hold " + counted(extraction.extract.events, "event") + " of " +
      counted(extraction.extract.sessions, "session") + ", " + show_size(bundle.bytes));
  if (draft.redacted() == nullptr) {
    say("NOTHING is taken out: passwords, addresses and mail are in it as they were recorded");
    return;
  }
  say_lines(text_of(*extraction.redaction, extraction.rules));
  say("for example");
  for (const std::string& line : samples(*draft.redacted()->pseudonyms))
    say(line);
}

}  // namespace

Bundle make_bundle(const BundleWishes& wishes,
                   const SelectionOptions& options,
                   const Selection& selection) {
  refuse_shared_files(wishes.extract, options.tapes);
  Result file(wishes.extract.output, wishes.extract.force, Result::Content::Tape, options.tapes);
  const BundleNames names{
      file.is_file() ? std::filesystem::path(file.name()).filename().string() : std::string(),
      wishes.chosen};
  const Chosen chosen = choose(options, selection, wishes.extract.company);
  Draft draft(wishes.extract, options, chosen, file.name());
  BundleContent content;
  std::unique_ptr<TemporaryFile> zip;
  draft.fit([&] {
    content = content_of(draft, names);
    zip = zip_of(content.members);
    return zip->size();
  });
  Bundle bundle;
  bundle.extraction = draft.extraction();
  bundle.bytes = zip->size();
  bundle.page_misses = content.page_misses;
  for (const BundleMember& member : content.members)
    bundle.members.emplace_back(member.name, member.file().size());
  if (wishes.asks) {
    show(bundle, draft);
    if (!ask("write " + file.name() + "?")) return bundle;
  }
  draft.write_map();
  copy_bytes(*zip->read(), file);
  file.commit();
  bundle.extraction.output = file.name();
  bundle.extraction.is_file = file.is_file();
  bundle.written = true;
  return bundle;
}

void tell_of(const Bundle& bundle) {
  const Extraction& extraction = bundle.extraction;
  if (!bundle.written) return say("nothing was written");
  tell_content(extraction, bundle.bytes);
  if (bundle.page_misses > 0) {
    say("the page has no room for " + counted(bundle.page_misses, "session") +
        " of them; the tape has all");
  }
  say("what is attached to a public tracker is public: anybody can read it, now and later");
  if (bundle.bytes > kGitHubTakes)
    say("GitHub takes up to 25 MB; --limit 24MiB leaves out sessions until it fits");
  if (!extraction.is_file) return;
  if (!extraction.output.ends_with(".zip"))
    say("GitHub takes it by a name that ends with .zip only");
  say("look at it first: smtptape open " + shell_word(extraction.output) +
      "; then fill in report.md");
}

std::string json_line(const Bundle& bundle) {
  boost::json::object object = json_of(bundle.extraction, "smtptape.bundle/1");
  object["bytes"] = bundle.bytes;
  object["written"] = bundle.written;
  object["page_left_out"] = bundle.page_misses;
  boost::json::object members;
  for (const auto& [name, bytes] : bundle.members)
    members[name] = bytes;
  object["members"] = std::move(members);
  return line_of(object);
}

}  // namespace smtptape
