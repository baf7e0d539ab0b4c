// A TCP socket that listens: made from "127.0.0.1:8001", "[::1]:0" or "localhost:8001".
#pragma once

#include <cstdint>
#include <string>

#include "base/io.h"
#include "replay/serve.h"

namespace smtptape {

struct Listener {
  UniqueFd socket;   // does not block
  std::string host;  // as it stands in a URL: where this machine reaches it
  std::uint16_t port = 0;
};

// Throws UsageError for what is no address, or reaches further than allowed; Error when it can't
// listen there.
[[nodiscard]] Listener listen_on(const std::string& address, Reach reach);

}  // namespace smtptape
