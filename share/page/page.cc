#include "share/page/page.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/time_spec.h"
#include "replay/json/json_text.h"
#include "replay/json/stats_json.h"
#include "sessions/gathered_sessions.h"
#include "sessions/statistics.h"
#include "share/page/packed_block.h"
#include "share/page/page_json.h"
#include "share/page/page_session.h"
#include "share/page/plain_session.h"

namespace smtptape {

namespace {

constexpr std::size_t kBlock = 256 << 10;     // bytes of details that are packed together
constexpr std::size_t kMostNamed = 1000;      // sessions that were left out, by their ids
constexpr std::size_t kMostStatistics = 200;  // keys of each table

// Made of share/page/js and style.css by assemble.py.
constexpr unsigned char kScript[] = {
#include "page_script.inc"
};
constexpr unsigned char kStyle[] = {
#include "page_style.inc"
};
constexpr std::string_view kPolicy =
#include "page_policy.inc"
    ;

template <std::size_t Size>
std::string_view text_of_bytes(const unsigned char (&bytes)[Size]) {
  return {reinterpret_cast<const char*>(bytes), Size};
}

Statistics::Question by(StatsKey key) {
  Statistics::Question question;
  question.by = {key};
  return question;
}

std::string stats_lines(const Statistics& statistics) {
  StatsView view;
  view.columns = {StatsColumn::Sessions,
                  StatsColumn::Messages,
                  StatsColumn::Recipients,
                  StatsColumn::Codes,
                  StatsColumn::Shares};
  view.most_keys = kMostStatistics;
  return json_lines(statistics, view);
}

}  // namespace

class PageWriter::Impl {
 public:
  Impl(ByteSink& out, PageHeader header, const PageLimits& limits)
      : out_(out),
        header_(std::move(header)),
        room_(limits),
        sessions_(Sessions::Until::Silent,
                  [this](std::string id) { return PageSessionBuilder(std::move(id), room_); }),
        by_provider_(by(StatsKey::Provider), Providers()),
        by_reply_(by(StatsKey::Reply), Providers()) {}

  void tell_recorders_apart() { sessions_.tell_recorders_apart(); }

  void add(const EventBatch& batch) {
    for (const Event& event : batch.events) {
      const bool has_session = event.meta != nullptr && event.meta->session_id().has_value() &&
                               !event.meta->session_id()->empty();
      if (!has_session) ++totals_.without_session;
    }
    for (PageSession& session : sessions_.add(batch))
      take(std::move(session));
  }

  PageTotals finish(const PageEnd& end) {
    for (PageSession& session : sessions_.finish())
      take(std::move(session));
    if (totals_.sessions + totals_.left_out == 0) return totals_;
    write_block();
    if (blocks_ == 0) write_head();
    write_packed_block(out_, "rows", rows_);
    write_packed_block(out_, "statistics", stats_lines(by_provider_) + stats_lines(by_reply_));
    write_packed_block(out_, "about", about(end));
    write_plain();
    out_.write("<script>");
    out_.write(text_of_bytes(kScript));
    out_.write("</script>\n</body>\n</html>\n");
    return totals_;
  }

 private:
  using Sessions = GatheredSessions<PageSessionBuilder>;

  void write_head() {
    out_.write(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content=")");
    out_.write(kPolicy);
    out_.write(R"(">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>SMTP sessions)");
    if (header_.written != 0) out_.write(", " + as_html(show_time(header_.written)));
    out_.write("</title>\n<style>");
    out_.write(text_of_bytes(kStyle));
    out_.write("</style>\n</head>\n<body>\n");
  }

  void take(PageSession session) {
    const Story& story = session.story;
    std::string details;
    std::string row;
    if (!session.left_out) {
      details = details_of(session);
      row = row_of(session, {blocks_, lines_});
      const std::uint64_t all = details.size() + row.size();
      room_.give_back(0, session.held_bytes);
      if (!room_.take(0, all)) {
        room_.give_back(session.held_events, 0);
        session.left_out = true;
      }
    }
    if (session.left_out) return leave_out(story);
    ++totals_.sessions;
    totals_.events += story.events;
    if (is_cut(session)) ++totals_.cut;
    if (story.gap_count > 0 || story.unreadable > 0) ++totals_.doubtful;
    const SessionSummary summary = summary_of(story);
    by_provider_.add(summary, story);
    by_reply_.add(summary, story);
    if (plain_.size() < kMostPlain) plain_.push_back(plain_session(session));
    rows_ += row;
    block_ += details;
    ++lines_;
    if (block_.size() >= kBlock) write_block();
  }

