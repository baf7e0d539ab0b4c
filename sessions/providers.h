// Who runs a mail exchanger, by the name of the host.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace smtptape {

class Providers {
 public:
  // Those that are known to us.
  Providers();

  // Lines "SUFFIX NAME"; what is empty, or begins with '#', is passed over.  Names that are known
  // are replaced.  Throws Error that names the line.
  void extend(std::string_view text, std::string_view file);

  // Of the longest suffix; else the last two labels of the name; of an address, itself.
  [[nodiscard]] std::string of(std::string_view mx_host) const;

 private:
  std::map<std::string, std::string, std::less<>> by_suffix_;
};

}  // namespace smtptape
