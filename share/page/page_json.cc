#include "share/page/page_json.h"

#include <algorithm>
#include <set>
#include <vector>

#include "replay/json/json_text.h"
#include "replay/json/session_json.h"
#include "replay/json/story_json.h"
#include "replay/story_text.h"
#include "sessions/summary.h"

namespace smtptape {

namespace {

using boost::json::array;
using boost::json::object;

constexpr std::size_t kMostWords = 4096;  // bytes of a row's names, for searching

object event_json(const PageEvent& event, const Story& story) {
  object json{{"at", json_seconds(span_of(story.begun, event.when))},
              {"kind", event.kind},
              {"text", json_string(event.text)}};
  if (event.left_out > 0) json["left_out"] = event.left_out;
  return json;
}

// Names by which somebody looks for a session, each once; false: there are too many of them.
class Words {
 public:
  void add(const std::string& word) {
    if (word.empty() || !words_.insert(word).second) return;
    bytes_ += word.size() + 1;
    if (bytes_ > kMostWords) {
      complete_ = false;
      return;
    }
    if (!text_.empty()) text_.push_back(' ');
    text_ += word;
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  std::set<std::string> words_;
  std::string text_;
  std::size_t bytes_ = 0;
  bool complete_ = true;
};

Words words_of(const Story& story) {
  Words words;
  words.add(story.ready_queue);
  for (const Message& message : story.messages) {
    for (const std::string* name :
         {&message.id, &message.sender, &message.domain, &message.tenant, &message.campaign})
      words.add(*name);
    for (const Recipient& recipient : message.recipients)
      words.add(recipient.address);
  }
  for (const Attempt& attempt : story.attempts)
    words.add(attempt.mx_host);
  return words;
}

}  // namespace

std::string details_of(const PageSession& session) {
  object json = json_of(session.story);
  json["doubts"] = json_array(doubts_of(session.story), json_string);
  json["transcript"] = json_array(session.transcript, [&session](const PageEvent& event) {
    return event_json(event, session.story);
  });
  json["transcript_left_out"] = session.transcript_left_out;
  return line_of(json);
}

std::string row_of(const PageSession& session, PagePlace place) {
  const Story& story = session.story;
  object json = json_of(summary_of(story), std::nullopt);
  const Words words = words_of(story);
  json["begun"] = json_seconds(to_unix_nanos(story.begun).value_or(0));
  json["took"] = json_seconds(span_of(story.begun, story.ended));
  json["events"] = story.events;
  json["trouble"] = text_or_null(trouble_of(story));
  json["words"] = json_string(words.text());
  if (!words.complete()) json["words_left_out"] = true;
  json["place"] = array{place.block, place.line};
  return line_of(json);
}

}  // namespace smtptape
