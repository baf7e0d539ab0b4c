#include "base/io.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace smtptape {

void UniqueFd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::size_t StringSource::read(char* to, std::size_t size) {
  const std::size_t count = std::min(size, left_.size());
  std::memcpy(to, left_.data(), count);
  left_.remove_prefix(count);
  return count;
}

namespace {

std::atomic<std::uint64_t> read_so_far = 0;

std::size_t count_read(std::size_t bytes) {
  read_so_far.fetch_add(bytes, std::memory_order_relaxed);
  return bytes;
}

std::optional<FileId> id_of(const struct stat& found) {
  const mode_t mode = found.st_mode;
  if (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISBLK(mode)) return std::nullopt;
  return FileId{found.st_dev, found.st_ino};
}

}  // namespace

std::optional<FileId> file_id(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return id_of(found);
}

std::optional<FileId> file_id(int fd) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return std::nullopt;
  return id_of(found);
}

void occupy_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The other way round, so that using it is an error as it would have been.  The lowest that is
    // free is the one that is missing.
    const int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", flags) != fd && ::open("/", O_PATH) != fd) {
      check_failed("a standard descriptor can be occupied", __FILE__, __LINE__);
    }
  }
}

void wait_until_ready(int fd, short events) {
  pollfd wanted{fd, events, 0};
  // What is wrong with it, the next call will say.
  while (::poll(&wanted, 1, -1) < 0 && errno == EINTR) {
  }
}

std::size_t FdSource::read(char* to, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(fd_.get(), to, size);
    if (got >= 0) return count_read(static_cast<std::size_t>(got));
    if (errno == EAGAIN) {
      wait_until_ready(fd_.get(), POLLIN);
    } else if (errno != EINTR) {
      throw system_error("reading " + name_, errno);
    }
  }
}

std::size_t read_at(
    int fd, char* to, std::size_t size, std::uint64_t offset, const std::string& name) {
  for (;;) {
    const ssize_t got = ::pread(fd, to, size, static_cast<off_t>(offset));
    if (got >= 0) {
      read_so_far.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
      return static_cast<std::size_t>(got);
    }
    if (errno != EINTR) throw system_error("reading " + name, errno);
  }
}

std::uint64_t FdSource::bytes_read() {
  return read_so_far.load(std::memory_order_relaxed);
}

void FdSink::write(std::string_view bytes) {
  write_all(fd_.get(), bytes, name_, calls_);
}

void FdSink::sync() {
  const int error = sync_data(fd_.get(), calls_);
  if (error != 0) throw system_error("syncing " + name_, error);
}

UniqueFd open_for_reading(const std::filesystem::path& path, Links links) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (links == Links::Refuse ? O_NOFOLLOW : 0);
  const int fd = ::open(path.c_str(), flags);
  if (fd < 0) throw system_error("opening " + path.string(), errno);
  return UniqueFd(fd);
}

void give_to_owner_of(const std::filesystem::path& like, int fd) {
  struct stat found {};
  struct stat file {};
  if (::geteuid() != 0 || ::stat(like.empty() ? "." : like.c_str(), &found) != 0) return;
  // A second name may be another's way to a file that was never meant.
  if (::fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || file.st_nlink != 1) return;
  [[maybe_unused]] const int result = ::fchown(fd, found.st_uid, found.st_gid);
}

UniqueFd create_file(const std::filesystem::path& path, FileCalls& calls, mode_t mode) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  int fd = -1;
  do
    fd = calls.open(path.c_str(), kFlags, mode);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) throw system_error("creating " + path.string(), errno);
  // Whatever the umask took.  Where it can't be, the file stays more private than asked for.
  [[maybe_unused]] const int result = ::fchmod(fd, mode);
  return UniqueFd(fd);
}

void write_all(int fd, std::string_view bytes, const std::string& name, FileCalls& calls) {
  while (!bytes.empty()) {
    const ssize_t written = calls.write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) throw system_error("writing " + name, errno);
      wait_until_ready(fd, POLLOUT);
      continue;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

int sync_data(int fd, FileCalls& calls) {
  while (calls.fdatasync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

namespace {

std::string name_of_directory(const std::filesystem::path& path) {
  return path.empty() ? "." : path.string();
}

}  // namespace

int sync_entries(const std::filesystem::path& directory, FileCalls& calls) {
  const std::string name = name_of_directory(directory);
  const UniqueFd fd(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int result = fd ? 0 : -1;
  if (fd) {
    do
      result = calls.fsync(fd.get());
    while (result != 0 && errno == EINTR);
  }
  return result == 0 ? 0 : errno;
}

void sync_directory(const std::filesystem::path& directory, FileCalls& calls) {
  const int error = sync_entries(directory, calls);
  if (error != 0)
    throw system_error("syncing the directory " + name_of_directory(directory), error);
}

UniqueFd unlinked_file() {
  const char* const set = std::getenv("TMPDIR");
  const std::string directory = set != nullptr && *set != '\0' ? set : "/tmp";
  const int nameless = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (nameless >= 0) return UniqueFd(nameless);
  // Not every file system knows such files.
  std::string name = directory + "/smtptape-XXXXXX";
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) throw system_error("creating a temporary file in " + directory, errno);
  ::unlink(name.c_str());
  return UniqueFd(fd);
}

UniqueFd spool_to_unlinked_file(ByteSource& from) {
  UniqueFd spool = unlinked_file();
  std::string buffer(1 << 20, '\0');
  while (const std::size_t got = from.read(buffer.data(), buffer.size())) {
    write_all(spool.get(), {buffer.data(), got}, "a temporary file (in TMPDIR, or /tmp)");
  }
  return spool;
}

namespace {

// True: it was not there before.
bool make_directory(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0700) == 0) {
    sync_directory((directory / "..").lexically_normal());
    return true;
  }
  if (errno != EEXIST) throw system_error("creating " + directory.string(), errno);
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    throw Error(directory.string() + ": is not a directory");
  }
  return false;
}

}  // namespace

