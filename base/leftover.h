// What must not stay behind when a signal ends the program: a file that is half written, with
// mail and passwords in it, and a directory that was made for nothing.
//
// SIGINT, SIGTERM, SIGHUP and SIGQUIT remove what is registered, and then end the program as they
// would have.  Where one of them is ignored, or somebody has a handler of his own, that stays so.
#pragma once

#include <atomic>
#include <filesystem>

namespace smtptape {

class Leftover {
 public:
  // A directory is removed if nothing is in it.
  explicit Leftover(const std::filesystem::path& path);
  // From here on it stays.
  ~Leftover();
  Leftover(const Leftover&) = delete;
  Leftover& operator=(const Leftover&) = delete;

 private:
  char* path_;
  std::atomic<char*>* slot_ = nullptr;
};

}  // namespace smtptape
