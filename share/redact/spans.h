// What is taken out of a trace before it leaves the house, by class, and where it stands in a text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace smtptape {

// The classes, as --keep and the report name them.
enum class Kind : std::uint8_t {
  Credential,  // arguments of AUTH, and what they decode to; always goes
  Message,     // bodies, values of headers, lines that belong to no known place; always goes
  LocalPart,   // of an address
  Domain,      // of senders and recipients, but for those of an MX host
  Host,        // what we call ourselves
  Address,     // ours, and others that are no MX's
  Label,       // tenants, campaigns, pools, sources
  Id,          // of sessions, messages and queues, and other tokens
  Named,       // what --rules names; always goes
};
inline constexpr std::size_t kKinds = 9;
inline constexpr std::array<std::string_view, kKinds> kKindNames{"credentials",
                                                                 "messages",
                                                                 "local-parts",
                                                                 "domains",
                                                                 "hosts",
                                                                 "addresses",
                                                                 "labels",
                                                                 "ids",
                                                                 "named"};
[[nodiscard]] constexpr std::string_view name_of(Kind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}
// Nothing is to be seen of it but its length.
[[nodiscard]] constexpr bool becomes_asterisks(Kind kind) {
  return kind == Kind::Credential || kind == Kind::Message;
}
// Nothing can make an exception of it.
[[nodiscard]] constexpr bool always_goes(Kind kind) {
  return becomes_asterisks(kind) || kind == Kind::Named;
}

struct Span {
  std::size_t from = 0;
  std::size_t to = 0;  // behind the last byte
  Kind kind = Kind::Message;
};
// Ascending, and none overlaps another: what stands between them is kept.
using Spans = std::vector<Span>;

// Adds what of `more` is in none of them yet.
void add_uncovered(Span more, Spans& spans);

}  // namespace smtptape
