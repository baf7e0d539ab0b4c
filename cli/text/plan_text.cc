#include "cli/text/plan_text.h"

#include "base/counted.h"
#include "base/time_spec.h"

namespace smtptape {

std::vector<std::string> text_of(const ReadingPlan& plan, std::string_view what) {
  const std::string start = "plan, " + std::string(what) + ": ";
  std::vector<std::string> lines;
  std::string tapes = counted(plan.tapes + plan.tapes_outside, "tape");
  if (plan.tapes_outside > 0) {
    tapes += ", " + std::to_string(plan.tapes_outside) + " of them not opened: outside the times";
  }
  if (plan.tapes_whole > 0) {
    tapes += ", " + std::to_string(plan.tapes_whole) + " read from front to back: not sealed";
  }
  lines.push_back(start + tapes);
  const auto add = [&](const ReadingPlan::Count& count, std::string_view how) {
    if (count.groups == 0) return;
    lines.push_back(start + counted(count.groups, "group") + " of " + show_size(count.bytes) + " " +
                    std::string(how));
  };
  add(plan.read, "read");
  add(plan.columns, "of columns read, their texts not");
  for (std::size_t i = 0; i < kSkipReasons; ++i)
    add(plan.skipped[i], "passed over: " + std::string(name_of(static_cast<Skipped>(i))));
  return lines;
}

}  // namespace smtptape
