// A file system of its own, small enough to be filled.  Mounting it takes root.
#pragma once

#include <sys/mount.h>

#include <filesystem>
#include <string>

#include "tests/support/temporary_directory.h"

namespace smtptape {

class SmallFileSystem {
 public:
  // `size`: as mount takes it, "256k".
  explicit SmallFileSystem(const std::string& size) {
    const std::string data = "size=" + size + ",mode=0700";
    mounted_ = ::mount("none", directory_.path().c_str(), "tmpfs", 0, data.c_str()) == 0;
  }
  ~SmallFileSystem() {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  SmallFileSystem(const SmallFileSystem&) = delete;
  SmallFileSystem& operator=(const SmallFileSystem&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] std::filesystem::path path() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
  bool mounted_ = false;
};

}  // namespace smtptape
