// Events of many sessions, each given to a builder of its own: which sessions are open, when one is
// complete, and what a gap may have taken of it.
//
// A session may go on after Closed: KumoMTA says why it ended, or connects again under the same id.
// So it is complete when nothing came for a while after its last connection was closed or had
// failed; at the end of the events; or when too many are open and it is the one that was silent for
// longest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/hash.h"
#include "format/event.h"

namespace smtptape {

// "server lag: 7 events"
[[nodiscard]] std::string words_of(const Gap& gap);

// A Builder takes events (add), gaps between them (add_gaps: how many, and the first in words;
// note_gaps: told too late, they lie among them), says whether its last connection is over
// (is_closed), and makes something of it all (finish).
template <class Builder>
class GatheredSessions {
 public:
  static constexpr std::size_t kMostOpen = 100'000;
  static constexpr std::int64_t kSilence = 5'000'000'000;  // ns of receive time, after Closed
  static constexpr std::size_t kMostGaps = 100'000;        // of a capture, that are remembered
  static constexpr std::size_t kMostInWords = 20;          // that a session is told of at once

  enum class Until : std::uint8_t {
    Silent,  // as above
    End,     // all that came under an id is one session
  };
  using Make = std::function<Builder(std::string id)>;
  using Made = decltype(std::declval<Builder&>().finish());
  GatheredSessions(Until until, Make make, std::size_t most_open = kMostOpen)
      : until_(until), make_(std::move(make)), most_open_(most_open) {}

  // Several recorders have the same events, and none is left out: a session is one for each of
  // them, by the names they have.  From the beginning on.
  void tell_recorders_apart() { apart_ = true; }

  // What is complete, in that order.
  [[nodiscard]] std::vector<Made> add(const EventBatch& batch) {
    std::vector<Made> complete;
    std::map<Id128, Gaps> late;
    for (const Gap& gap : batch.gaps)
      add_gap(gap, late);
    for (auto& [capture, gaps] : late)
      tell_late(capture, gaps);
    for (const Event& event : batch.events)
      add(event, complete);
    return complete;
  }
  // All that is left, in the order of their first events.
  [[nodiscard]] std::vector<Made> finish() {
    open_.splice(open_.end(), closed_);
    open_.sort([](const Open& a, const Open& b) { return a.number < b.number; });
    std::vector<Made> all;
    while (!open_.empty())
      complete(open_, all);
    return all;
  }

  // When the first of those that are open was first received; nullopt: there is none.
  [[nodiscard]] std::optional<std::int64_t> oldest() const {
    if (beginnings_.empty()) return std::nullopt;
    return *beginnings_.begin();
  }

  // Sessions that were taken for complete because too many were open.
  [[nodiscard]] std::uint64_t cut_short() const { return cut_short_; }
  // How often a session was looked at because of gaps that were told late.
  [[nodiscard]] std::uint64_t looks_for_late_gaps() const { return looks_; }

 private:
  struct Open {
    Open(std::string_view id, std::string_view by, const Make& make)
        : builder(make(std::string(id))), key(by) {}
    Builder builder;
    std::string key;           // its place
    std::uint64_t number = 0;  // in the order of their first events
    Id128 capture;
    std::uint64_t first_sequence = 0;
    std::uint64_t last_sequence = 0;
    std::int64_t first_received = 0;
    std::int64_t last_received = 0;
    bool closed = false;     // it stands in closed_
    bool elsewhere = false;  // some of its events are of other captures
  };
  using Places =
      boost::unordered_flat_map<std::string_view, typename std::list<Open>::iterator, TextHash>;
  struct Missing {
    std::uint64_t after = 0;  // sequence
    std::string what;
  };
  using Gaps = std::deque<Missing>;  // ascending

  static Id128 capture_of(const Origin* origin) {
    return origin == nullptr ? Id128() : origin->capture;
  }

  void add_gap(const Gap& gap, std::map<Id128, Gaps>& late);
  static void insert(Gaps& gaps, Missing gap);
  // The first gap behind `sequence`, or behind the event before it.
  static typename Gaps::const_iterator first_from(const Gaps& gaps, std::uint64_t sequence);
  template <class Tell>
  static void tell_each(typename Gaps::const_iterator first,
                        typename Gaps::const_iterator end,
                        const Tell& tell);
  void tell_late(const Id128& capture, const Gaps& late);
  void add(const Event& event, std::vector<Made>& complete_now);
  [[nodiscard]] std::string_view key_of(const Event& event, std::string_view id);
  Open& open(const Event& event, std::string_view id, std::vector<Made>& complete_now);
  void tell_gaps(Open& session, std::uint64_t before) const;
  void complete(std::list<Open>& list, std::vector<Made>& to);

