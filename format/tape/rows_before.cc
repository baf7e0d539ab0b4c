#include "format/tape/rows_before.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace smtptape {

void Dialogue::begin_group() {
  goes_on = true;
  from_rest = smtp.at_rest();
  smtp.count_anew();
}

void RowsBefore::shorten(std::size_t most) {
  if (dialogues.size() <= most) return;
  std::vector<std::int64_t> times;
  for (const auto& [id, dialogue] : dialogues)
    times.push_back(dialogue.last_received);
  std::size_t excess = times.size() - most;
  const auto last = times.begin() + static_cast<std::ptrdiff_t>(excess - 1);
  std::nth_element(times.begin(), last, times.end());
  erase_if(dialogues, [&excess, until = *last](const auto& each) {
    if (excess == 0 || each.second.last_received > until) return false;
    --excess;
    return true;
  });
}

}  // namespace smtptape