void make_private_directory(const std::filesystem::path& directory) {
  static_cast<void>(make_directory(directory));
}

OutputDirectory::OutputDirectory(std::filesystem::path path) : path_(std::move(path)) {
  struct stat found {};
  if (::lstat(path_.c_str(), &found) != 0) made_.emplace(path_);
  if (!make_directory(path_)) made_.reset();
}

OutputDirectory::~OutputDirectory() {
  if (made_) ::rmdir(path_.c_str());  // fails where something is in it
}

namespace {

struct flock one_byte(int type, std::uint64_t byte) {
  struct flock lock {};
  lock.l_type = static_cast<short>(type);
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(byte);
  lock.l_len = 1;
  return lock;
}

// Would another opening be in the way of such a lock?
bool is_in_the_way(int fd, int type, std::uint64_t byte) {
  struct flock lock = one_byte(type, byte);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

bool try_lock_byte(int fd, std::uint64_t byte, const std::string& name) {
  struct flock lock = one_byte(F_WRLCK, byte);
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  throw system_error("locking " + name, errno);
}

bool is_byte_locked(int fd, std::uint64_t byte) {
  return is_in_the_way(fd, F_RDLCK, byte);
}

void share_byte(int fd, std::uint64_t byte) {
  struct flock lock = one_byte(F_RDLCK, byte);
  static_cast<void>(::fcntl(fd, F_OFD_SETLK, &lock));
}

bool is_byte_shared(int fd, std::uint64_t byte) {
  return is_in_the_way(fd, F_WRLCK, byte);
}

void fill_random(char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::getrandom(to, size, 0);
    if (got < 0 && errno != EINTR) throw system_error("asking for random bytes", errno);
    if (got > 0) {
      to += got;
      size -= static_cast<std::size_t>(got);
    }
  }
}

OutputFile::OutputFile(std::filesystem::path path, Existing existing, FileCalls& calls)
    : path_(std::move(path)), existing_(existing), calls_(calls) {
  struct stat found {};
  const bool exists = ::stat(path_.c_str(), &found) == 0;
  if (exists && S_ISDIR(found.st_mode))
    throw Error("writing " + path_.string() + ": is a directory");
  if (exists && !S_ISREG(found.st_mode)) {
    const int fd = calls_.open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY, 0);
    if (fd < 0) throw system_error("opening " + path_.string(), errno);
    sink_.emplace(UniqueFd(fd), path_.string(), calls_);
    return;
  }
  if (exists && existing == Existing::Refuse) {
    throw Error("writing " + path_.string() + ": file exists; give another name, or --force");
  }
  std::uint64_t random = 0;
  fill_random(reinterpret_cast<char*>(&random), sizeof(random));
  temporary_ = path_;
  temporary_ += ".partial-" + std::to_string(random % 1'000'000'007);
  unfinished_.emplace(temporary_);
  sink_.emplace(create_file(temporary_, calls_), path_.string(), calls_);
  struct flock lock = one_byte(F_WRLCK, 0);
  static_cast<void>(::fcntl(sink_->fd(), F_OFD_SETLK, &lock));  // not every file system has locks
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) calls_.unlink(temporary_.c_str());
}

void OutputFile::write(std::string_view bytes) {
  sink_->write(bytes);
}

void OutputFile::commit() {
  if (temporary_.empty()) return;
  sink_->sync();
  sink_.reset();  // its lock must not be seen under the new name
  give_name();
  temporary_.clear();
  unfinished_.reset();
  sync_directory(path_.parent_path(), calls_);
}

void OutputFile::take_rights_of(const std::filesystem::path& file) {
  struct stat found {};
  if (temporary_.empty() || ::stat(file.c_str(), &found) != 0) return;
  give_to_owner_of(file, sink_->fd());
  [[maybe_unused]] const int result =
      ::fchmod(sink_->fd(), (found.st_mode & S_IRGRP) | S_IRUSR | S_IWUSR);
}

// link() refuses a name that was taken meanwhile; rename() would not.
void OutputFile::give_name() {
  if (existing_ == Existing::Refuse) {
    if (calls_.link(temporary_.c_str(), path_.c_str()) == 0) {
      calls_.unlink(temporary_.c_str());
      return;
    }
    // vfat and some of FUSE's have no links.
    const bool no_links = errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS;
    struct stat found {};
    if (!no_links) throw system_error("writing " + path_.string(), errno);
    if (::lstat(path_.c_str(), &found) == 0)
      throw system_error("writing " + path_.string(), EEXIST);
  }
  if (calls_.rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw system_error("writing " + path_.string(), errno);
  }
}

}  // namespace smtptape
