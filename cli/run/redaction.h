// What a redaction took out and what it left, in words and for a program.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "share/redact/redact_tape.h"

namespace smtptape {

// Throws Error when something would have leaked: where, and of which class.
void refuse_leaks(const std::vector<Leak>& leaks);

// For a person, several lines.
[[nodiscard]] std::string text_of(const RedactionReport& report, const RedactionRules& rules);
[[nodiscard]] boost::json::object json_of(const RedactionReport& report,
                                          const RedactionRules& rules);

}  // namespace smtptape
