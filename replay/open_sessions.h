// What is remembered of the sessions that were shown and have not closed.
//
// kcli forgets a session at Closed only, and an ERROR behind it opens it anew: it grows for as long
// as it runs.  Here there is a bound: the session that was silent for the longest is forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/member.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>

#include "base/wall_time.h"
#include "format/meta.h"

namespace smtptape {

class OpenSessions {
 public:
  static constexpr std::size_t kMost = 100'000;  // about 100 MB, with their metadata
  // For whoever is shown them, once.
  static constexpr std::string_view kForgetting =
      "more than 100000 sessions are open: those that are silent for the longest are forgotten, "
      "and "
      "shown as if they began where they go on; --as-live forgets none";

  struct Session {
    std::string key;
    WallTime opened;
    // Beside the key all may change.
    mutable MetaPtr meta = {};        // as last shown; null: nothing shown yet, kcli's empty object
    mutable std::uint64_t shown = 0;  // serial of what it is a copy of
    mutable bool stepped_back = false;
  };

  explicit OpenSessions(std::size_t most) : most_(most) {}

  // Null: not open.  One that is found has spoken just now.
  const Session* find(std::string_view key) {
    const auto found = by_key().find(key);
    if (found == by_key().end()) return nullptr;
    by_silence().relocate(by_silence().end(), sessions_.project<kBySilence>(found));
    return &*found;
  }
  // It is not open.  May forget another one.
  const Session* open(std::string_view key, WallTime when) {
    if (sessions_.size() >= most_) {
      by_silence().pop_front();
      ++forgotten_;
    }
    return &*by_silence().push_back({std::string(key), when}).first;
  }
  void close(const Session* session) { by_silence().erase(by_silence().iterator_to(*session)); }

  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

 private:
  static constexpr int kByKey = 0;
  static constexpr int kBySilence = 1;  // the longest first
  using Table = boost::multi_index_container<
      Session,
      boost::multi_index::indexed_by<
          boost::multi_index::hashed_unique<
              boost::multi_index::member<Session, std::string, &Session::key>,
              std::hash<std::string_view>,
              std::equal_to<std::string_view>>,
          boost::multi_index::sequenced<>>>;
  Table::nth_index<kByKey>::type& by_key() { return sessions_.get<kByKey>(); }
  Table::nth_index<kBySilence>::type& by_silence() { return sessions_.get<kBySilence>(); }

  std::size_t most_;
  std::uint64_t forgotten_ = 0;
  Table sessions_;
};

}  // namespace smtptape
