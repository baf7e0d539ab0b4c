#include "replay/top/top_model.h"

#include <algorithm>
#include <utility>

#include "base/visible_text.h"
#include "replay/renderer.h"
#include "replay/story_text.h"

namespace smtptape {

namespace {

constexpr std::string_view kOption = "--";

RenderOptions for_terminal() {
  RenderOptions render;
  render.visible = true;
  return render;
}

std::string_view id_of(const Event& event) {
  if (event.meta == nullptr) return {};
  return event.meta->session_id().value_or(std::string_view{});
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool contains(std::string_view text, std::string_view wanted) {
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), [](char a, char b) {
           return lower(a) == lower(b);
         }) != text.end();
}

std::uint64_t count_of(const Story& story, Outcome outcome) {
  return story.outcomes[static_cast<std::size_t>(outcome)];
}

// What KumoMTA said of the end of its last attempt; empty: nothing.
std::string_view why_not(const Story& story) {
  if (!story.attempts.empty() && !story.attempts.back().why.empty())
    return story.attempts.back().why;
  return story.errors.empty() ? std::string_view() : story.errors.back().text;
}

TopMark mark_of(const Story& story, bool is_over) {
  if (count_of(story, Outcome::Bounced) > 0) return TopMark::Bounced;
  if (count_of(story, Outcome::Deferred) > 0) return TopMark::Deferred;
  const bool delivered = count_of(story, Outcome::Delivered) > 0;
  if (!is_over) return delivered ? TopMark::Delivered : TopMark::Open;
  if (delivered) return TopMark::Delivered;
  // A greeting or a command that was refused decides, too.
  if (story.worst_reply >= 500) return TopMark::Bounced;
  if (story.worst_reply >= 400) return TopMark::Deferred;
  return why_not(story).empty() ? TopMark::Nothing : TopMark::Failed;
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

// The reply that was the worst; else why there was no connection, or the last reply.
std::string last_words_of(const Story& story) {
  std::string_view words;
  std::uint16_t worst = 0;
  for (const StoryExchange& exchange : story.exchanges) {
    const SmtpReply& reply = exchange.smtp.reply;
    if (reply.text.empty()) continue;
    const bool is_bad = reply.code >= 400 && reply.code < 600;
    if (worst >= 400 && (!is_bad || reply.code < worst)) continue;
    worst = is_bad ? reply.code : 0;
    words = reply.text;
  }
  if (worst >= 400) return std::string(first_line(words));
  const std::string_view why = why_not(story);
  return std::string(first_line(why.empty() ? words : why));
}

std::string mx_of(const Story& story) {
  if (story.attempts.empty()) return {};
  const Attempt& last = story.attempts.back();
  if (!last.mx_host.empty()) return last.mx_host;
  return last.target.empty() ? last.mx_address : last.target;
}

void add_lines(std::string_view text, std::vector<std::string>& lines) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view name_of(TopMark mark) {
  switch (mark) {
    case TopMark::Open: return "open";
    case TopMark::Delivered: return "delivered";
    case TopMark::Deferred: return "deferred";
    case TopMark::Bounced: return "bounced";
    case TopMark::Failed: return "failed";
    case TopMark::Nothing: return "nothing sent";
  }
  return "";
}

TopModel::TopModel(std::string of_all, std::string of_one, const Bounds& bounds)
    : of_all_(std::move(of_all)), of_one_(std::move(of_one)), bounds_(bounds) {
}

// ---- events ----

void TopModel::add(const EventBatch& batch) {
  for (const Event& event : batch.events)
    add(event);
  for (Session* const session : touched_)
    update_row(*session);
  touched_.clear();
  forget_what_is_too_much();
  rows_are_new_ = false;
}

void TopModel::add(const Event& event) {
  last_received_ = std::max(event.received, last_received_.value_or(event.received));
  const std::string_view id = id_of(event);
  if (id.empty()) return;  // a lag notice, or unreadable: whoever reads the source tells of it
  Session& session = session_of(event, id);
  session.row.last_received = event.received;
  session.row.ended = event.when;
  if (!std::exchange(session.touched, true)) touched_.push_back(&session);
  if (!session.told) return;
  session.builder.add(event);
  if (session.judge) session.judge->add(event);
  if (is_cut(session)) return;
  const std::size_t size = session.events.add(event);
  session.bytes += size;
  bytes_ += size;
}

TopModel::Session& TopModel::session_of(const Event& event, std::string_view id) {
  const auto found = places_.find(id);
  if (found != places_.end()) return *found->second;
  Session& session = sessions_.emplace_back(id);
  session.row.id = id;
  session.row.begun = event.when;
  if (event.origin != nullptr) session.row.source = event.origin->source;
  places_.emplace(session.row.id, std::prev(sessions_.end()));
  if (choice_ != nullptr) session.judge.emplace(*choice_, session.row.id);
  ++bucket_at(event.received).begun;
  return session;
}

void TopModel::update_row(Session& session) {
  session.touched = false;
  if (!session.told) return;
  if (session.judge) session.chosen = session.judge->holds(ended_);
  const bool is_over = session.builder.is_closed();
  StoryBuilder so_far = session.builder;
  const Story story = so_far.finish();
  TopRow& row = session.row;
  row.pool = story.egress_pool;
  row.mx = mx_of(story);
  row.last_words = last_words_of(story);
  row.messages = story.messages.size();
  row.worst = story.worst_reply >= 400 ? story.worst_reply : 0;
  row.recipients = 0;
  for (const std::uint64_t count : story.outcomes)
    row.recipients += count;
  row.mark = mark_of(story, is_over);
  if (is_failure(row.mark) && !std::exchange(session.failed, true))
    ++bucket_at(row.last_received).failed;
}

void TopModel::forget_what_is_too_much() {
  while (sessions_.size() > bounds_.sessions) {
    Session& oldest = sessions_.front();
    bytes_ -= oldest.bytes;
    if (!oldest.judged) --not_judged_;
    if (selected_ == oldest.row.id) selected_.clear();
    places_.erase(oldest.row.id);
    sessions_.pop_front();
  }
  for (Session& session : sessions_) {
    if (bytes_ <= bounds_.bytes) return;
    if (!std::exchange(session.told, false)) continue;
    bytes_ -= std::exchange(session.bytes, 0);
    session.builder = StoryBuilder(session.row.id);
    session.events = KeptEvents();
    session.judge.reset();
  }
}

TopModel::Bucket& TopModel::bucket_at(std::int64_t received) {
  const std::int64_t number = received / kBucket;
  auto at = std::lower_bound(
      buckets_.begin(), buckets_.end(), number, [](const Bucket& bucket, std::int64_t wanted) {
        return bucket.number < wanted;
      });
  if (at == buckets_.end() || at->number != number) at = buckets_.insert(at, {number, 0, 0});
  if (buckets_.size() > kMostBuckets) {
    // What is older than all is counted with the oldest.
    if (at == buckets_.begin()) ++at;
    buckets_.pop_front();
    return bucket_at(std::max(received, buckets_.front().number * kBucket));
  }
  return *at;
}

std::vector<TopModel::Bucket> TopModel::buckets(std::size_t count) const {
  std::vector<Bucket> shown(count);
  const std::int64_t last = last_received_.value_or(0) / kBucket;
  for (std::size_t i = 0; i < count; ++i)
    shown[i].number = last - static_cast<std::int64_t>(count - 1 - i);
  for (const Bucket& bucket : buckets_) {
    const std::int64_t place = bucket.number - (last - static_cast<std::int64_t>(count) + 1);
    if (place >= 0 && place < static_cast<std::int64_t>(count))
      shown[static_cast<std::size_t>(place)] = bucket;
  }
  return shown;
}

// ---- what is shown ----

void TopModel::set_filter(const std::string& filter) {
  if (filter.starts_with(kOption)) choose(understand_ ? understand_(filter) : nullptr);
  filter_ = filter;
  rows_are_new_ = false;
}

void TopModel::choose(std::shared_ptr<TopChoice> choice) {
  // Judges refer to the one before.
  for (Session& session : sessions_)
    session.judge.reset();
  choice_ = std::move(choice);
  not_judged_ = 0;
  for (Session& session : sessions_)
    judge(session);
  rows_are_new_ = false;
}

void TopModel::judge(Session& session) {
  session.judged = true;
  session.chosen = choice_ == nullptr;
  if (choice_ == nullptr) return;
  if (!session.told) {
    ++not_judged_;
    session.judged = false;
    return;
  }
  session.judge.emplace(*choice_, session.row.id);
  session.events.each([&session](const Event& event) { session.judge->add(event); });
  session.chosen = session.judge->holds(ended_);
  if (!is_cut(session)) return;
  // What comes next doesn't follow what is kept.
  session.judge.reset();
  session.judged = session.chosen;
  if (!session.judged) ++not_judged_;
}

void TopModel::end() {
  ended_ = true;
  for (Session& session : sessions_) {
    if (session.judge) session.chosen = session.judge->holds(ended_);
  }
  rows_are_new_ = false;
}

bool TopModel::passes(const Session& session) const {
  if (choice_ != nullptr) return session.chosen;
  // Until it is typed to its end it means nothing.
  if (filter_.empty() || filter_.starts_with('-')) return true;
  const TopRow& row = session.row;
  for (const std::string_view text : {std::string_view(row.id),
                                      std::string_view(row.source),
                                      std::string_view(row.pool),
                                      std::string_view(row.mx),
                                      std::string_view(row.last_words),
                                      name_of(row.mark)}) {
    if (contains(text, filter_)) return true;
  }
  return false;
}

const std::vector<const TopRow*>& TopModel::rows() const {
  if (rows_are_new_) return rows_;
  rows_.clear();
  for (auto session = sessions_.rbegin(); session != sessions_.rend(); ++session) {
    if (passes(*session)) rows_.push_back(&session->row);
  }
  rows_are_new_ = true;
  return rows_;
}

std::optional<std::size_t> TopModel::selected() const {
  const auto& all = rows();
  if (all.empty()) return std::nullopt;
  const auto found = std::find_if(
      all.begin(), all.end(), [this](const TopRow* row) { return row->id == selected_; });
  return found == all.end() ? 0 : static_cast<std::size_t>(found - all.begin());
}

const TopModel::Session* TopModel::selected_session() const {
  const std::optional<std::size_t> place = selected();
  if (!place) return nullptr;
  return &*places_.find(rows()[*place]->id)->second;
}

std::vector<std::string> TopModel::pane() const {
  std::vector<std::string> lines;
  const Session* const session = selected_session();
  if (session == nullptr) return lines;
  if (!session->told) {
    lines.emplace_back("so long ago that it is not kept here; the command below shows it");
  } else if (pane_ == Pane::Transcript) {
    add_lines(transcript_of(*session), lines);
  } else {
    StoryBuilder so_far = session->builder;
    add_lines(text_of(so_far.finish()), lines);
  }
  return lines;
}

std::string TopModel::transcript_of(const Session& session) const {
  Renderer renderer(for_terminal());
  std::string text;
  session.events.each([&](const Event& event) {
    if (text.size() < bounds_.transcript_bytes)
      static_cast<void>(renderer.render({&event, 1}, text));
  });
  if (is_cut(session)) text += "… and more; the command below shows all of it\n";
  return text;
}

std::size_t TopModel::failures() const {
  return static_cast<std::size_t>(
      std::count_if(sessions_.begin(), sessions_.end(), [](const Session& of) {
        return is_failure(of.row.mark);
      }));
}

std::string TopModel::command() const {
  const Session* const session = selected_session();
  if (session == nullptr) return command_of_list();
  std::string text = of_one_;
  const std::size_t at = text.find("{}");
  if (at == std::string::npos) return text;
  return text.replace(at, 2, shell_word(session->row.id));
}

const std::string& TopModel::command_of_list() const {
  return choice_ == nullptr ? of_all_ : choice_->command();
}

std::optional<std::string> TopModel::take_copy() {
  return std::exchange(copy_, std::nullopt);
}

}  // namespace smtptape
