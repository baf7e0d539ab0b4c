#include "base/error.h"

#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace smtptape {

Error system_error(const std::string& doing, int error_number) {
  return Error(doing + ": " + std::generic_category().message(error_number));
}

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "smtptape: broken invariant: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace smtptape
