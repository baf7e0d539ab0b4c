// Small helpers around Cap'n Proto, private to format/tape.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <capnp/message.h>
#include <capnp/serialize.h>

#include "tape.capnp.h"

#include "base/error.h"
#include "format/event.h"

namespace smtptape {

// kinds of tape::Record
enum class RecordKind : std::uint16_t {
  Batch = 1,
  Events = 2,
  Payload = 3,
  Metas = 4,
  Gap = 5,
  Clock = 6,
  Note = 7,
  Verbatim = 8,
  Origin = 9,
  PayloadBySession = 10,
};

// Bits of Events.flags.
inline constexpr std::int64_t kVerbatimFlag = 1;
inline constexpr std::int64_t kTrimmedFlag = 2;
inline constexpr std::int64_t kMaskedFlag = 4;

inline capnp::Data::Reader as_data(std::string_view text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}
inline std::string_view as_view(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}
inline std::string as_string(capnp::Data::Reader data) {
  return std::string(as_view(data));
}

inline std::string_view id_view(const Id128& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}
inline Id128 as_id(capnp::Data::Reader data) {
  Id128 id;
  if (data.size() == id.bytes.size()) std::memcpy(id.bytes.data(), data.begin(), data.size());
  return id;
}

inline void append_message(std::string& out, capnp::MessageBuilder& message) {
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  out.append(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}

// A message in memory that starts on a word border; the limit keeps a hostile message from
// being walked for ever.
inline capnp::ReaderOptions reader_options(std::size_t bytes, std::size_t times = 4) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = bytes / sizeof(capnp::word) * times + 4096;
  options.nestingLimit = 16;
  return options;
}

inline kj::ArrayPtr<const capnp::word> as_words(std::string_view bytes) {
  return {reinterpret_cast<const capnp::word*>(bytes.data()), bytes.size() / sizeof(capnp::word)};
}

// The list, which is no longer than `most`: a list of empty structs takes no bytes, however long.
template <class List>
[[nodiscard]] List at_most(std::uint64_t most, List list, const char* what) {
  if (list.size() <= most) return list;
  throw Error(std::to_string(list.size()) + " " + what + " are over the limit of " +
              std::to_string(most));
}

// The list of structs, each of which takes the bytes that it had in version 1 at least: no list
// claims more of them than there are bytes for.
template <class List>
[[nodiscard]] List of_bytes(std::uint64_t bytes, std::uint64_t each, List list, const char* what) {
  return at_most(bytes / each, list, what);
}

// The same over all lists of a message together, many of which may be one and the same.
class ListRoom {
 public:
  explicit ListRoom(std::uint64_t bytes) : left_(bytes) {}
  template <class List>
  [[nodiscard]] List take(std::uint64_t each, List list, const char* what) {
    static_cast<void>(of_bytes(left_, each, list, what));
    left_ -= each * list.size();
    return list;
  }

 private:
  std::uint64_t left_;
};

// Runs `work`, turning Cap'n Proto's exceptions into Error.
template <class Work>
auto reading_message(const char* what, Work&& work) -> std::invoke_result_t<Work> {
  try {
    return std::forward<Work>(work)();
  } catch (const kj::Exception& error) {
    throw Error(std::string(what) + ": " + error.getDescription().cStr());
  }
}

// A message that `build` fills, serialized.
template <class Build>
[[nodiscard]] std::string message_of(Build build) {
  capnp::MallocMessageBuilder message;
  build(message);
  std::string out;
  append_message(out, message);
  return out;
}

// Cap'n Proto counts with 32 bits.
inline unsigned count32(std::size_t size) {
  return static_cast<unsigned>(size);
}

template <class List>
void set_all(List list, const std::vector<std::string>& values) {
  for (unsigned i = 0; i < values.size(); ++i)
    list.set(i, as_data(values[i]));
}

// 64-bit hashes as bytes, little-endian.
[[nodiscard]] inline std::string hashes_to_bytes(const std::vector<std::uint64_t>& hashes) {
  std::string out;
  out.reserve(hashes.size() * 8);
  for (const std::uint64_t hash : hashes) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      out.push_back(static_cast<char>(hash >> shift));
  }
  return out;
}

[[nodiscard]] inline std::vector<std::uint64_t> bytes_to_hashes(std::string_view bytes) {
  std::vector<std::uint64_t> out;
  out.reserve(bytes.size() / 8);
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t hash = 0;
    for (unsigned i = 8; i-- > 0;)
      hash = hash << 8 | static_cast<unsigned char>(bytes[i]);
    out.push_back(hash);
  }
  return out;
}

void write_gap(tape::Gap::Builder to, const Gap& gap, std::uint16_t origin);
[[nodiscard]] Gap read_gap(tape::Gap::Reader from);
void write_origin(tape::Origin::Builder to, const Origin& origin);
[[nodiscard]] Origin read_origin(tape::Origin::Reader from);
struct PropertySummary;
void write_summary(tape::PropertySummary::Builder to, const PropertySummary& summary);
[[nodiscard]] PropertySummary read_summary(tape::PropertySummary::Reader from, ListRoom& room);

}  // namespace smtptape