  Until until_;
  Make make_;
  std::size_t most_open_;
  std::list<Open> open_;    // the one that was silent for longest first
  std::list<Open> closed_;  // likewise
  Places places_;
  std::multiset<std::int64_t> beginnings_;  // of all of them
  std::map<Id128, Gaps> gaps_;
  std::map<Id128, std::uint64_t> last_sequences_;
  std::uint64_t seen_ = 0;
  std::uint64_t cut_short_ = 0;
  bool apart_ = false;
  std::string key_;
  std::uint64_t looks_ = 0;
};

template <class Builder>
void GatheredSessions<Builder>::add_gap(const Gap& gap, std::map<Id128, Gaps>& late) {
  const Id128 capture = capture_of(gap.origin);
  std::uint64_t after = gap.after_sequence;
  if (after == 0) {
    after = gap.before_sequence != 0 ? gap.before_sequence - 1 : last_sequences_[capture];
  }
  if (after < last_sequences_[capture]) insert(late[capture], {after, words_of(gap)});
  insert(gaps_[capture], {after, words_of(gap)});
}

template <class Builder>
void GatheredSessions<Builder>::insert(Gaps& gaps, Missing gap) {
  if (gaps.size() >= kMostGaps) gaps.pop_front();
  const auto place =
      std::upper_bound(gaps.begin(), gaps.end(), gap.after, [](std::uint64_t a, const auto& b) {
        return a < b.after;
      });
  gaps.insert(place, std::move(gap));
}

template <class Builder>
typename GatheredSessions<Builder>::Gaps::const_iterator GatheredSessions<Builder>::first_from(
    const Gaps& gaps, std::uint64_t sequence) {
  return std::lower_bound(gaps.begin(), gaps.end(), sequence, [](const auto& gap, auto from) {
    return gap.after < from;
  });
}

// Some in words, all in number: there may be as many as there are sessions.
template <class Builder>
template <class Tell>
void GatheredSessions<Builder>::tell_each(typename Gaps::const_iterator first,
                                          typename Gaps::const_iterator end,
                                          const Tell& tell) {
  for (std::size_t told = 0; first < end; ++told) {
    const auto left = static_cast<std::uint64_t>(end - first);
    const std::uint64_t count = told < kMostInWords ? 1 : left;
    tell(first->what, count);
    first += static_cast<std::ptrdiff_t>(count);
  }
}

// Copies tell gaps where a group ends: then the events around it have been here.  Of a capture, who
// was silent since then was silent before, too.
template <class Builder>
void GatheredSessions<Builder>::tell_late(const Id128& capture, const Gaps& late) {
  for (std::list<Open>* const list : {&open_, &closed_}) {
    for (auto session = list->rbegin(); session != list->rend(); ++session) {
      ++looks_;
      if (session->capture != capture) continue;
      if (session->last_sequence <= late.front().after) {
        if (session->elsewhere) continue;
        break;
      }
      tell_each(first_from(late, session->first_sequence),
                first_from(late, session->last_sequence),
                [&](std::string_view what, std::uint64_t count) {
                  session->builder.note_gaps(what, count);
                });
    }
  }
}

template <class Builder>
void GatheredSessions<Builder>::add(const Event& event, std::vector<Made>& complete_now) {
  if (!gaps_.empty() || event.sequence > 0)
    last_sequences_[capture_of(event.origin)] = event.sequence;
  if (event.meta == nullptr || !event.meta->session_id() || event.meta->session_id()->empty())
    return;
  Open& session = open(event, *event.meta->session_id(), complete_now);
  // What another recorder saw of it has numbers of its own.
  session.elsewhere = session.elsewhere || session.capture != capture_of(event.origin);
  if (session.capture == capture_of(event.origin)) {
    tell_gaps(session, event.sequence);
    session.last_sequence = event.sequence;
  }
  session.builder.add(event);
  session.last_received = event.received;
  const bool closed = session.builder.is_closed();
  const auto place = places_.find(session.key)->second;
  std::list<Open>& from = session.closed ? closed_ : open_;
  std::list<Open>& to = closed ? closed_ : open_;
  session.closed = closed;
  to.splice(to.end(), from, place);
  if (until_ == Until::End) return;
  while (!closed_.empty() && closed_.front().last_received < event.received - kSilence)
    complete(closed_, complete_now);
}

template <class Builder>
std::string_view GatheredSessions<Builder>::key_of(const Event& event, std::string_view id) {
  if (!apart_ || event.origin == nullptr) return id;
  key_.assign(event.origin->source).push_back('\0');
  return key_.append(id);
}

template <class Builder>
typename GatheredSessions<Builder>::Open& GatheredSessions<Builder>::open(
    const Event& event, std::string_view id, std::vector<Made>& complete_now) {
  const std::string_view key = key_of(event, id);
  const auto known = places_.find(key);
  if (known != places_.end()) return *known->second;
  if (places_.size() >= most_open_) {
    ++cut_short_;
    complete(closed_.empty() ? open_ : closed_, complete_now);
  }
  Open& session = open_.emplace_back(id, key, make_);
  session.number = ++seen_;
  session.capture = capture_of(event.origin);
  session.last_sequence = event.sequence;
  session.first_sequence = event.sequence;
  session.first_received = event.received;
  beginnings_.insert(event.received);
  places_.emplace(session.key, std::prev(open_.end()));
  return session;
}

template <class Builder>
void GatheredSessions<Builder>::tell_gaps(Open& session, std::uint64_t before) const {
  const auto gaps = gaps_.find(session.capture);
  if (gaps == gaps_.end()) return;
  tell_each(first_from(gaps->second, session.last_sequence),
            first_from(gaps->second, before),
            [&session](std::string_view what, std::uint64_t count) {
              session.builder.add_gaps(what, count);
            });
}

template <class Builder>
void GatheredSessions<Builder>::complete(std::list<Open>& list, std::vector<Made>& to) {
  Open& session = list.front();
  // Of one that was not over its end may be missing.
  if (!session.closed) tell_gaps(session, std::numeric_limits<std::uint64_t>::max());
  places_.erase(session.key);
  beginnings_.erase(beginnings_.find(session.first_received));
  to.push_back(session.builder.finish());
  list.pop_front();
}

}  // namespace smtptape
