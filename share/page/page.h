// Sessions as one HTML file, to be opened by a double-click: it asks the network for nothing, and
// its policy forbids it to.  docs/page.md says what is in it and how the data can be read.
//
//     PageWriter page(out, header);
//     while (source.next(batch))
//       page.add(batch);
//     const PageTotals totals = page.finish(end);
//
// Written as it comes: in memory are the open sessions, one block of data, and the rows of the
// list, within the limits of a page (page_room.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/io.h"
#include "format/event.h"
#include "share/page/page_room.h"

namespace smtptape {

struct PageHeader {
  std::string writer;        // "smtptape 0.1.0"
  std::int64_t written = 0;  // ns since 1970; 0: not told
  std::string tapes;         // that were read, as words of a shell
  std::string chosen;        // what chose of them, as words of a shell
};

// What there is to tell at the end of reading.
struct PageEnd {
  std::vector<std::string> gaps;  // the first few
  std::uint64_t gap_count = 0;
  std::vector<std::string> damage;
  std::vector<std::string> notices;
};

struct PageTotals {
  std::uint64_t sessions = 0;  // in the page
  std::uint64_t events = 0;
  std::uint64_t without_session = 0;  // events that no session has: lag notices, unreadable frames
  std::uint64_t left_out = 0;         // sessions for which there was no room
  std::int64_t left_out_from = 0;     // the first and last reception of theirs
  std::int64_t left_out_until = 0;
  std::uint64_t cut = 0;       // sessions whose transcript is not whole
  std::uint64_t doubtful = 0;  // sessions with gaps or unreadable frames
};

class PageWriter {
 public:
  // `out` outlives it.
  PageWriter(ByteSink& out, PageHeader header, const PageLimits& limits = {});
  ~PageWriter();
  PageWriter(const PageWriter&) = delete;
  PageWriter& operator=(const PageWriter&) = delete;

  // What several recorders have of a session is told of each: to be called before any event.
  void tell_recorders_apart();
  void add(const EventBatch& batch);
  // To be called once, after all the events.  Of no sessions there is no page: nothing was written.
  PageTotals finish(const PageEnd& end);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
