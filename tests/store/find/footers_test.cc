// A file is opened once, and again when it is another one; what is kept of it has a bound.
#include "store/find/footers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/format/made_tape.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using ::testing::HasSubstr;

struct stat look_at(const std::filesystem::path& path) {
  struct stat found {};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0);
  return found;
}

// Other bytes in the same file, with the same size and time of change: who opens it sees them.
void spoil_unseen(const std::filesystem::path& path) {
  const struct stat before = look_at(path);
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const std::string rubbish(static_cast<std::size_t>(before.st_size), 'x');
  write_all(fd.get(), rubbish, path.string());
  const struct timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::futimens(fd.get(), times), 0);
}

class FootersTest : public ::testing::Test {
 protected:
  Made write(const std::string& name, std::size_t frames = 8) {
    Made made = make_tape(some_frames(frames), Layout::TwoFrames, sizes(1000, 4000));
    testing::write_file(directory_ / "new", made.bytes);
    std::filesystem::rename(directory_ / "new", directory_ / name);
    return made;
  }
  [[nodiscard]] ListedTape listed(const std::string& name) const {
    return {directory_.path() / name, false};
  }

  TemporaryDirectory directory_;
};

TEST_F(FootersTest, AreReadOnce) {
  const Made made = write("a.tape");
  Footers footers;
  for (int i = 0; i < 3; ++i) {
    const TapeFile tape = footers.of(listed("a.tape"));
    ASSERT_TRUE(tape.header);
    EXPECT_EQ(tape.header->tape_id, made.header.tape_id);
    EXPECT_TRUE(tape.sealed);
    EXPECT_EQ(tape.sequences->last, 8U);
    spoil_unseen(directory_.path() / "a.tape");
  }
}

TEST_F(FootersTest, OfAFileThatTookTheNameAreReadAnew) {
  write("a.tape");
  Footers footers;
  EXPECT_EQ(footers.of(listed("a.tape")).sequences->last, 8U);
  const Made other = write("a.tape", 9);
  EXPECT_EQ(footers.of(listed("a.tape")).header->tape_id, other.header.tape_id);
  testing::write_file(directory_ / "a.tape", other.bytes.substr(0, other.bytes.size() / 2));
  EXPECT_FALSE(footers.of(listed("a.tape")).sealed);
}

TEST_F(FootersTest, AreKeptAsLongAsThereIsRoom) {
  write("a.tape");
  write("b.tape");
  Footers none(0);
  const TapeFile unkept = none.of(listed("a.tape"));
  EXPECT_EQ(unkept.footer, nullptr);
  EXPECT_EQ(unkept.sequences->last, 8U);
  // Each takes more than a kilobyte, and less than eight.
  Footers one(8 * kKi);
  EXPECT_NE(one.of(listed("a.tape")).footer, nullptr);
  std::size_t kept = 1;
  for (int i = 0; i < 20; ++i) {
    write("b.tape");
    kept += one.of(listed("b.tape")).footer == nullptr ? 0U : 1U;
  }
  EXPECT_GE(kept, 1U);
  EXPECT_LE(kept, 8U);
}

TEST_F(FootersTest, SayWhatIsNoTapeEachTime) {
  testing::write_file(directory_ / "notes.tape", "hello");
  Footers footers;
  EXPECT_FALSE(footers.of(listed("notes.tape")).header);
  EXPECT_THROW(static_cast<void>(footers.of(listed("none.tape"))), Error);
  TapeHeader newer = header_of(Layout::TwoFrames);
  newer.flags.incompatible = std::uint64_t{1} << 50;
  StringSink sink;
  TapeWriter(sink, newer, {}).seal({}, 1);
  testing::write_file(directory_ / "newer.tape", sink.text());
  for (int i = 0; i < 2; ++i) {
    try {
      static_cast<void>(footers.of(listed("newer.tape")));
      FAIL() << "it was read";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("newer.tape: "));
    }
  }
}

TEST_F(FootersTest, TellTimesOfFilesThatSomebodyElseOpened) {
  write("a.tape");
  const std::filesystem::path path = directory_.path() / "a.tape";
  const struct stat found = look_at(path);
  Footers footers(0);
  EXPECT_FALSE(footers.known_times(path, found));
  const UniqueFd fd = open_for_reading(path);
  const Footers::Times times = footers.read_times(path, fd.get(), found);
  ASSERT_TRUE(times.events);
  const std::int64_t first = times.events->first;
  EXPECT_EQ(footers.of(listed("a.tape")).sequences->last, 8U) << "though only times were kept";
  spoil_unseen(path);
  const std::optional<Footers::Times> known = footers.known_times(path, found);
  ASSERT_TRUE(known && known->events);
  EXPECT_EQ(known->events->first, first);
  footers.forget(path);
  EXPECT_FALSE(footers.known_times(path, found));
  EXPECT_FALSE(footers.read_times(path, fd.get(), found).events);
}

TEST_F(FootersTest, OfWhatIsGoneAreForgotten) {
  write("a.tape");
  write("b.tape");
  Footers footers;
  const struct stat a = look_at(directory_.path() / "a.tape");
  const struct stat b = look_at(directory_.path() / "b.tape");
  const auto knows = [&](const std::string& name, const struct stat& found) {
    return footers.known_times(directory_.path() / name, found).has_value();
  };
  EXPECT_FALSE(knows("a.tape", a));
  static_cast<void>(footers.of(listed("a.tape")));
  static_cast<void>(footers.of(listed("b.tape")));
  footers.forget_the_rest();
  EXPECT_TRUE(knows("a.tape", a));
  footers.forget_the_rest();
  EXPECT_TRUE(knows("a.tape", a));
  EXPECT_FALSE(knows("b.tape", b));
}

}  // namespace
}  // namespace smtptape
