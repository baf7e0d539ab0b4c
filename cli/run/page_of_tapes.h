// The chosen sessions as a page: what export, bundle and open write.
#pragma once

#include "base/io.h"
#include "cli/run/selected_tapes.h"
#include "share/page/page.h"

namespace smtptape {

// Of no sessions nothing is written.  What there is to tell beside the page the tapes still tell.
[[nodiscard]] PageTotals write_page(SelectedTapes& tapes, PageHeader header, ByteSink& out);

}  // namespace smtptape
