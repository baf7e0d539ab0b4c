#include "share/bundle/report.h"

#include <iterator>

#include "base/counted.h"
#include "base/time_spec.h"
#include "base/visible_text.h"
#include "replay/session_table.h"
#include "replay/stats_text.h"

namespace smtptape {

namespace {

constexpr std::size_t kMostReplies = 30;
constexpr std::size_t kMostProviders = 20;
constexpr std::size_t kMostTimed = 3;  // providers whose phases are told

Statistics::Question question(StatsKey key, bool phases) {
  Statistics::Question question;
  question.by = {key};
  question.phases = phases;
  return question;
}

const SessionTable& table() {
  static const SessionTable kTable({}, TextRoom{});
  return kTable;
}

// Lines that no markup can end: Markdown takes what is indented by four for text as it is.
std::string indented(std::string_view lines) {
  std::string text;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    text += "    " + visible(lines.substr(0, end)) + "\n";
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
  }
  return text;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines)
    text += visible(line) + "\n";
  return text;
}

std::string to_fill_in() {
  return R"(# A trace of KumoMTA's SMTP sessions

Please fill in what stands in angle brackets, and delete this line.

## What happened

<what you saw: which mail, when, from where to where>

## What you expected instead

<what should have happened>

## Versions

- KumoMTA: <`kumod --version`; the feed that was recorded does not tell it>
)";
}

std::string versions(const BundleFacts& facts) {
  std::string text = "- Operating system: " + visible(facts.system) +
                     " (where this was put together; <correct it if KumoMTA runs elsewhere>)\n";
  if (!facts.recorder.empty()) text += "- Recorded with: " + visible(facts.recorder) + "\n";
  return text + "- Put together with: " + visible(facts.writer) + "\n";
}

std::string configuration() {
  return R"(
## Relevant configuration

<the parts of your policy and shaping that concern it, without secrets>

)";
}

std::string trace(const BundleFacts& facts, const BundleFigures& figures) {
  std::string text = "## The trace\n\n" + counted(figures.sessions(), "session") + " with " +
                     counted(facts.events, "event") + ", received " + figures.span() +
                     " (UTC).\n\n" + indented(figures.table_of_sessions()) + "\n";
  if (figures.sessions() > BundleFigures::kMostListed) {
    text += "These are the first " + std::to_string(BundleFigures::kMostListed) +
            "; sessions.jsonl has all of them.\n\n";
  }
  const std::string replies = figures.table_of_replies();
  if (!replies.empty()) {
    text +=
        "### What was answered\n\nReplies that decided about a recipient or ended a session, "
        "without ids and addresses.\n\n" +
        indented(replies) + "\n";
  }
  return text + "### Timings\n\n" + indented(figures.table_of_phases()) + "\n";
}

std::string missing(const BundleFacts& facts) {
  std::string text = "## What was recorded, and what was not\n\n";
  if (facts.gap_count == 0 && facts.damage.empty() && !facts.incomplete)
    text += "- Nothing that was chosen is known to be missing.\n";
  if (facts.gap_count > 0) {
    text += "- " + counted(facts.gap_count, "gap") +
            ": events were lost before or while they were recorded.\n\n" +
            indented(joined(facts.gaps)) + "\n";
  }
  if (!facts.damage.empty()) text += "- Damage:\n\n" + indented(joined(facts.damage)) + "\n";
  if (facts.incomplete && facts.gap_count == 0 && facts.damage.empty())
    text += "- Something is missing of what was read: a gap, or damage, outside of these events.\n";
  if (facts.left_out > 0) {
    text += "- " + counted(facts.left_out, "session was", "sessions were") +
            " left out to keep the archive small.\n";
  }
  if (facts.page_misses > 0) {
    text += "- The page has no room for " + counted(facts.page_misses, "session") +
            "; the tape has them.\n";
  }
  if (!facts.chosen.empty()) text += "- Chosen by:" + visible(facts.chosen) + "\n";
  return text + "\n";
}

std::string taken_out(const BundleFacts& facts) {
  if (facts.redaction.empty()) {
    return "## What was taken out\n\n**Nothing.** Passwords, addresses and mail are in it as they "
           "were recorded.\n\n";
  }
  return "## What was taken out\n\n" + indented(facts.redaction) +
         "\nNames that are left stand for others, of the same length and shape, the same for the "
         "same name; REDACTION.txt says more.\n\n";
}

std::string how_to_read(const BundleFacts& facts) {
  return "## How to read it\n\n"
         "- index.html: open it in a browser; it asks the network for nothing.\n"
         "- sessions.jsonl: a session a line, in figures.\n"
         "- " +
         facts.tape + ": everything, byte for byte, for `smtptape sessions " + facts.tape +
         "`, `smtptape show ID " + facts.tape + "`, `smtptape replay " + facts.tape +
         "`.  smtptape takes the archive itself as well.\n";
}

}  // namespace

BundleFigures::BundleFigures()
    : replies_(question(StatsKey::Reply, false), Providers()),
      phases_(question(StatsKey::Provider, true), Providers()) {
}

void BundleFigures::add(const SessionSummary& summary, const Story& story) {
  replies_.add(summary, story);
  phases_.add(summary, story);
  listed_.emplace(summary.first_received, table().line({summary, slowest_reply(story)}));
  if (listed_.size() > kMostListed) listed_.erase(std::prev(listed_.end()));
}

std::string BundleFigures::table_of_sessions() const {
  std::string text = table().titles();
  for (const auto& [start, line] : listed_)
    text += line;
  return text;
}

std::string BundleFigures::table_of_replies() const {
  if (replies_.table().empty()) return {};
  StatsView view;
  view.columns = {StatsColumn::Sessions, StatsColumn::Messages, StatsColumn::Recipients};
  view.most_keys = kMostReplies;
  return text_of(replies_, view);
}

std::string BundleFigures::table_of_phases() const {
  StatsView view;
  view.columns = {StatsColumn::Sessions,
                  StatsColumn::Messages,
                  StatsColumn::Recipients,
                  StatsColumn::Codes,
                  StatsColumn::Phases};
  view.most_keys = kMostProviders;
  view.most_details = kMostTimed;
  return text_of(phases_, view);
}

std::string BundleFigures::span() const {
  return show_time(replies_.all().first) + " to " + show_time(replies_.all().last);
}

std::string report_of(const BundleFacts& facts, const BundleFigures& figures) {
  return to_fill_in() + versions(facts) + configuration() + trace(facts, figures) + missing(facts) +
         taken_out(facts) + how_to_read(facts);
}

std::string redaction_text_of(const BundleFacts& facts) {
  if (facts.redaction.empty()) {
    return "Nothing was redacted: passwords, addresses and mail are in these files as they were "
           "recorded.\n";
  }
  return facts.redaction +
         R"(
How it was done:

- Passwords and what was said in AUTH, bodies of messages, and headers but for those that tell of
  the way of a message became asterisks.
- Mailboxes, domains, hosts, addresses, ids and our own names were replaced by others of the same
  length and shape: the same for the same name in these files, others in other archives.
- Hosts of MX, replies' codes and words, timings, lengths, order and TLS facts are as they were.
- Afterwards the tape was searched for everything that was taken out, in every spelling that is
  known: as it is, in any case, escaped, percent-encoded, in quoted-printable and base64, and over
  the ends of lines and events.  Had something been left, nothing would have been written.
- The key is not in these files.

No program knows every secret: read it before you send it.
)";
}

}  // namespace smtptape
