// Text that is written before it may be printed: a little in memory, more in a nameless file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/io.h"

namespace smtptape {

class Spool : public ByteSink {
 public:
  static constexpr std::size_t kMostInMemory = 8 << 20;

  void write(std::string_view bytes) override;
  // All that was written.
  void copy_to(ByteSink& to);

 private:
  void move_to_file();

  std::string text_;  // what is not in the file
  UniqueFd file_;
};

}  // namespace smtptape
