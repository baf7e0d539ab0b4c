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
#include "share/redact/recent.h"
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
  void add(std::string_view text, std::string_view where);
  // Everything was added.
  void finish();
  // In the order in which they were found.
  [[nodiscard]] const std::vector<Leak>& leaks() const { return leaks_; }

 private:
  // Put into words when there is something to tell.
  struct Place {
    std::uint64_t event = 0;  // its number; 0: of none
    std::string_view what = {};
    [[nodiscard]] std::string text() const;
  };
  void add(const Event& event);
  void add_to_stream(const Event& event);
  void end_session(const Event& event);
  void add_meta(const Meta& meta, const Place& where);
  void look_at_source(const Origin& origin);
  void look(std::string_view text, const Place& where);

  const Originals& originals_;
  std::array<bool, kKinds> kept_;
  // What each side of a session said since it was looked at, its lines put together, behind the end
  // of what was looked at.
  TextMap<std::string> streams_;
  Recent<bool> members_;  // of metadata that were looked at
  MetaMemo<bool> seen_;
  std::vector<Originals::Found> found_;
  std::vector<Leak> leaks_;
  std::string key_;
  std::string source_;  // the last one that was looked at
};

}  // namespace smtptape
