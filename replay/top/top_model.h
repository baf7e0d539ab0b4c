// What `smtptape top` knows and shows: the sessions that began last, which of them is selected,
// what is filtered, and how often sessions began and failed.  Pure: events and keys in, values out.
//
// Bounded: of the last 10,000 sessions there is a line, and the story and transcript of as many as
// fit into 128 MiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/hash.h"
#include "format/event.h"
#include "replay/top/kept_events.h"
#include "replay/top/top_choice.h"
#include "sessions/story_builder.h"

namespace smtptape {

// What became of a session, so far.
enum class TopMark : std::uint8_t {
  Open,  // nothing is decided
  Delivered,
  Deferred,
  Bounced,
  Failed,   // over before anything was decided, and KumoMTA said why: no connection, no TLS …
  Nothing,  // over, and nothing was decided
};
[[nodiscard]] std::string_view name_of(TopMark mark);
[[nodiscard]] constexpr bool is_failure(TopMark mark) {
  return mark == TopMark::Deferred || mark == TopMark::Bounced || mark == TopMark::Failed;
}

// A session in one line.
struct TopRow {
  std::string id;
  std::string source;
  std::string pool;
  std::string mx;
  std::string last_words;  // of the server, or of KumoMTA about why not
  WallTime begun;
  WallTime ended;  // so far
  std::int64_t last_received = 0;
  std::size_t messages = 0;
  std::uint64_t recipients = 0;
  std::uint16_t worst = 0;  // reply, from 400 on
  TopMark mark = TopMark::Open;
};

struct TopKey {
  enum class Kind : std::uint8_t {
    Text,  // one character, UTF-8
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Escape,
    Backspace,
    Tab,
  };
  Kind kind = Kind::Text;
  std::string text = {};
};

class TopModel {
 public:
  struct Bounds {
    std::size_t sessions = 10'000;
    std::size_t bytes = 128 << 20;           // of what is kept of all sessions
    std::size_t transcript_bytes = 4 << 20;  // of one: then it ends
  };
  static constexpr std::int64_t kBucket = 10'000'000'000;  // ns of receive time
  static constexpr std::size_t kMostBuckets = 1024;
  static constexpr std::size_t kMostTyped = 200;

  // `of_all`, `of_one`: command lines that show the same, what is watched, and the session whose id
  // stands for {}.
  TopModel(std::string of_all, std::string of_one, const Bounds& bounds);
  TopModel(std::string of_all, std::string of_one)
      : TopModel(std::move(of_all), std::move(of_one), Bounds()) {}

  // What a filter that begins with "--" means; throws UsageError for what it can't.
  using Understand = std::function<std::shared_ptr<TopChoice>(const std::string& filter)>;
  void understand(Understand understand) { understand_ = std::move(understand); }
  // As if it had been typed; throws UsageError.
  void set_filter(const std::string& filter);

  void add(const EventBatch& batch);
  // For the last line, until a key is pressed.
  void tell(std::string message) { message_ = std::move(message); }
  // Of the source, in a word.
  void set_state(std::string state) { state_ = std::move(state); }
  // Nothing more comes: what is open is over.
  void end();
  [[nodiscard]] const std::string& state() const { return state_; }
  void press(const TopKey& key);
  // How many lines the list and the story have, for the keys that turn pages.
  void set_pages(std::size_t list, std::size_t pane) {
    list_page_ = list;
    pane_page_ = pane;
  }

  // The newest first, those that pass the filter.
  [[nodiscard]] const std::vector<const TopRow*>& rows() const;
  // The place of the selected one among them; nullopt: there is none.
  [[nodiscard]] std::optional<std::size_t> selected() const;
  // Its story or its transcript.
  [[nodiscard]] std::vector<std::string> pane() const;
  [[nodiscard]] std::size_t pane_scroll() const { return scroll_; }

