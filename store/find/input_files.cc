#include "store/find/input_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/zip_file.h"
#include "store/find/zipped_tape.h"
#include "store/read/inputs.h"

namespace smtptape {

namespace {

struct Spooled {
  FileId id;
  UniqueFd file;
};

std::mutex mutex;
std::list<Spooled> spooled;  // by mutex; for as long as the program runs

const Spooled* find_spooled(const std::filesystem::path& path) {
  const std::optional<FileId> id = file_id(path);
  const auto found = std::find_if(
      spooled.begin(), spooled.end(), [&](const Spooled& one) { return one.id == id; });
  return found == spooled.end() ? nullptr : &*found;
}

void spool(const std::string& name) {
  const std::lock_guard lock(mutex);
  if (find_spooled(name) != nullptr) return;
  FdSource from(open_for_reading(name), name);
  Spooled to{file_id(from.fd()).value_or(FileId{}), spool_to_unlinked_file(from)};
  spooled.push_back(std::move(to));
}

// Its tape stands for an archive.
void unpack_if_zip(const std::string& name) {
  const std::lock_guard lock(mutex);
  if (find_spooled(name) != nullptr) return;
  UniqueFd file;
  try {
    file = open_for_reading(name);
  } catch (const Error&) {
    return;  // who opens it says so
  }
  if (!is_zip(file.get())) return;
  spooled.push_back({file_id(file.get()).value_or(FileId{}), tape_in_zip(file.get(), name)});
}

// The same of standard input, which is then the tape.
void unpack_standard_input_if_zip() {
  struct stat found {};
  const bool is_file = ::fstat(STDIN_FILENO, &found) == 0 && S_ISREG(found.st_mode);
  if (!is_file || ::lseek(STDIN_FILENO, 0, SEEK_CUR) != 0 || !is_zip(STDIN_FILENO)) return;
  const UniqueFd tape = tape_in_zip(STDIN_FILENO, "standard input");
  ::dup2(tape.get(), STDIN_FILENO);
  ::lseek(STDIN_FILENO, 0, SEEK_SET);
}

void prepare(const std::string& name) {
  struct stat found {};
  if (::stat(name.c_str(), &found) != 0) return;  // who opens it says so
  if (S_ISCHR(found.st_mode) || S_ISBLK(found.st_mode)) {
    throw UsageError(name + ": is a device and no file; copy what it holds into a file first");
  }
  if (S_ISSOCK(found.st_mode)) {
    throw UsageError(name + ": is a socket and no file; if it is standard input, give -");
  }
  refuse_standard_output_as_input(name);
  if (S_ISFIFO(found.st_mode)) spool(name);
  if (S_ISREG(found.st_mode)) unpack_if_zip(name);
}

// A file by another way: with a place of its own, which begins where standard input is.
UniqueFd open_standard_input() {
  const off_t place = ::lseek(STDIN_FILENO, 0, SEEK_CUR);
  if (place >= 0) {
    UniqueFd again(::open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC));
    if (again && ::lseek(again.get(), place, SEEK_SET) == place) return again;
  }
  return UniqueFd(::dup(STDIN_FILENO));
}

}  // namespace

bool is_pipe(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_fifo(path, error);
}

void refuse_standard_output_as_input(const std::filesystem::path& path) {
  const std::optional<FileId> output = file_id(STDOUT_FILENO);
  if (!output || file_id(path) != output) return;
  throw UsageError(path.string() +
                   ": standard output goes into this file, which is read; let it go elsewhere");
}

void prepare_inputs(const std::vector<std::string>& names) {
  const bool standard_input = std::find(names.begin(), names.end(), kStandardInput) != names.end();
  for (const std::string& name : names) {
    if (name == kStandardInput) {
      unpack_standard_input_if_zip();
      continue;
    }
    if (standard_input && is_pipe(name) &&
        file_id(std::filesystem::path(name)) == file_id(STDIN_FILENO)) {
      throw UsageError(name + " and -: standard input can be read only once");
    }
    prepare(name);
  }
}

bool is_unpacked_zip(const std::filesystem::path& path) {
  if (is_pipe(path)) return false;
  const std::lock_guard lock(mutex);
  return !spooled.empty() && find_spooled(path) != nullptr;
}

std::filesystem::path name_of_copy(const std::filesystem::path& path) {
  if (!is_unpacked_zip(path)) return path.filename();
  std::filesystem::path name = path.filename();
  for (const char* const extension : {".zip", ".trace"})
    if (name.extension() == extension) name = name.stem();
  if (name.extension() != ".tape") name += ".tape";
  return name;
}

bool is_standard_input_read_once() {
  struct stat found {};
  return ::fstat(STDIN_FILENO, &found) != 0 || !S_ISREG(found.st_mode);
}

UniqueFd open_input(const std::filesystem::path& path, Links links) {
  if (path == kStandardInput) return open_standard_input();
  {
    const std::lock_guard lock(mutex);
    if (!spooled.empty()) {
      // By another way to the same file: each opening has a place of its own.
      if (const Spooled* const found = find_spooled(path)) {
        return open_for_reading("/proc/self/fd/" + std::to_string(found->file.get()));
      }
    }
  }
  return open_for_reading(path, links);
}

}  // namespace smtptape
