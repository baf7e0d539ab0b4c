// What of messages and passwords is kept of a dialogue: two choices, as values.
#pragma once

#include <cstdint>

namespace smtptape {

enum class Bodies : std::uint8_t {
  Full,
  Headers,  // up to the first empty line
  None,
};

enum class Secrets : std::uint8_t {
  Keep,
  Mask,  // arguments of AUTH become as many asterisks
};

struct Levels {
  Bodies bodies = Bodies::Full;
  Secrets secrets = Secrets::Keep;

  [[nodiscard]] bool keep_everything() const {
    return bodies == Bodies::Full && secrets == Secrets::Keep;
  }
};

}  // namespace smtptape
