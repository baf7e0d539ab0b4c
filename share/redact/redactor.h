// A stream of events with nothing in it that was learned to have to go: same order, times, kinds,
// codes and lengths, other names.
//
// Messages and answers of AUTH are taken out by what the dialogue says (filters/event_levels.h);
// what is left is gone through by the form of its lines, wherever they stand; and what servers and
// KumoMTA said, by what is known and by its shapes.  Frames that are no events are left out, and so
// is all that isn't known: metadata, notes, words of a gap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "filters/event_levels.h"
#include "format/event.h"
#include "share/redact/free_text.h"
#include "share/redact/metadata.h"
#include "share/redact/originals.h"
#include "share/redact/pseudonyms.h"
#include "share/redact/recent.h"
#include "share/redact/rules.h"
#include "share/redact/session_text.h"

namespace smtptape {

// What was left out as a whole.
struct Omitted {
  std::uint64_t frames = 0;   // that are no events
  std::uint64_t members = 0;  // of metadata: keys and values that nobody knows; of each distinct
  std::uint64_t notes = 0;
};

class Redactor : public EventSource, private MetaVisitor {
 public:
  // What is held back while a reply has no end; more is given up as it is.
  static constexpr std::size_t kMostHeld = 64 << 20;

  // All outlive it.
  Redactor(EventSource& from,
           const Originals& originals,
           Pseudonyms& pseudonyms,
           const RedactionRules& rules);
  ~Redactor() override;

  [[nodiscard]] bool next(EventBatch& batch) override;

  [[nodiscard]] const Omitted& omitted() const { return omitted_; }
  // For the header of what is written: the same as the events'.
  [[nodiscard]] Origin redacted(const Origin& origin);

 private:
  struct Held {
    EventBatch batch;
    std::size_t open = 0;  // what of its texts is not decided
    std::size_t bytes = 0;
    std::shared_ptr<std::vector<MetaPtr>> metas = std::make_shared<std::vector<MetaPtr>>();
  };
  // What became of a member of metadata, and what of it was counted.
  struct Member {
    std::optional<std::string> json;  // nullopt: it was left out
    std::array<Pseudonyms::Count, kKinds> counts{};
    std::uint64_t omitted = 0;
  };

  void take(std::string& text, const Spans& spans) override;
  void take_public(std::string_view) override {}
  void leave_out(std::string_view, std::string_view) override { ++omitted_.members; }

  [[nodiscard]] bool pull();
  void redact(Held& held);
  void redact(Event& event, Held& held);
  void redact_text(Event& event, Held& held);
  void redact_beside_events(EventBatch& batch);
  void redact_unit(const SessionText::Unit& unit);
  void find_named(std::string_view line, Spans& spans) const;
  void redact_diagnostic(Event& event, std::span<char> text);
  [[nodiscard]] const MetaPtr& redacted(const Meta& meta);
  [[nodiscard]] std::shared_ptr<const Member> redacted(const Meta::Entry& member);
  [[nodiscard]] const ShortValues& short_values(const Meta& meta);
  [[nodiscard]] const std::shared_ptr<const Origin>& known(const Origin& origin);
  [[nodiscard]] const Origin& pinned(const Origin& origin, EventBatch& batch);
  [[nodiscard]] FreeText free_text(const Meta* meta);

  EventSource& from_;
  const Originals& originals_;
  Pseudonyms& pseudonyms_;
  const RedactionRules& rules_;
  CaptureLevels levels_;
  SessionText texts_;
  std::deque<std::unique_ptr<Held>> held_;
  std::size_t held_bytes_ = 0;
  static constexpr std::size_t kMostSpare = 4;
  std::vector<EventBatch> spare_;
  bool ended_ = false;
  MetaMemo<MetaPtr> metas_;
  MetaMemo<std::shared_ptr<const ShortValues>> short_values_;
  Recent<std::shared_ptr<const Member>> members_;
  std::vector<std::pair<Origin, std::shared_ptr<const Origin>>> origins_;
  Omitted omitted_;
  std::string key_;
};

}  // namespace smtptape
