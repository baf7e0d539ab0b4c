// What a subscriber asks for: the values of each filter, and terse.  One form for the options of a
// command line, for the JSON that kcli sends, and for the matcher.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filters/cidr.h"
#include "filters/property.h"

namespace smtptape {

// Whose word counts where KumoMTA's manual and its server differ.
enum class Honour : std::uint8_t {
  Documented,
  AsLive,  // what kcli and kumod really do
};

// What is allowed for one property.
struct AllowedValues {
  std::vector<std::string> texts;   // Text, TextList; none: no filter
  std::optional<CidrSet> networks;  // Address; nullopt: no filter; an empty set allows nothing

  [[nodiscard]] bool is_set() const { return !texts.empty() || networks.has_value(); }
  bool operator==(const AllowedValues&) const = default;
};

struct TraceRequest {
  std::array<AllowedValues, kPropertyCount> allowed;  // one for each of kProperties
  bool terse = false;
  bool operator==(const TraceRequest&) const = default;
};

// What is denied for each of kProperties: nothing that a subscriber could ask of a server.
using DeniedValues = std::array<AllowedValues, kPropertyCount>;
[[nodiscard]] bool is_any_set(const DeniedValues& denied);

// The values given to each of the filter options, in the order of kProperties.
using OptionValues = std::array<std::vector<std::string>, kPropertyCount>;

// Throws Error (Exit::Usage) for values that are no networks, all of one option at once, in kcli's
// words; as live with kcli's slip, which calls --mx-addr "--mx-host".
[[nodiscard]] TraceRequest request_from_options(const OptionValues& values, Honour honour);

// Byte for byte what kcli sends.
[[nodiscard]] std::string to_json(const TraceRequest& request);

// Reads a request as kumod does: an object, or an array of the values in order; what is missing is
// not set, unknown fields are ignored, a field given twice is an error.  Throws Error in
// serde_json's words, with line and column.
[[nodiscard]] TraceRequest parse_request(std::string_view json);

}  // namespace smtptape
