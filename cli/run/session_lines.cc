#include "cli/run/session_lines.h"

#include "cli/text/sorted_lines.h"

namespace smtptape {

std::uint64_t write_session_lines(SelectedTapes& tapes,
                                  SessionSource::Facts facts,
                                  const SessionLine& line_of,
                                  ByteSink& out) {
  SessionSource source(tapes, facts);
  SortedLines lines(std::nullopt, SortedLines::Keep::Last);
  SessionBatch batch;
  while (source.next(batch)) {
    for (std::size_t i = 0; i < batch.sessions.size(); ++i) {
      const SessionSummary& session = batch.sessions[i];
      const Story* const story = batch.stories.empty() ? nullptr : &batch.stories[i];
      lines.add({session.first_received, session.first_received, line_of(session, story)});
    }
    lines.write_until(batch.until, out);
  }
  source.tell_end();
  lines.write_all_to(out);
  return lines.written();
}

}  // namespace smtptape
