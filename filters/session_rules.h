// What chooses sessions by what happened in them: replies, outcomes, times.  sessions/ knows how to
// tell; a plan of store/ shows it rows and events, and is given ids.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "format/event.h"
#include "format/tape/session_rows.h"

namespace smtptape {

// A bit for each thing that has to hold of a session; what it is, its rules know.
using SessionMarks = std::uint32_t;

// One thread at a time.
class SessionChooser {
 public:
  SessionChooser() = default;
  SessionChooser(const SessionChooser&) = delete;
  SessionChooser& operator=(const SessionChooser&) = delete;
  virtual ~SessionChooser() = default;

  // All events of the sessions, in their order.
  virtual void add(const EventBatch& batch) = 0;
  struct Chosen {
    std::vector<std::string> sessions;
    // Of these more came after they had been taken for complete: they have to be looked at again,
    // few at a time and each as a whole.
    std::vector<std::string> again;
  };
  // At the end.
  [[nodiscard]] virtual Chosen finish() = 0;
};

// Never changes: any number of threads at once.
class SessionRules {
 public:
  SessionRules() = default;
  SessionRules(const SessionRules&) = delete;
  SessionRules& operator=(const SessionRules&) = delete;
  virtual ~SessionRules() = default;

  // Everything that has to hold; bits below kFirstRule are not the rules'.
  static constexpr SessionMarks kFirstRule = 1U << 8;
  [[nodiscard]] virtual SessionMarks all() const = 0;
  // Of that, what may hold as far as a row tells: of a session with several rows, what may hold as
  // far as one of them tells.
  [[nodiscard]] virtual SessionMarks may_hold(const SessionRow& row) const = 0;
  // `whole`: a session is complete at the end, and not when nothing came for a while.
  enum class Complete : std::uint8_t { WhenSilent, AtTheEnd };
  [[nodiscard]] virtual std::unique_ptr<SessionChooser> chooser(Complete complete) const = 0;
};

}  // namespace smtptape
