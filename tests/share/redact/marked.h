// A text with what has to go of it written over by a letter for its class: easy to compare.
#pragma once

#include <string>
#include <string_view>

#include "share/redact/spans.h"

namespace smtptape {

// C credential, M message, L local part, D domain, H host, A address, N name (label), I id,
// R named by rules.
[[nodiscard]] inline std::string marked(std::string_view text, const Spans& spans) {
  constexpr std::string_view kLetters = "CMLDHANIR";
  std::string out(text);
  std::size_t before = 0;
  for (const Span& span : spans) {
    if (span.from < before || span.to > text.size() || span.from >= span.to) return "bad spans";
    out.replace(span.from,
                span.to - span.from,
                span.to - span.from,
                kLetters[static_cast<std::size_t>(span.kind)]);
    before = span.to;
  }
  return out;
}

}  // namespace smtptape
