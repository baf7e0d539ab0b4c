// Words that everybody's traces have: of SMTP, of what servers say, of KumoMTA.  They tell nothing
// of anybody, so they are not looked for.
#pragma once

#include <string_view>

namespace smtptape {

// All words of the text are such; `folded`: it is in lower case.
[[nodiscard]] bool is_known_text(std::string_view folded);

}  // namespace smtptape
