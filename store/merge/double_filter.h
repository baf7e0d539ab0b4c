// Two recorders of one endpoint have every event twice: it is left out the second time.
//
// The same event has the same session, kind, time and content, and was recorded from the same
// endpoint (the URL in the header of a tape) by another recorder.  Where a session has several
// events that are all the same, the n-th of the one is the n-th of the other, so that what one
// recorder has always comes out, whatever the others have.  What is known is forgotten after some
// time, or when it is too much: then an event may come out twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/hash.h"
#include "format/event.h"

namespace smtptape {

class DoubleFilter {
 public:
  static constexpr std::size_t kMostRecorders = 4;  // of an endpoint; more are not compared
  static constexpr std::int64_t kWindow = 600'000'000'000;
  static constexpr std::size_t kMostEvents = 1 << 19;

  DoubleFilter();

  // A capture that is read: who recorded it (a row of the merge), from where.
  void add(const Id128& capture, std::size_t recorder, const std::string& url);
  // In the order of the merge.
  void leave_out(EventBatch& batch);
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

 private:
  using Recorders = std::map<std::size_t, std::size_t>;  // their places among those of the endpoint
  struct Recording {
    const Recorders* of_endpoint;
    std::size_t place;
  };
  // How often each recorder had an event.
  using Counts = std::array<std::uint16_t, kMostRecorders>;
  struct AsItIs {
    using is_avalanching = void;
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };
  using Known = boost::unordered_flat_map<std::uint64_t, Counts, AsItIs>;

  [[nodiscard]] const Recording* recording_of(const Event& event) const;
  [[nodiscard]] bool is_double(const Event& event, const Recording& recording);
  [[nodiscard]] std::uint64_t hash_of(const Event& event);
  void forget_old(std::int64_t received);

  std::map<std::string, Recorders> endpoints_;  // by URL
  std::map<Id128, Recording> recordings_;
  bool several_ = false;  // recorders of one endpoint
  std::string secret_;    // so that nobody can make two events look the same
  Hasher hasher_;
  Known known_;
  Known older_;
  std::int64_t since_ = 0;  // what is in `known_`
  std::uint64_t left_out_ = 0;
};

}  // namespace smtptape
