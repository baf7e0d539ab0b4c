// A ledger as JSON: alike in `info --json` and in what a running recorder answers.
#pragma once

#include <array>
#include <string>

#include "format/tape/tape_info.h"
#include "format/wire/json.h"

namespace smtptape {

// Those that there are, by the name of their cause.
[[nodiscard]] std::string json_of(const std::array<Loss, kGapCauses>& losses);
[[nodiscard]] std::string json_of(const Ledger& ledger);
// Reads what json_of() wrote; what it does not know is passed over.  False when it is none.
[[nodiscard]] bool read_json(JsonReader& reader, Ledger& ledger);

}  // namespace smtptape