  enum class Pane : std::uint8_t { Story, Transcript };
  [[nodiscard]] Pane pane_kind() const { return pane_; }
  [[nodiscard]] bool is_pane_large() const { return large_; }
  [[nodiscard]] bool shows_help() const { return help_; }
  [[nodiscard]] bool is_paused() const { return paused_; }
  [[nodiscard]] bool quits() const { return quits_; }
  [[nodiscard]] const std::string& filter() const { return filter_; }
  [[nodiscard]] bool is_filter_typed() const { return typing_; }
  // Sessions of which so little is kept that the filter can't be asked.
  [[nodiscard]] std::size_t not_judged() const { return not_judged_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  [[nodiscard]] std::size_t failures() const;
  // A command line that shows what is selected; one that shows what is listed.
  [[nodiscard]] std::string command() const;
  [[nodiscard]] const std::string& command_of_list() const;
  // The text that is to be copied, once.
  [[nodiscard]] std::optional<std::string> take_copy();

  struct Bucket {
    std::int64_t number = 0;  // receive time / kBucket
    std::uint32_t begun = 0;
    std::uint32_t failed = 0;
  };
  // The last `count`, one for each ten seconds up to the last event.
  [[nodiscard]] std::vector<Bucket> buckets(std::size_t count) const;
  [[nodiscard]] std::optional<std::int64_t> last_received() const { return last_received_; }

 private:
  struct Session {
    explicit Session(std::string_view id) : builder(std::string(id)) {}
    TopRow row;
    StoryBuilder builder;
    KeptEvents events;
    std::optional<TopJudge> judge;  // while something is chosen
    std::size_t bytes = 0;          // that are kept of it
    bool told = true;               // its story and events are kept
    bool chosen = true;
    bool judged = true;    // else too little is kept for the filter to be asked
    bool failed = false;   // counted as failed
    bool touched = false;  // by the batch that is added
  };

  void add(const Event& event);
  Session& session_of(const Event& event, std::string_view id);
  void update_row(Session& session);
  void forget_what_is_too_much();
  Bucket& bucket_at(std::int64_t received);
  void type(const TopKey& key);
  void command(char key);
  void move(std::ptrdiff_t by);
  void move_to(std::size_t place);
  void to_failure(bool further);
  void scroll(std::ptrdiff_t by);
  [[nodiscard]] const Session* selected_session() const;
  [[nodiscard]] bool passes(const Session& session) const;
  // Its later events are not kept.
  [[nodiscard]] bool is_cut(const Session& session) const {
    return session.bytes >= bounds_.transcript_bytes;
  }
  [[nodiscard]] std::string transcript_of(const Session& session) const;
  void choose(std::shared_ptr<TopChoice> choice);
  void judge(Session& session);
  void copy(const std::string& text);
  void end_filter();

  std::string of_all_;
  std::string of_one_;
  Bounds bounds_;
  Understand understand_;
  std::shared_ptr<TopChoice> choice_;  // null: none, or the filter is words
  std::size_t not_judged_ = 0;
  std::list<Session> sessions_;  // in the order of their first events
  boost::unordered_flat_map<std::string_view, std::list<Session>::iterator, TextHash> places_;
  std::vector<Session*> touched_;
  std::size_t bytes_ = 0;
  std::deque<Bucket> buckets_;  // ascending, some may be missing
  std::optional<std::int64_t> last_received_;

  mutable std::vector<const TopRow*> rows_;
  mutable bool rows_are_new_ = false;
  std::string selected_;  // empty: the newest
  std::string filter_;
  std::string message_;
  std::string state_ = "live";
  std::optional<std::string> copy_;
  Pane pane_ = Pane::Story;
  std::size_t scroll_ = 0;
  std::size_t list_page_ = 1;
  std::size_t pane_page_ = 1;
  bool large_ = false;
  bool ended_ = false;  // the source
  bool help_ = false;
  bool typing_ = false;
  bool paused_ = false;
  bool quits_ = false;
};

}  // namespace smtptape
