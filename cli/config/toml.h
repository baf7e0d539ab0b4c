// toml++, made safe for files that people write.
//
// It holds some malformed table headers ("[,]", "[[[") for impossible: with NDEBUG that is
// undefined behaviour, without it the end of the process.  Here such a belief that fails is an
// exception. Whoever reads TOML includes this header, so that all see the same library.
#pragma once

#include <stdexcept>

namespace smtptape {

struct MalformedToml : std::runtime_error {
  MalformedToml() : std::runtime_error("malformed") {}
};
[[noreturn]] inline void refuse_malformed_toml() {
  throw MalformedToml();
}

}  // namespace smtptape

#ifdef NDEBUG
#define SMTPTAPE_NDEBUG
#undef NDEBUG
#endif
#define TOML_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::smtptape::refuse_malformed_toml())

#include <toml++/toml.h>

#ifdef SMTPTAPE_NDEBUG
#undef SMTPTAPE_NDEBUG
#define NDEBUG
#endif
