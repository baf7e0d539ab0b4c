// Descriptors that do not block are waited for, links are followed where that was meant.
#include "base/io.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

struct PipeThatDoesNotBlock {
  UniqueFd out;
  UniqueFd in;
  PipeThatDoesNotBlock() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("no pipe");
    out = UniqueFd(ends[0]);
    in = UniqueFd(ends[1]);
  }
};

TEST(Descriptors, ThatDoNotBlockAreWaitedFor) {
  PipeThatDoesNotBlock pipe;
  const std::string sent(1 << 20, 'x');  // more than fits
  std::thread writer([&] {
    write_all(pipe.in.get(), sent, "a pipe");
    pipe.in.reset();
  });
  FdSource source(std::move(pipe.out), "a pipe");
  std::string got;
  std::array<char, 4096> buffer{};
  while (const std::size_t size = source.read(buffer.data(), buffer.size()))
    got.append(buffer.data(), size);
  writer.join();
  EXPECT_TRUE(got == sent);
}

TEST(Links, AreFollowedWhereThatWasMeant) {
  const TemporaryDirectory directory;
  const std::string link = directory / "link";
  static_cast<void>(create_file(directory / "file"));
  std::filesystem::create_symlink("file", link);
  EXPECT_TRUE(open_for_reading(link, Links::Follow));
  EXPECT_THROW((void)open_for_reading(link, Links::Refuse), Error);
  EXPECT_TRUE(open_for_reading(directory / "file", Links::Refuse));
}

TEST(FileId, IsOfTheFileAndNotOfItsName) {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory / "file";
  const UniqueFd fd = create_file(file);
  std::filesystem::create_symlink("file", directory / "soft");
  std::filesystem::create_hard_link(file, directory / "hard");
  ASSERT_TRUE(file_id(file).has_value());
  EXPECT_EQ(file_id(fd.get()), file_id(file));
  for (const std::string name : {"soft", "hard", "./file"})
    EXPECT_EQ(file_id(directory.path() / name), file_id(file));
  EXPECT_EQ(file_id("/proc/self/fd/" + std::to_string(fd.get())), file_id(file));
  EXPECT_EQ(file_id(directory.path()), std::nullopt);
  EXPECT_EQ(file_id(directory.path() / "none"), std::nullopt);
  EXPECT_EQ(file_id("/dev/null"), std::nullopt) << "may be read and written";
}

}  // namespace
}  // namespace smtptape
