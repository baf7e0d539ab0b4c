// The sessions that were chosen, in figures: from the rows of the tapes where these can answer, and
// from stories where not.  What `sessions` and `stats` read.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "cli/run/selected_tapes.h"
#include "sessions/stories.h"
#include "sessions/summary.h"

namespace smtptape {

struct SessionBatch {
  static constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

  std::vector<SessionSummary> sessions;
  std::vector<Story> stories;  // of the same, where stories were asked for; else none
  // What comes later began then or later.
  std::int64_t until = kEnd;
};

class SessionSource {
 public:
  enum class Facts : std::uint8_t {
    Figures,  // those of a summary
    Stories,  // the stories as well: everything that was chosen is read
  };
  // `tapes` outlives it.
  SessionSource(SelectedTapes& tapes, Facts facts);
  ~SessionSource();

  // False at the end.
  [[nodiscard]] bool next(SessionBatch& batch);
  // Before `tapes` tells its own end: what there was to be read beside the sessions.
  void tell_end();

 private:
  class Reader;
  class FromRows;
  class FromStories;
  std::unique_ptr<Reader> reader_;
};

}  // namespace smtptape
