// The texts of a session's metadata by what they are, and metadata with other texts in their place.
//
// Keys and values that are not known are left out: nobody can tell what is in them.  Names of
// KumoMTA's metadata: docs/format.md, and the server's documentation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "format/meta.h"
#include "share/redact/free_text.h"
#include "share/redact/keyed_hash.h"
#include "share/redact/spans.h"

namespace smtptape {

// Who is asked about each text.
class MetaVisitor {
 public:
  MetaVisitor() = default;
  MetaVisitor(const MetaVisitor&) = delete;
  MetaVisitor& operator=(const MetaVisitor&) = delete;
  virtual ~MetaVisitor() = default;
  // May overwrite the spans of `text`, but not change its length.
  virtual void take(std::string& text, const Spans& spans) = 0;
  // The name or the address of an MX host, which is public.
  virtual void take_public(std::string_view text) = 0;
  // A member, or its value, that nobody knows: it is left out.
  virtual void leave_out(std::string_view key, std::string_view json) = 0;
};

// The value of a member as the visitor leaves it; nullopt: the member is left out.
[[nodiscard]] std::optional<std::string> visit(const Meta::Entry& member, MetaVisitor& visitor);

// For Recent: what was found out about a member.
[[nodiscard]] inline std::uint64_t hash_of(const Meta::Entry& member) {
  return keyed_hash(member.json) + keyed_hash(member.key) * 0x9e3779b97f4a7c15U;
}

// Adds the member's values that are shorter than what is looked for everywhere, in lower case.
void add_short_values(const Meta::Entry& member, ShortValues& values);

}  // namespace smtptape
