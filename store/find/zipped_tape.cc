#include "store/find/zipped_tape.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/counted.h"
#include "base/error.h"
#include "base/visible_text.h"
#include "base/zip_file.h"
#include "format/limits.h"

namespace smtptape {

namespace {

// A tape is compressed: much more than its archive is no tape but an attack on the disk.
constexpr std::uint64_t kMostOfLittle = 64 * kMiB;
constexpr std::uint64_t kMostTimes = 100;

std::uint64_t most_bytes(int fd) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return kMostOfLittle;
  return std::max(kMostOfLittle, static_cast<std::uint64_t>(found.st_size) * kMostTimes);
}

// What a Macintosh puts beside each file is none.
bool is_tape(std::string_view member) {
  const std::size_t slash = member.rfind('/');
  const std::string_view file = slash == member.npos ? member : member.substr(slash + 1);
  return file.ends_with(".tape") && !file.starts_with("._");
}

UniqueFd spool(ZipReader& zip, std::uint64_t most, const std::string& name) {
  UniqueFd spooled = unlinked_file();
  std::string piece(1 << 20, '\0');
  std::uint64_t bytes = 0;
  while (const std::size_t got = zip.read(piece.data(), piece.size())) {
    bytes += got;
    if (bytes > most) {
      throw Error(name + ": what it calls a tape is more than " + std::to_string(kMostTimes) +
                  " times as large as the archive: not unpacked any further");
    }
    write_all(spooled.get(), {piece.data(), got}, "a temporary file (in TMPDIR, or /tmp)");
  }
  return spooled;
}

std::string listed(const std::vector<std::string>& members) {
  constexpr std::size_t kMostShown = 5;
  std::string text;
  for (std::size_t i = 0; i < members.size() && i < kMostShown; ++i)
    text += (i == 0 ? "" : ", ") + visible(members[i]);
  if (members.size() > kMostShown) text += ", …";
  return text;
}

}  // namespace

UniqueFd tape_in_zip(int fd, const std::string& name) {
  const std::uint64_t most = most_bytes(fd);
  ZipReader zip(fd, name);
  UniqueFd tape;
  std::vector<std::string> tapes;
  std::vector<std::string> others;
  constexpr std::size_t kMostKept = 100;  // of their names
  while (const auto member = zip.next()) {
    if (!is_tape(*member)) {
      if (others.size() < kMostKept) others.push_back(*member);
      continue;
    }
    if (tapes.empty()) tape = spool(zip, most, name);
    if (tapes.size() < kMostKept) tapes.push_back(*member);
  }
  if (tapes.size() > 1) {
    throw Error(name + ": holds more than one tape (" + listed(tapes) +
                "); unzip it, and name those to be read");
  }
  if (tapes.empty()) {
    throw Error(name + ": is a ZIP without a tape: " +
                (others.empty() ? "it is empty" : "it holds " + listed(others)));
  }
  return tape;
}

}  // namespace smtptape
