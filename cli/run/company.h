// Sessions to be set beside those that were chosen, for who compares: of the same queue just before
// and after, and such as went well.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/options/selection_options.h"
#include "store/plan/selection.h"

namespace smtptape {

struct CompanyWishes {
  std::size_t neighbours = 0;  // before and after each, of the same ready queue
  std::size_t good = 0;  // in all, of the same queues if these have them, else of others: every
                         // recipient was delivered to
  [[nodiscard]] bool any() const { return neighbours > 0 || good > 0; }
};

struct Company {
  std::vector<std::string> chosen;  // ids, by their beginning
  std::vector<std::string> beside;  // others
};

// Reads the tapes of `options` twice, or three times.  What was not found (fewer good ones than
// were wished) is told on stderr.
[[nodiscard]] Company find_company(const SelectionOptions& options,
                                   const Selection& selection,
                                   const CompanyWishes& wishes);

}  // namespace smtptape
