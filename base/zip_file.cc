#include "base/zip_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "base/error.h"

#include <archive.h>
#include <archive_entry.h>

namespace smtptape {

namespace {

constexpr std::size_t kPiece = 1 << 16;

struct CloseWriter {
  void operator()(archive* it) const { archive_write_free(it); }
};
struct CloseReader {
  void operator()(archive* it) const { archive_read_free(it); }
};
struct FreeEntry {
  void operator()(archive_entry* it) const { archive_entry_free(it); }
};

std::string why(archive* it) {
  const char* const text = archive_error_string(it);
  return text != nullptr ? text : "no reason was given";
}

}  // namespace

bool is_zip(int fd) {
  std::array<char, 4> first{};
  if (read_at(fd, first.data(), first.size(), 0, "a file") != first.size()) return false;
  const std::string_view text(first.data(), first.size());
  return text == "PK\x03\x04" || text == "PK\x05\x06";
}

struct ZipWriter::Impl {
  explicit Impl(ByteSink& to) : out(to), zip(archive_write_new()) {
    if (zip == nullptr) throw std::bad_alloc();
    check(archive_write_set_format_zip(zip.get()));
    check(archive_write_set_bytes_per_block(zip.get(), static_cast<int>(kPiece)));
    check(archive_write_set_bytes_in_last_block(zip.get(), 1));
    check(archive_write_open(zip.get(), this, nullptr, &Impl::write, nullptr));
  }

  // No exception of ours may pass through a library that is written in C, which forgets to free
  // some of its memory when it is told of a failure: it hears of none.
  static la_ssize_t write(archive* /*zip*/, void* self, const void* bytes, std::size_t size) {
    auto& impl = *static_cast<Impl*>(self);
    try {
      if (!impl.given_up) impl.out.write({static_cast<const char*>(bytes), size});
    } catch (...) {
      impl.thrown = std::current_exception();
      impl.given_up = true;
    }
    return static_cast<la_ssize_t>(size);
  }

  void check(la_ssize_t result) {
    if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
    if (result < ARCHIVE_OK && result != ARCHIVE_WARN)
      throw Error("making the archive: " + why(zip.get()));
  }

  ByteSink& out;
  std::exception_ptr thrown;
  bool given_up = false;  // nothing is written any more
  std::unique_ptr<archive, CloseWriter> zip;
};

ZipWriter::ZipWriter(ByteSink& out) : impl_(std::make_unique<Impl>(out)) {
}

ZipWriter::~ZipWriter() {
  // Its end would be written to a sink that is perhaps gone.
  if (impl_) impl_->given_up = true;
}

void ZipWriter::add(const std::string& name,
                    Packing packing,
                    std::uint64_t size,
                    ByteSource& from) {
  archive* const zip = impl_->zip.get();
  impl_->check(packing == Packing::Store ? archive_write_zip_set_compression_store(zip)
                                         : archive_write_zip_set_compression_deflate(zip));
  const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0600);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  impl_->check(archive_write_header(zip, entry.get()));
  std::string piece(kPiece, '\0');
  while (const std::size_t got = from.read(piece.data(), piece.size()))
    impl_->check(archive_write_data(zip, piece.data(), got));
  impl_->check(archive_write_finish_entry(zip));
}

void ZipWriter::finish() {
  impl_->check(archive_write_close(impl_->zip.get()));
}

struct ZipReader::Impl {
  Impl(int fd, std::string its_name) : name(std::move(its_name)), zip(archive_read_new()) {
    if (zip == nullptr) throw std::bad_alloc();
    check(archive_read_support_format_zip_seekable(zip.get()));
    if (::lseek(fd, 0, SEEK_SET) != 0) throw Error(name + ": can't be read from its beginning");
    check(archive_read_open_fd(zip.get(), fd, kPiece));
  }

  void check(la_ssize_t result) {
    if (result < ARCHIVE_WARN) throw Error(name + ": can't be read as a ZIP: " + why(zip.get()));
  }

  std::string name;
  std::unique_ptr<archive, CloseReader> zip;
};

ZipReader::ZipReader(int fd, std::string name)
    : impl_(std::make_unique<Impl>(fd, std::move(name))) {
}
ZipReader::~ZipReader() = default;

std::optional<std::string> ZipReader::next() {
  archive_entry* entry = nullptr;
  while (true) {
    const int result = archive_read_next_header(impl_->zip.get(), &entry);
    if (result == ARCHIVE_EOF) return std::nullopt;
    impl_->check(result);
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    // Without a name that can be told: it is nothing of ours.
    const char* const name = archive_entry_pathname(entry);
    return name != nullptr ? name : "";
  }
}

std::size_t ZipReader::read(char* to, std::size_t size) {
  const la_ssize_t got = archive_read_data(impl_->zip.get(), to, size);
  // A warning says that what came is not what the archive promises.
  if (got < 0) throw Error(impl_->name + ": can't be read as a ZIP: " + why(impl_->zip.get()));
  return static_cast<std::size_t>(got);
}

}  // namespace smtptape
