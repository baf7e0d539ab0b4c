// The tape in a ZIP archive: what `smtptape bundle` writes, or somebody packed to attach it.
#pragma once

#include <string>

#include "base/io.h"

namespace smtptape {

// A nameless file with the tape of the archive `fd`; `name` is for messages.  Throws Error when
// there is none, more than one, or more than an archive of this size could have of a tape.
[[nodiscard]] UniqueFd tape_in_zip(int fd, const std::string& name);

}  // namespace smtptape
