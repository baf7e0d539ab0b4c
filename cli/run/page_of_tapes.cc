#include "cli/run/page_of_tapes.h"

#include <string>
#include <utility>

#include "cli/version.h"

namespace smtptape {

PageTotals write_page(SelectedTapes& tapes, PageHeader header, ByteSink& out) {
  header.writer = std::string("smtptape ") + kVersion;
  PageWriter page(out, std::move(header));
  if (tapes.tells_recorders_apart()) page.tell_recorders_apart();
  EventBatch batch;
  while (tapes.events().next(batch))
    page.add(batch);
  const SelectedTapes::Told& told = tapes.told();
  return page.finish({told.gaps, told.gap_count, told.trouble.damage, told.trouble.notices});
}

}  // namespace smtptape
