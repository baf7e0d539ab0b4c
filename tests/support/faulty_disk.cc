#include "tests/support/faulty_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace smtptape {

namespace {

std::string name_of(const char* path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace

std::size_t FaultyDisk::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::size_t FaultyDisk::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

std::vector<DiskOperation> FaultyDisk::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

FaultyDisk::Fate FaultyDisk::next_fate(Call call) {
  const std::size_t number = calls_++;
  const Fate fate = plan_ ? plan_(number, call) : Fate{};
  if (fate.error != 0 || (fate.half_a_write && call == Call::Write)) ++faults_;
  return fate;
}

int FaultyDisk::carry_out(Call call, const std::function<int()>& work, DiskOperation done) {
  const std::lock_guard lock(mutex_);
  const Fate fate = next_fate(call);
  if (fate.error != 0) {
    errno = fate.error;
    return -1;
  }
  const int result = work();
  if (result == 0) operations_.push_back(std::move(done));
  return result;
}

std::optional<std::size_t> FaultyDisk::file_of(int fd) const {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(fd);
  if (found == open_.end()) return std::nullopt;
  return found->second.file;
}

int FaultyDisk::open(const char* path, int flags, mode_t mode) {
  const std::lock_guard lock(mutex_);
  const Fate fate = next_fate(Call::Open);
  if (fate.error != 0) {
    errno = fate.error;
    return -1;
  }
  const int fd = ::open(path, flags, mode);
  if (fd < 0) return fd;
  open_[fd] = {files_, 0};
  operations_.push_back({DiskOperation::Kind::Create, files_++, 0, {}, name_of(path), {}});
  return fd;
}

ssize_t FaultyDisk::write(int fd, const void* bytes, std::size_t size) {
  const std::lock_guard lock(mutex_);
  const Fate fate = next_fate(Call::Write);
  if (fate.error != 0) {
    errno = fate.error;
    return -1;
  }
  const std::size_t taken = fate.half_a_write && size > 1 ? size / 2 : size;
  const ssize_t written = ::write(fd, bytes, taken);
  if (written <= 0) return written;
  OpenFile& file = open_.at(fd);
  const auto count = static_cast<std::size_t>(written);
  operations_.push_back({DiskOperation::Kind::Write,
                         file.file,
                         file.size,
                         {static_cast<const char*>(bytes), count},
                         {},
                         {}});
  file.size += count;
  return written;
}

int FaultyDisk::fdatasync(int fd) {
  DiskOperation done{DiskOperation::Kind::Sync, file_of(fd).value_or(0), 0, {}, {}, {}};
  return carry_out(
      Call::Fdatasync, [] { return 0; }, std::move(done));
}

int FaultyDisk::fsync(int /*fd*/) {
  DiskOperation done{DiskOperation::Kind::SyncDirectory, 0, 0, {}, {}, {}};
  return carry_out(
      Call::Fsync, [] { return 0; }, std::move(done));
}

int FaultyDisk::link(const char* from, const char* to) {
  DiskOperation done{DiskOperation::Kind::Link, 0, 0, {}, name_of(from), name_of(to)};
  return carry_out(
      Call::Link, [&] { return ::link(from, to); }, std::move(done));
}

int FaultyDisk::rename(const char* from, const char* to) {
  DiskOperation done{DiskOperation::Kind::Rename, 0, 0, {}, name_of(from), name_of(to)};
  return carry_out(
      Call::Rename, [&] { return ::rename(from, to); }, std::move(done));
}

int FaultyDisk::unlink(const char* path) {
  DiskOperation done{DiskOperation::Kind::Unlink, 0, 0, {}, name_of(path), {}};
  return carry_out(
      Call::Unlink, [path] { return ::unlink(path); }, std::move(done));
}

FaultyDisk::Plan fail_once(std::size_t number, int error) {
  return fail_between(number, number + 1, error);
}

FaultyDisk::Plan fail_between(std::size_t first, std::size_t end, int error) {
  return [=](std::size_t number, FaultyDisk::Call) {
    return FaultyDisk::Fate{number >= first && number < end ? error : 0, false};
  };
}

}  // namespace smtptape
