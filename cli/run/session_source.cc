#include "cli/run/session_source.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/counted.h"
#include "sessions/row_sessions.h"
#include "store/plan/plan.h"
#include "store/plan/row_pieces.h"

namespace smtptape {

class SessionSource::Reader {
 public:
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  virtual ~Reader() = default;
  virtual bool next(SessionBatch& batch) = 0;
  virtual void tell_end() = 0;
};

// ---- stories ----

class SessionSource::FromStories : public Reader {
 public:
  FromStories(SelectedTapes& tapes, Facts facts)
      : tapes_(tapes),
        facts_(facts),
        stories_(Stories::Until::Silent,
                 facts == Facts::Stories ? Stories::Details::Keep : Stories::Details::LeaveOut) {
    if (tapes.tells_recorders_apart()) stories_.tell_recorders_apart();
  }

  bool next(SessionBatch& batch) override {
    batch = {};
    if (over_) return false;
    if (tapes_.events().next(events_)) {
      take(stories_.add(events_), batch);
      if (!events_.events.empty()) latest_ = events_.events.back().received;
      batch.until = stories_.oldest().value_or(latest_);
    } else {
      take(stories_.finish(), batch);
      over_ = true;
    }
    return true;
  }

  void tell_end() override {}  // the tapes do

 private:
  void take(std::vector<Story> complete, SessionBatch& batch) const {
    for (const Story& story : complete)
      batch.sessions.push_back(summary_of(story));
    if (facts_ == Facts::Stories) batch.stories = std::move(complete);
  }

  SelectedTapes& tapes_;
  Facts facts_;
  Stories stories_;
  EventBatch events_;
  std::int64_t latest_ = std::numeric_limits<std::int64_t>::min();
  bool over_ = false;
};

// ---- rows ----

namespace {

// Of sessions of which rows tell too little, their events.
class Retold {
 public:
  Retold(const std::vector<TapeFile>& tapes, std::shared_ptr<GroupPool> pool)
      : tapes_(tapes), pool_(std::move(pool)) {}

  void tell(std::vector<RowSession>& sessions) {
    struct Wanted {
      SessionSummary* summary;
      bool found = false;
    };
    std::map<std::string, Wanted, std::less<>> wanted;
    Selection selection;
    selection.scope = Scope::Session;
    selection.whole_sessions = true;
    selection.window = nothing();
    const auto ids = new_pass(selection);
    for (RowSession& session : sessions) {
      if (session.told) continue;
      SessionSummary& summary = session.summary;
      wanted.emplace(summary.id, Wanted{&summary});
      ids->sessions.mark(summary.id, SessionScope::kPasses);
      include(selection.within, session);
    }
    if (wanted.empty()) return;
    sessions_ += wanted.size();
    const auto take = [&](const std::vector<Story>& complete) {
      for (const Story& story : complete) {
        const auto session = wanted.find(story.id);
        if (session == wanted.end()) continue;
        SessionSummary& summary = *session->second.summary;
        // One that came back after a long silence has several stories.
        if (std::exchange(session->second.found, true)) {
          summary.append(summary_of(story));
        } else {
          summary = summary_of(story);
        }
      }
    };
    read(selection, ids, take);
    for (auto& [id, session] : wanted)
      if (!session.found) session.summary->gap = true;  // its events can't be read
  }

  [[nodiscard]] std::uint64_t sessions() const { return sessions_; }
  [[nodiscard]] const std::set<std::string>& damage() const { return damage_; }

 private:
  // What is in no time is wanted for its session alone.
  static TimeWindow nothing() {
    constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
    return {kNever, kNever};
  }

  static void include(TimeWindow& window, const RowSession& session) {
    constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
    const std::int64_t first = session.summary.first_received;
    const std::int64_t end = session.gap_behind ? kLast : session.summary.last_received + 1;
    window.since = std::min(window.since.value_or(first), first);
    window.until = std::max(window.until.value_or(end), end);
  }

  template <class Take>
  void read(const Selection& selection, const std::shared_ptr<FirstPass>& ids, const Take& take) {
    const auto question = std::make_shared<Question>(selection, Question::Mode::Choose, ids);
    Inputs inputs(planned(tapes_, {question, pool_}), selection.within);
    Stories stories(Stories::Until::Silent, Stories::Details::LeaveOut);
    {
      ReadAhead ahead(inputs);
      EventBatch batch;
      while (ahead.next(batch))
        take(stories.add(batch));
    }
    take(stories.finish());
    const std::vector<std::string>& damage = inputs.trouble().damage;
    damage_.insert(damage.begin(), damage.end());
  }