  static bool is_cut(const PageSession& session) {
    return session.transcript_left_out > 0 ||
           std::any_of(session.transcript.begin(),
                       session.transcript.end(),
                       [](const PageEvent& event) { return event.left_out > 0; });
  }

  void leave_out(const Story& story) {
    if (totals_.left_out++ == 0) {
      totals_.left_out_from = story.first_received;
      totals_.left_out_until = story.last_received;
    }
    totals_.left_out_from = std::min(totals_.left_out_from, story.first_received);
    totals_.left_out_until = std::max(totals_.left_out_until, story.last_received);
    if (left_out_.size() < kMostNamed) left_out_.push_back(story.id);
  }

  void write_block() {
    if (lines_ == 0) return;
    if (blocks_ == 0) write_head();
    write_packed_block(out_, "details", block_);
    block_.clear();
    lines_ = 0;
    ++blocks_;
  }

  [[nodiscard]] std::string about(const PageEnd& end) const {
    boost::json::object json{
        {"schema", kPageSchema},
        {"writer", json_string(header_.writer)},
        {"written",
         header_.written == 0 ? boost::json::value() : json_string(show_time(header_.written))},
        {"tapes", json_string(header_.tapes)},
        {"chosen", json_string(header_.chosen)},
        {"sessions", totals_.sessions},
        {"events", totals_.events},
        {"events_without_session", totals_.without_session},
        {"gaps", json_array(end.gaps, json_string)},
        {"gap_count", end.gap_count},
        {"damage", json_array(end.damage, json_string)},
        {"notices", json_array(end.notices, json_string)},
        {"transcripts_cut", totals_.cut},
        {"left_out", totals_.left_out}};
    json["left_out_ids"] = json_array(left_out_, json_string);
    const bool any = totals_.left_out > 0;
    const auto time = [any](std::int64_t at) {
      return any ? boost::json::value(json_string(show_time(at))) : boost::json::value();
    };
    json["left_out_from"] = time(totals_.left_out_from);
    json["left_out_until"] = time(totals_.left_out_until);
    json["most_events"] = room_.limits().events;
    json["most_bytes"] = room_.limits().bytes;
    return line_of(json);
  }

  // What is there without the script, which takes it away.
  void write_plain() {
    std::sort(plain_.begin(), plain_.end(), [](const PlainSession& a, const PlainSession& b) {
      return a.first_received < b.first_received;
    });
    out_.write("<main id=\"plain\">\n<h1>SMTP sessions</h1>\n");
    out_.write(plain_words(header_, totals_, plain_.size()));
    for (const PlainSession& session : plain_)
      out_.write(session.html);
    out_.write("</main>\n");
  }

  ByteSink& out_;
  PageHeader header_;
  PageRoom room_;
  Sessions sessions_;
  Statistics by_provider_;
  Statistics by_reply_;
  PageTotals totals_;
  std::string block_;
  std::size_t blocks_ = 0;
  std::size_t lines_ = 0;
  std::string rows_;
  std::vector<PlainSession> plain_;
  std::vector<std::string> left_out_;
};

PageWriter::PageWriter(ByteSink& out, PageHeader header, const PageLimits& limits)
    : impl_(std::make_unique<Impl>(out, std::move(header), limits)) {
}

PageWriter::~PageWriter() = default;

void PageWriter::tell_recorders_apart() {
  impl_->tell_recorders_apart();
}

void PageWriter::add(const EventBatch& batch) {
  impl_->add(batch);
}

PageTotals PageWriter::finish(const PageEnd& end) {
  return impl_->finish(end);
}

}  // namespace smtptape
