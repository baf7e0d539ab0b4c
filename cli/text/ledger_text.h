// A ledger in one line, for a person.
#pragma once

#include <string>

#include "format/tape/tape_info.h"

namespace smtptape {

// "12 received = 9 stored + 1 not selected + 2 lost (disk: 2); never received: server lag: 7".
// Not sealed: nobody knows what was not selected.
[[nodiscard]] std::string text_of(const Ledger& ledger, bool sealed);

}  // namespace smtptape
