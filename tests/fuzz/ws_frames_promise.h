// What WsFrameReader promises for any bytes: the same messages however they are cut, and memory
// that follows what arrived.  Shared by the fuzz target and the unit tests.
//
// The first byte of an input chooses role and limit, the second how it is cut; the rest is the
// stream.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/net/ws_frames.h"

namespace smtptape {

struct SeenMessage {
  Opcode opcode = Opcode::Text;
  bool oversize = false;
  std::string payload;
  std::uint64_t size = 0;
  bool operator==(const SeenMessage&) const = default;
};

struct SeenStream {
  std::vector<SeenMessage> messages;
  std::string error;
  bool mid_message = false;
  bool operator==(const SeenStream&) const = default;
};

// Feeds pieces of `cut(n)` bytes, n counted from 0; each in memory of its own, so that a view that
// outlives its piece is found by a sanitizer.
template <class Cut>
SeenStream read_ws_stream(WsRole role, std::uint64_t limit, std::string_view stream, Cut&& cut) {
  constexpr std::size_t kSlack = 64;
  WsFrameReader reader(role, limit);
  SeenStream seen;
  std::size_t arrived = 0;
  for (std::size_t n = 0; arrived < stream.size(); ++n) {
    const std::string piece(stream.substr(arrived, std::max<std::size_t>(1, cut(n))));
    arrived += piece.size();
    reader.feed(piece);
    while (const std::optional<WsMessage> message = reader.next()) {
      SMTPTAPE_CHECK(message->oversize || message->size == message->payload.size());
      SMTPTAPE_CHECK(!message->oversize || (message->payload.empty() && message->size > limit));
      seen.messages.push_back(
          {message->opcode, message->oversize, std::string(message->payload), message->size});
    }
    SMTPTAPE_CHECK(reader.bytes_held() <= 2 * std::min<std::uint64_t>(arrived, limit) + kSlack);
  }
  seen.error = reader.protocol_error();
  seen.mid_message = seen.error.empty() && reader.mid_message();
  return seen;
}

inline void check_ws_frames_promise(std::string_view input) {
  if (input.size() < 2) return;
  const auto choice = static_cast<std::uint8_t>(input[0]);
  const auto seed = static_cast<std::uint8_t>(input[1]);
  const WsRole role = (choice & 1) != 0 ? WsRole::Server : WsRole::Client;
  const std::uint64_t limit = (choice & 2) != 0 ? 300 : std::uint64_t{1} << 20;
  input.remove_prefix(2);

  const auto all_at_once = [&](std::size_t) { return input.size(); };
  const auto byte_by_byte = [](std::size_t) { return std::size_t{1}; };
  const auto uneven = [seed](std::size_t n) { return (seed * 7 + n * 13) % 29 + 1; };
  const SeenStream whole = read_ws_stream(role, limit, input, all_at_once);
  SMTPTAPE_CHECK(read_ws_stream(role, limit, input, byte_by_byte) == whole);
  SMTPTAPE_CHECK(read_ws_stream(role, limit, input, uneven) == whole);
}

}  // namespace smtptape
