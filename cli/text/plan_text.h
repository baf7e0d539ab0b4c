// What was read for an answer and what was passed over, for --explain.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/plan/question.h"

namespace smtptape {

// A line each; `what`: "reading".
[[nodiscard]] std::vector<std::string> text_of(const ReadingPlan& plan, std::string_view what);

}  // namespace smtptape
