// Runs a feed through decoder and renderer, as a command would.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "replay/renderer.h"

namespace smtptape {

// Who shortens bodies with --terse: kcli alone, or a server of today before it.
enum class Server : std::uint8_t { SendsAll, Abbreviates };

struct Transcript {
  std::string text;  // stdout
  Exit exit = Exit::Done;
  std::string message;  // stderr
  bool ended = false;   // before the feed's end
  std::uint64_t unreadable = 0;
  std::uint64_t stepped_back = 0;
  std::uint64_t forgotten = 0;
};

// The parts of `text` that end in a newline, without it; a last part may lack it.
std::vector<std::string_view> split_lines(std::string_view text);

// `feed` holds a frame a line.
Transcript render_feed(std::string_view feed,
                       const RenderOptions& options,
                       Server server = Server::SendsAll);

}  // namespace smtptape
