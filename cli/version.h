// The version of the program, as --version and the headers of tapes say it.
#pragma once

namespace smtptape {

extern const char* const kVersion;

}  // namespace smtptape
