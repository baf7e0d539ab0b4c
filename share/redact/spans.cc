#include "share/redact/spans.h"

#include <algorithm>

namespace smtptape {

void add_uncovered(Span more, Spans& spans) {
  Spans all;
  for (const Span& span : spans) {
    if (more.from < span.from && more.from < more.to)
      all.push_back({more.from, std::min(more.to, span.from), more.kind});
    if (span.to > more.from) more.from = std::min(std::max(more.from, span.to), more.to);
    all.push_back(span);
  }
  if (more.from < more.to) all.push_back(more);
  spans = std::move(all);
}

}  // namespace smtptape
