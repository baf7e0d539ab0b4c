#include "cli/run/swaks_commands.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/text/sorted_lines.h"
#include "sessions/gathered_sessions.h"
#include "share/swaks/swaks_session.h"

namespace smtptape {

SwaksTotals write_swaks_commands(SelectedTapes& tapes, ByteSink& out) {
  using Sessions = GatheredSessions<SwaksBuilder>;
  Sessions sessions(Sessions::Until::Silent,
                    [](std::string id) { return SwaksBuilder(std::move(id)); });
  if (tapes.tells_recorders_apart()) sessions.tell_recorders_apart();
  SortedLines lines(std::nullopt, SortedLines::Keep::Last);
  SwaksTotals totals;
  const auto take = [&](std::vector<SwaksSession> complete) {
    for (SwaksSession& session : complete) {
      ++totals.sessions;
      totals.commands += session.repeatable ? 1 : 0;
      if (session.lines.empty()) continue;
      ++totals.failed;
      lines.add({session.first_received, session.first_received, std::move(session.lines)});
    }
  };
  EventBatch batch;
  while (tapes.events().next(batch)) {
    take(sessions.add(batch));
    if (const auto oldest = sessions.oldest()) lines.write_until(*oldest, out);
  }
  take(sessions.finish());
  lines.write_all_to(out);
  return totals;
}

}  // namespace smtptape
