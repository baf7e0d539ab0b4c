// One client of a server, from its first byte to its last, on a thread of its own: so reading a
// file that is slow holds up nobody else.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/io.h"
#include "replay/serve.h"

namespace smtptape {

struct PlaybackHooks {
  SourceFactory open_source;
  std::function<void()> on_begin;                     // the client has asked, and will be played to
  std::function<void(std::string_view line)> report;  // what is odd about the client or its events
};

struct Played {
  enum class End : std::uint8_t {
    NoRequest,  // no handshake, or nothing that could be understood as a request
    Complete,
    ClientLeft,
    Stalled,  // the client was there, but took nothing
    Stopped,
    SourceFailed,
    Disconnected,  // on purpose
  };
  End end = End::NoRequest;
  std::uint64_t sent = 0;      // events
  std::uint64_t left_out = 0;  // binary frames: kumod sends none, and kcli ends at one
  std::uint64_t dropped = 0;   // on purpose, without a word …
  std::uint64_t lagged = 0;    // lag notices, of those on purpose and of others
  std::uint64_t missed = 0;    // events that it was too slow for
};

// Blocks until the client is done with, or until `stop`.
[[nodiscard]] Played play_to(UniqueFd client,
                             const ServeOptions& options,
                             const PlaybackHooks& hooks,
                             std::stop_token stop);

}  // namespace smtptape
