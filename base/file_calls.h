// The system calls that writing files is made of, behind one interface: so a test can make each of
// them fail, and know what a power loss would leave.  The program uses system_file_calls().
//
// Each call means what the system's call of that name means: -1, and errno says why.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace smtptape {

class FileCalls {
 public:
  FileCalls() = default;
  FileCalls(const FileCalls&) = delete;
  FileCalls& operator=(const FileCalls&) = delete;
  virtual ~FileCalls() = default;

  virtual int open(const char* path, int flags, mode_t mode) = 0;
  virtual ssize_t write(int fd, const void* bytes, std::size_t size) = 0;
  virtual int fdatasync(int fd) = 0;
  virtual int fsync(int fd) = 0;
  virtual int link(const char* from, const char* to) = 0;
  virtual int rename(const char* from, const char* to) = 0;
  virtual int unlink(const char* path) = 0;
};

// Without state: any thread.
[[nodiscard]] FileCalls& system_file_calls();

}  // namespace smtptape
