#include "cli/text/spool.h"

#include <algorithm>

namespace smtptape {

namespace {
constexpr const char* kName = "a temporary file (in TMPDIR, or /tmp)";
}  // namespace

void Spool::write(std::string_view bytes) {
  text_.append(bytes);
  if (text_.size() > kMostInMemory) move_to_file();
}

void Spool::move_to_file() {
  if (!file_) file_ = unlinked_file();
  write_all(file_.get(), text_, kName);
  text_.clear();
}

void Spool::copy_to(ByteSink& to) {
  if (file_) {
    std::string buffer(1 << 20, '\0');
    std::uint64_t at = 0;
    while (const std::size_t got = read_at(file_.get(), buffer.data(), buffer.size(), at, kName)) {
      to.write({buffer.data(), got});
      at += got;
    }
  }
  to.write(text_);
}

}  // namespace smtptape
