// Places where a test build can be told to die, and what it tells about itself until then.
//
// In every other build they are nothing.  Compile with SMTPTAPE_FAILPOINTS defined, and link
// tests/support/failpoints.cc, which says how they are set.
#pragma once

#ifdef SMTPTAPE_FAILPOINTS

#include <cstdint>
#include <string_view>

namespace smtptape {

// The program is at the place of this name.
void reach_failpoint(std::string_view name);
// It has taken so many frames from the queue.
void publish_taken(std::uint64_t frames);

}  // namespace smtptape

#define SMTPTAPE_FAILPOINT(name)       ::smtptape::reach_failpoint(name)
#define SMTPTAPE_PUBLISH_TAKEN(frames) ::smtptape::publish_taken(frames)

#else

#define SMTPTAPE_FAILPOINT(name)       static_cast<void>(0)
#define SMTPTAPE_PUBLISH_TAKEN(frames) static_cast<void>(0)

#endif
