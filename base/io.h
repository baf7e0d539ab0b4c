// Bytes in and bytes out, and the few file operations that everything else is made of.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file_calls.h"
#include "base/leftover.h"

namespace smtptape {

// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  void reset();
  // The caller closes it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// Which file it is, whatever it is called.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};
// Through links; nullopt: nothing is there, or what holds nothing that could be overwritten: a
// directory, a terminal, a socket (which may well be read and written).
[[nodiscard]] std::optional<FileId> file_id(const std::filesystem::path& path);
[[nodiscard]] std::optional<FileId> file_id(int fd);

// Where bytes go.  write() takes all or throws.
class ByteSink {
 public:
  ByteSink() = default;
  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;
  virtual ~ByteSink() = default;
  virtual void write(std::string_view bytes) = 0;
};

// Where bytes come from.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;
  // Up to `size` bytes; fewer only when no more are there yet; 0 at the end.
  [[nodiscard]] virtual std::size_t read(char* to, std::size_t size) = 0;
};

class StringSink : public ByteSink {
 public:
  void write(std::string_view bytes) override { text_.append(bytes); }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string take() { return std::exchange(text_, {}); }

 private:
  std::string text_;
};

// Bytes in memory, which must outlive the source.
class StringSource : public ByteSource {
 public:
  explicit StringSource(std::string_view bytes) : left_(bytes) {}
  [[nodiscard]] std::size_t read(char* to, std::size_t size) override;

 private:
  std::string_view left_;
};

// A descriptor read from front to back; `name` is for messages.  One that does not block is waited
// for.
class FdSource : public ByteSource {
 public:
  FdSource(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}
  [[nodiscard]] std::size_t read(char* to, std::size_t size) override;
  [[nodiscard]] int fd() const { return fd_.get(); }

  // By all of them, since the process began: what a progress line shows.
  [[nodiscard]] static std::uint64_t bytes_read();

 private:
  UniqueFd fd_;
  std::string name_;
};

class FdSink : public ByteSink {
 public:
  FdSink(UniqueFd fd, std::string name, FileCalls& calls = system_file_calls())
      : fd_(std::move(fd)), name_(std::move(name)), calls_(calls) {}
  void write(std::string_view bytes) override;
  // Data and size are on the disk when this returns.
  void sync();
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::string name_;
  FileCalls& calls_;
};

// Opens for reading without following a link in the last component where `links` says so.
enum class Links : std::uint8_t { Follow, Refuse };
[[nodiscard]] UniqueFd open_for_reading(const std::filesystem::path& path,
                                        Links links = Links::Follow);

// Up to `size` bytes from a place of a file; 0: it ends there.  They count among
// FdSource::bytes_read().
[[nodiscard]] std::size_t read_at(
    int fd, char* to, std::size_t size, std::uint64_t offset, const std::string& name);

// For root, who looks after what is somebody else's: the file gets the owner and the group of
// `like`, as far as the file system has such.  Anybody else's files are their own, and a file that
// has a second name elsewhere stays whose it is.
void give_to_owner_of(const std::filesystem::path& like, int fd);

// A new file that must not exist yet; it has this mode whatever the process's umask is.
[[nodiscard]] UniqueFd create_file(const std::filesystem::path& path,
                                   FileCalls& calls = system_file_calls(),
                                   mode_t mode = 0600);

// Writes `bytes` to a descriptor, all of them, going on after interruptions and short writes, and
// waiting for one that does not block.
void write_all(int fd,
               std::string_view bytes,
               const std::string& name,
               FileCalls& calls = system_file_calls());

// Data and size of the file are on the disk when this returns.  0, or errno: then it must not be
// asked again, since the system may have dropped what it held.
[[nodiscard]] int sync_data(int fd, FileCalls& calls = system_file_calls());

// The directory's entries are on the disk when this returns; 0, or errno.
[[nodiscard]] int sync_entries(const std::filesystem::path& directory,
                               FileCalls& calls = system_file_calls());
// The same; throws Error.
void sync_directory(const std::filesystem::path& directory, FileCalls& calls = system_file_calls());

// Descriptors 0 to 2 that the program was started without lead to where nothing can be read or
// written: else the next file that is opened would be one of them, and get our messages.
void occupy_standard_descriptors();

// Waits until a descriptor that does not block can be read (POLLIN) or written (POLLOUT).
void wait_until_ready(int fd, short events);

// Makes a directory of mode 0700 unless it is there already; not its parents.
void make_private_directory(const std::filesystem::path& directory);

// The same for what is about to be written: one that was made, and is empty in the end, goes.
class OutputDirectory {
 public:
  explicit OutputDirectory(std::filesystem::path path);
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

 private:
  std::filesystem::path path_;
  std::optional<Leftover> made_;  // by us
};

// An anonymous file of mode 0600 in the temporary directory, gone when closed.
[[nodiscard]] UniqueFd unlinked_file();
// One with everything that the source still gives.
[[nodiscard]] UniqueFd spool_to_unlinked_file(ByteSource& from);

// A file that appears whole under its name or not at all: written beside it, synced, renamed,
// directory synced.  A device, pipe or socket under the name is written straight.
//
// The file beside it is called NAME.partial-NUMBER; it goes with the object, and at a signal.  Its
// first byte is locked while somebody writes it, so that one that was left behind by a crash can be
// told.
class OutputFile : public ByteSink {
 public:
  enum class Existing : std::uint8_t { Refuse, Replace };
  // Throws when the name is taken and may not be replaced.
  OutputFile(std::filesystem::path path, Existing existing, FileCalls& calls = system_file_calls());
  ~OutputFile() override;  // removes what was not committed

  void write(std::string_view bytes) override;
  // Where the bytes are until then; to read them back before.
  [[nodiscard]] const std::filesystem::path& written_to() const {
    return temporary_.empty() ? path_ : temporary_;
  }
  void commit();
  // Owner and group are to be those of this file, and whether the group may read it, as far as
  // allowed.
  void take_rights_of(const std::filesystem::path& file);

 private:
  void give_name();

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty: written straight
  std::optional<Leftover> unfinished_;
  Existing existing_;
  FileCalls& calls_;
  std::optional<FdSink> sink_;
};

// Locks one byte for writing until the descriptor (and its copies) are closed, against every other
// opening of the file, also in this process.  False when somebody else has it.
[[nodiscard]] bool try_lock_byte(int fd, std::uint64_t byte, const std::string& name);

// Whether another opening of the file holds a lock on the byte; false where nobody can tell.
[[nodiscard]] bool is_byte_locked(int fd, std::uint64_t byte);

// Locks one byte together with others that share it, until the descriptor (and its copies) are
// closed.  Asks for no right but to read; where it can't be had, nothing happens.
void share_byte(int fd, std::uint64_t byte);

// Whether another opening of the file holds or shares a lock on the byte; false where nobody can
// tell.
[[nodiscard]] bool is_byte_shared(int fd, std::uint64_t byte);

// Random bytes from the system.
void fill_random(char* to, std::size_t size);

}  // namespace smtptape