  const std::vector<TapeFile>& tapes_;
  std::shared_ptr<GroupPool> pool_;
  std::uint64_t sessions_ = 0;
  std::set<std::string> damage_;  // told once, however often it was met
};

}  // namespace

class SessionSource::FromRows : public Reader {
 public:
  explicit FromRows(SelectedTapes& tapes)
      : tapes_(tapes),
        pieces_(tapes.tapes(), tapes.pool(), RowSessions::keys(), chosen(tapes)),
        retold_(tapes.tapes(), tapes.pool()) {
    if (tapes.first_pass() == nullptr) return;
    rows_.choose([pass = tapes.first_pass()](std::string_view id) {
      return pass->sessions.has_session(id);
    });
  }

  // A little at first, so that something is there soon; then more, as what is cut through at the
  // ends of a piece is read twice.
  bool next(SessionBatch& batch) override {
    batch = {};
    if (over_) return false;
    RowPiece piece;
    for (std::size_t i = 0; i < at_once_ && rows_.open() < kMostAtOnce && !over_; ++i) {
      over_ = !pieces_.next(piece);
      if (pieces_.told().missing) rows_.note_missing();
      if (!over_) rows_.add(piece.rows, {piece.source, piece.has_gaps, piece.run});
    }
    at_once_ = std::min(2 * at_once_, kMostPieces);
    std::vector<RowSession> complete = rows_.take(over_ ? RowSessions::kEnd : pieces_.frontier());
    retold_.tell(complete);
    for (RowSession& session : complete)
      batch.sessions.push_back(std::move(session.summary));
    if (!over_) batch.until = std::min(rows_.oldest(), pieces_.frontier());
    return true;
  }

  void tell_end() override {
    const RowPieces::Told& told = pieces_.told();
    SelectedTapes::Told instead;
    instead.trouble = told.trouble;
    std::vector<std::string>& damage = instead.trouble.damage;
    for (const std::string& place : retold_.damage())
      if (std::find(damage.begin(), damage.end(), place) == damage.end()) damage.push_back(place);
    instead.tally.looked_at = told.events;
    instead.tally.seen = told.events;
    for (const Gap& gap : told.gaps) {
      if (!tapes_.window().touches(gap)) continue;
      ++instead.gap_count;
      if (instead.gaps.size() < kMostGapsInWords) instead.gaps.push_back(describe(gap));
    }
    instead.plan = {"sessions: " + counted(told.groups_by_rows, "group") + " by their rows, " +
                    counted(told.groups_scanned, "tape or group", "tapes and groups") +
                    " read; of " + counted(retold_.sessions(), "session") +
                    " the events were read, as rows tell too little"};
    tapes_.tell_instead(std::move(instead));
  }

 private:
  static constexpr std::size_t kMostPieces = 16;
  static constexpr std::size_t kMostAtOnce = 20'000;  // sessions
  static constexpr std::size_t kMostGapsInWords = 20;

  static std::optional<std::vector<std::uint64_t>> chosen(const SelectedTapes& tapes) {
    if (tapes.first_pass() == nullptr) return std::nullopt;
    return tapes.first_pass()->sessions.hashes();
  }

  SelectedTapes& tapes_;
  RowPieces pieces_;
  RowSessions rows_;
  Retold retold_;
  std::size_t at_once_ = 1;
  bool over_ = false;
};

SessionSource::SessionSource(SelectedTapes& tapes, Facts facts) {
  // Rows are read of all that is in a tape, and tell of whole sessions.
  const Selection& selection = tapes.selection();
  const bool all =
      selection.sources.empty() && selection.sessions.empty() && selection.takes_whole_sessions();
  const bool by_rows = facts == Facts::Figures && all && tapes.pool() != nullptr &&
                       !tapes.tells_recorders_apart() && RowPieces::are_worth_it(tapes.tapes());
  if (by_rows) {
    reader_ = std::make_unique<FromRows>(tapes);
  } else {
    reader_ = std::make_unique<FromStories>(tapes, facts);
  }
}

SessionSource::~SessionSource() = default;

bool SessionSource::next(SessionBatch& batch) {
  return reader_->next(batch);
}

void SessionSource::tell_end() {
  reader_->tell_end();
}

}  // namespace smtptape
