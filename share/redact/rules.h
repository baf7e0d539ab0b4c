// What somebody wants of a redaction beyond what it does by itself.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "sessions/choice/line_patterns.h"
#include "share/redact/spans.h"
#include "share/redact/texts.h"

namespace smtptape {

// Names of headers, in lower case.
struct HeaderRules {
  TextSet values_go;   // also where a value would be kept; they are looked for word by word
  TextSet names_stay;  // as if everybody used them
};
inline const HeaderRules kNoHeaderRules;

struct RedactionRules {
  std::array<bool, kKinds> kept{};  // classes that stay as they are
  std::vector<std::string> words;   // that go, too
  // What matches goes, and is looked for everywhere: of lines behind their codes, of values of
  // headers and metadata, of diagnostics.
  LinePatterns patterns;
  HeaderRules headers;
};

}  // namespace smtptape
