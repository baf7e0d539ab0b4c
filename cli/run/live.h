// The live feed on standard output, as kcli shows it: the client half of kcli.
#pragma once

#include <functional>

#include "base/error.h"
#include "base/io.h"
#include "capture/feed/feed.h"
#include "filters/request.h"
#include "replay/renderer.h"

namespace smtptape {

struct LiveOptions {
  FeedOptions feed;      // its request and limit are made from what follows
  TraceRequest request;  // sent as kcli does
  Honour honour = Honour::Documented;
  RenderOptions render;
  // Called once, at the first event about which the manual and the server differ.
  std::function<void()> tell_difference;
};

// Follows the feed until it ends, or nothing more is to be shown, and tells on stderr why.  What
// arrived together is written together, at once.  Throws Error when there is no connection, and
// what `out` throws.
[[nodiscard]] Exit show_live(LiveOptions options, ByteSink& out);

}  // namespace smtptape
