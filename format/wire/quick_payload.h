// The payload of a frame in exactly the form in which KumoMTA writes it, read without a JSON
// parser.
#pragma once

#include <string_view>

#include "format/event.h"

namespace smtptape {

// Checks every byte while unescaping it; texts lie in the frame or in the arena.  False: it is not
// in that form, and `event` may hold half of it; the careful way then decides.
[[nodiscard]] bool quick_payload(std::string_view json, Arena& arena, Event& event);

}  // namespace smtptape
