// Looks through a result for what must not be in it, whatever made it: each text of each event,
// metadata, what one side said over the borders of events and lines, and what stands beside events.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "share/redact/originals.h"
#include "share/redact/texts.h"

namespace smtptape {

struct Leak {
  Kind kind = Kind::Message;
  std::string where;  // "event 12, a reply": never what
};

class LeakCheck {
 public:
  static constexpr std::size_t kMostLeaks = 20;  // that are kept

  // Classes that are `kept` may be there.
  LeakCheck(const Originals& originals, const std::array<bool, kKinds>& kept)
      : originals_(originals), kept_(kept) {}

  void add(const EventBatch& batch);
  // A text that goes with the result: a header's, a report, a file's name.
  void add(std::string_view text, const std::string& where);
  // Everything was added.
  void finish();
  // In the order in which they were found.
  [[nodiscard]] const std::vector<Leak>& leaks() const { return leaks_; }

 private:
  void add(const Event& event);
  void add_to_stream(const Event& event, const std::string& where);
  void end_session(const Event& event);
  void add_meta(const Meta& meta, const std::string& where);
  void look(std::string_view text, const std::string& where);

  const Originals& originals_;
  std::array<bool, kKinds> kept_;
  // What each side of a session said since it was looked at, its lines put together, behind the end
  // of what was looked at.
  TextMap<std::string> streams_;
  boost::unordered_flat_set<std::uint64_t> clean_;  // hashes of values without any
  MetaMemo<bool> seen_;
  std::vector<Originals::Found> found_;
  std::vector<Leak> leaks_;
  std::string key_;
};

}  // namespace smtptape
