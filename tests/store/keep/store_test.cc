#include "store/keep/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/wall_time.h"
#include "capture/keep/source_locks.h"
#include "capture/record/live_tape.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

unsigned mode_of(const fs::path& path) {
  struct stat found {};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0);
  return found.st_mode & 07777U;
}

void touch(const fs::path& path) {
  std::ofstream(path) << "x";
}

std::vector<std::uint64_t> numbers(const Store& store, std::string_view source) {
  std::vector<std::uint64_t> out;
  for (const Store::Tape& tape : store.tapes_of(source))
    out.push_back(tape.name.number);
  return out;
}

TEST(TapeName, IsWrittenAndReadBack) {
  const TapeName name{"mta-1", 42, "20260804T210000Z"};
  EXPECT_EQ(to_file_name(name), "mta-1-00000042-20260804T210000Z.tape");
  EXPECT_EQ(parse_tape_name(to_file_name(name)), name);
  const TapeName large{"m", 123'456'789'012, "20260804T210000Z"};
  EXPECT_EQ(parse_tape_name(to_file_name(large)), large);
}

TEST(TapeName, IsNothingElse) {
  for (const char* const other : {"",
                                  ".tape",
                                  "mta.tape",
                                  "mta-00000001.tape",
                                  "-00000001-20260804T210000Z.tape",
                                  "mta-0000001-20260804T210000Z.tape",
                                  "mta-0000000x-20260804T210000Z.tape",
                                  "mta-99999999999999999999-20260804T210000Z.tape",
                                  "mta-00000001-20260804T210000.tape",
                                  "mta-00000001-20260804 210000Z.tape",
                                  "mta-00000001-20260804T210000Z.tape.partial-7",
                                  "m a-00000001-20260804T210000Z.tape"}) {
    EXPECT_FALSE(parse_tape_name(other)) << other;
  }
}

TEST(TapeName, EscapesTheBytesOfASourceThatFileNamesMustNotHold) {
  EXPECT_EQ(file_name_of_source("mta-1.example_X"), "mta-1.example_X");
  EXPECT_EQ(file_name_of_source("a/b c"), "a_2Fb_20c");
  EXPECT_EQ(file_name_of_source("\xc3\xa4:\n"), "_C3_A4_3A_0A");
  EXPECT_EQ(file_name_of_source("a_20b"), "a_5F20b") << "not the name of \"a b\"";
  EXPECT_EQ(file_name_of_source("a_b"), "a_b");
  EXPECT_THROW(static_cast<void>(file_name_of_source("")), UsageError);
  EXPECT_THROW(static_cast<void>(file_name_of_source(std::string(100, '/'))), UsageError);
}

TEST(TapeName, TellsItsStartInUtc) {
  EXPECT_EQ(tape_start_text(1'785'877'200'123'456'789), "20260804T210000Z");
  EXPECT_EQ(tape_start_text(0), "19700101T000000Z");
  EXPECT_EQ(tape_start_text(-1), "19691231T235959Z");
}

TEST(Store, IsMadePrivateWhenMissing) {
  const TemporaryDirectory directory;
  const Store store(directory.path() / "store");
  EXPECT_EQ(mode_of(store.directory()), 0700U);
  EXPECT_EQ(store.next_number("mta"), 1U);
  const Store again(directory.path() / "store");
  EXPECT_THAT(again.tapes_of("mta"), IsEmpty());
}

// Whoever looks after it as root must not lock out the recorder.
TEST(Store, OfSomebodyElseHasFilesOfItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "NOT TRIED: giving files away takes root";
  const TemporaryDirectory directory;
  const Store store(directory.path() / "store");
  ASSERT_EQ(::chown(store.directory().c_str(), 4242, 4243), 0);
  const UniqueFd lock = store.lock_source("mta");
  const LiveTape tape(store.path_of({"mta", 1, "20260804T210000Z"}), system_file_calls(), 0600);
  for (const fs::path& path : {store.directory() / "mta.lock", tape.path()}) {
    struct stat found {};
    ASSERT_EQ(::lstat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_uid, 4242U) << path;
    EXPECT_EQ(found.st_gid, 4243U) << path;
  }
}

TEST(Store, OfSomebodyElseTakesNoFileThatHasAnotherName) {
  if (::geteuid() != 0) GTEST_SKIP() << "NOT TRIED: giving files away takes root";
  const TemporaryDirectory directory;
  const Store store(directory.path() / "store");
  ASSERT_EQ(::chown(store.directory().c_str(), 4242, 4243), 0);
  touch(directory.path() / "shadow");
  fs::create_hard_link(directory.path() / "shadow", store.directory() / "mta.lock");
  const UniqueFd lock = store.lock_source("mta");
  struct stat found {};
  ASSERT_EQ(::lstat((directory.path() / "shadow").c_str(), &found), 0);
  EXPECT_EQ(found.st_uid, 0U);
}

// Of this process, until it is destroyed.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  ~Umask() { ::umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  mode_t before_;
};

TEST(Store, TheGroupMayReadWhateverTheUmaskIs) {
  const TemporaryDirectory directory;
  const Umask strict(077);
  const Store store(directory.path() / "store", system_file_calls(), WhoReads::Group);
  EXPECT_EQ(mode_of(store.directory()), 0750U);
  const fs::path tape = store.directory() / "a.tape";
  static_cast<void>(create_file(tape, system_file_calls(), store.file_mode()));
  EXPECT_EQ(mode_of(tape), 0640U);
}

