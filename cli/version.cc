#include "cli/version.h"

namespace smtptape {

const char* const kVersion = SMTPTAPE_VERSION;

}  // namespace smtptape
