// The twelve filters, the only place that knows them: flag, request field, metadata key, kind.
// Command-line options, the request, the matcher, the session rows of a tape and the documentation
// are made from this table.  Adding a property is one row and a golden.
//
// The rows stand in the order in which kcli writes the request's fields (protocol 2.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace smtptape {

enum class PropertyKind : std::uint8_t {
  Text,      // a string, equal byte for byte
  TextList,  // a list of strings (one string on old servers): any element
  Address,   // an address with or without port, inside a set of networks
};

struct Property {
  std::string_view flag;           // "--campaign"
  std::string_view request_field;  // in the request JSON
  std::string_view meta_key;       // in conn_meta, as KumoMTA documents it
  std::string_view live_meta_key;  // what the server really looks at; differs for --ready-queue
  PropertyKind kind;
  std::string_view help;      // one sentence, for --help and the manual
  bool is_host_name = false;  // spelled in several ways: base/idna.h

  // The server looks for another key, or only at strings where the values have become lists.
  [[nodiscard]] bool is_ignored_by_server() const {
    return live_meta_key != meta_key || kind == PropertyKind::TextList;
  }
};

inline constexpr std::size_t kPropertyCount = 12;
extern const std::array<Property, kPropertyCount> kProperties;

}  // namespace smtptape
