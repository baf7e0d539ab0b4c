#include "share/page/plain_session.h"

#include <algorithm>

#include "base/counted.h"
#include "base/time_spec.h"
#include "base/visible_text.h"
#include "replay/story_text.h"
#include "sessions/summary.h"

namespace smtptape {

namespace {

constexpr std::size_t kMostText = 64 << 10;  // bytes of a session's story or transcript

// A line each, so much as there is room for.
std::string transcript_of(const PageSession& session) {
  std::string text;
  for (const PageEvent& event : session.transcript) {
    const std::string at = "+" + show_span(span_of(session.story.begun, event.when));
    for (std::size_t from = 0; from <= event.text.size();) {
      const std::size_t end = std::min(event.text.find('\n', from), event.text.size());
      if (text.size() + end - from > kMostText) return text + "… and more\n";
      text += std::string(at.size() < 10 ? 10 - at.size() : 0, ' ') + at + "  ";
      if (event.kind == "gap") text += "~~~ ";
      text.append(event.text, from, end - from);
      text.push_back('\n');
      from = end + 1;
    }
  }
  return text;
}

}  // namespace

std::string as_html(std::string_view text) {
  std::string out;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    for (const char c : visible(text.substr(from, end - from))) {
      switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\'': out += "&#39;"; break;
        default: out.push_back(c);
      }
    }
    if (end < text.size()) out.push_back('\n');
    from = end + 1;
  }
  return out;
}

PlainSession plain_session(const PageSession& session) {
  const Story& story = session.story;
  std::string text = text_of(story);
  if (text.size() > kMostText) text = text.substr(0, kMostText) + "… and more\n";
  PlainSession plain{story.first_received, {}};
  plain.html = "<details>\n<summary>" + as_html(outcome_of(summary_of(story))) + ": " +
               as_html(line_of(story)) + "</summary>\n<pre>" + as_html(text) +
               "</pre>\n<h2>Transcript</h2>\n<pre>" + as_html(transcript_of(session)) +
               "</pre>\n</details>\n";
  return plain;
}

std::string plain_words(const PageHeader& header, const PageTotals& totals, std::size_t plain) {
  std::string out = "<p>" + as_html(header.writer) +
                    (header.written == 0 ? "" : ", " + as_html(show_time(header.written))) + ": " +
                    counted(totals.sessions, "session") + ".";
  if (totals.left_out > 0)
    out += " There was no room for " + std::to_string(totals.left_out) + " more.";
  if (totals.sessions > plain) {
    out += " Here are the first " + std::to_string(plain) + ".";
  }
  out +=
      "</p>\n<p id=\"needs\">All of them, with timings and a search, are shown where scripts may "
      "run and DecompressionStream is there: Chrome 93, Firefox 113, Safari 16.4, or later.</p>\n";
  return out + "<p>The same on a terminal:</p>\n<pre>smtptape sessions" + as_html(header.tapes) +
         as_html(header.chosen) + "</pre>\n";
}

}  // namespace smtptape
