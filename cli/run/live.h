// The live feed on standard output, as kcli shows it: the client half of kcli.
#pragma once

#include <cstdint>
#include <functional>

#include "base/error.h"
#include "base/io.h"
#include "capture/feed/feed.h"
#include "filters/request.h"
#include "format/limits.h"
#include "replay/renderer.h"

namespace smtptape {

inline constexpr std::uint64_t kDefaultLiveBuffer = 256 * kMiB;

struct LiveOptions {
  FeedOptions feed;      // its request and limit are made from what follows
  TraceRequest request;  // sent as kcli does
  Honour honour = Honour::Documented;
  RenderOptions render;
  std::uint64_t buffer = kDefaultLiveBuffer;  // bytes that wait for whoever reads what is shown
  // Called once, at the first event about which the manual and the server differ.
  std::function<void()> tell_difference;
};

// Follows the feed until it ends, or nothing more is to be shown, and tells on stderr why.  What
// arrived together is written together, at once.  The feed is read whether `out` takes anything or
// not; what the buffer has no room for is left out, counted and told.  Throws Error when there is
// no connection, and what `out` throws.
[[nodiscard]] Exit show_live(LiveOptions options, ByteSink& out);

}  // namespace smtptape