TEST(Store, NobodyElseMayWhateverTheUmaskIs) {
  const TemporaryDirectory directory;
  const Umask open(0);
  const Store store(directory.path() / "store");
  EXPECT_EQ(mode_of(store.directory()), 0700U);
  const fs::path tape = store.directory() / "a.tape";
  static_cast<void>(create_file(tape, system_file_calls(), store.file_mode()));
  EXPECT_EQ(mode_of(tape), 0600U);
}

TEST(Store, IsADirectoryInADirectory) {
  const TemporaryDirectory directory;
  EXPECT_THROW(Store(directory.path() / "missing" / "store"), Error);
  touch(directory.path() / "file");
  EXPECT_THAT([&] { Store(directory.path() / "file"); },
              testing::ThrowsMessage<Error>(HasSubstr("not a directory")));
}

TEST(Store, ListsTheTapesOfOneSourceByNumberAndNothingElse) {
  const TemporaryDirectory directory;
  const Store store(directory.path());
  const std::string start = "-20260804T210000Z.tape";
  touch(store.directory() / ("mta-00000010" + start));
  touch(store.directory() / ("mta-00000002" + start));
  touch(store.directory() / ("mta-100000000" + start));
  touch(store.directory() / ("mta-1-00000700" + start));
  touch(store.directory() / "mta.lock");
  touch(store.directory() / "mta-00000900.tape");
  fs::create_directory(store.directory() / ("mta-00000003" + start));
  fs::create_symlink("mta-00000010" + start, store.directory() / ("mta-200000000" + start));
  fs::create_symlink("nowhere", store.directory() / ("mta-00000004" + start));
  EXPECT_THAT(numbers(store, "mta"), ElementsAre(2, 10, 100'000'000));
  EXPECT_THAT(numbers(store, "mta-1"), ElementsAre(700));
  EXPECT_EQ(store.next_number("mta"), 100'000'001U);
  EXPECT_EQ(store.next_number("other"), 1U);
}

TEST(Store, GivesASourceToOneRecorder) {
  const TemporaryDirectory directory;
  const Store store(directory.path());
  {
    const UniqueFd lock = store.lock_source("mta");
    const UniqueFd other = store.lock_source("other");
    EXPECT_THAT([&] { static_cast<void>(store.lock_source("mta")); },
                testing::ThrowsMessage<Error>("another recorder writes source mta into " +
                                              store.directory().string()));
  }
  EXPECT_EQ(mode_of(store.directory() / "mta.lock"), 0600U);
  EXPECT_EQ(fs::file_size(store.directory() / "mta.lock"), 0U);
  EXPECT_TRUE(store.lock_source("mta")) << "a lock file that was left behind is stale";
}

TEST(SourceLocks, TellByTheirTimeThatARecorderIsAlive) {
  const TemporaryDirectory directory;
  const Store store(directory.path());
  SourceLocks locks(store);
  locks.add("a");
  locks.add("b");
  const auto make_old = [&] {
    for (const char* const name : {"a.lock", "b.lock"}) {
      const timespec times[2] = {{1000, 0}, {1000, 0}};
      ASSERT_EQ(::utimensat(AT_FDCWD, (directory / name).c_str(), times, 0), 0);
    }
  };
  constexpr std::int64_t kOld = 1000 * std::int64_t{kNanosPerSecond};
  make_old();
  locks.touch();
  EXPECT_EQ(store.last_alive("a"), kOld) << "nobody has seen its feed";
  locks.watch(1);
  locks.touch();
  EXPECT_EQ(store.last_alive("a"), kOld);
  EXPECT_GT(store.last_alive("b"), kOld);
  EXPECT_THROW(static_cast<void>(store.lock_source("b")), TakenError) << "it is still locked";
  EXPECT_FALSE(locks.keep(1));
  std::filesystem::remove(directory / "b.lock");
  EXPECT_TRUE(locks.keep(1));
  make_old();
  locks.touch();
  EXPECT_GT(store.last_alive("b"), kOld) << "the new one";
  std::filesystem::remove(directory / "b.lock");
  const UniqueFd other = store.lock_source("b");
  EXPECT_THROW(locks.keep(1), TakenError);
}

TEST(Store, FollowsNoLinkToALockFile) {
  const TemporaryDirectory directory;
  const Store store(directory.path());
  fs::create_symlink("elsewhere", store.directory() / "mta.lock");
  EXPECT_THROW(static_cast<void>(store.lock_source("mta")), Error);
  EXPECT_FALSE(fs::exists(store.directory() / "elsewhere"));
}

TEST(LiveTape, IsLockedWhileItIsWrittenAndOverwritesNothing) {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "x.tape";
  {
    LiveTape tape(path);
    tape.write("hello");
    tape.sync();
    const UniqueFd other(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_FALSE(try_lock_byte(other.get(), 0, "x"));
    EXPECT_TRUE(try_lock_byte(other.get(), 1, "x"));
    EXPECT_EQ(tape.sync_error(), 0);
    EXPECT_EQ(tape.synced(), 5U);
  }
  EXPECT_EQ(mode_of(path), 0600U);
  const UniqueFd other(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_TRUE(try_lock_byte(other.get(), 0, "x"));
  EXPECT_THROW(LiveTape{path}, Error);
}

}  // namespace
}  // namespace smtptape
