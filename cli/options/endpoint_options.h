// How to get in at an endpoint, as options.
#pragma once

#include "capture/feed/access.h"
#include "capture/feed/feed.h"
#include "cli/options/options.h"

namespace smtptape {

struct EndpointOptions {
  AccessSettings settings;

  void describe(Options& options);
  // For one connection: what the files hold now.  Throws UsageError, and tells the warnings on
  // stderr.
  [[nodiscard]] GetAccess access(const Endpoint& endpoint) const;
};

}  // namespace smtptape
