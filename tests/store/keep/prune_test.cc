// Retention on a real directory: what is ours, what is held, and that nothing else is touched.
#include "store/keep/prune.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"
#include "capture/record/live_tape.h"
#include "format/tape/tape_lock.h"
#include "store/keep/store.h"
#include "tests/support/example_tape.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kNow = 1'795'000'000 * kSecond;  // 2026-11-18

std::string name_of_tape(std::uint64_t number, std::string source = "mta") {
  return to_file_name({std::move(source), number, "20260101T000000Z"});
}

class Prune : public ::testing::Test {
 protected:
  fs::path put(const std::string& name, const std::string& bytes = "rubbish") {
    const fs::path path = directory_.path() / name;
    testing::write_file(path, bytes);
    return path;
  }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory_.path()))
      found.insert(entry.path().filename().string());
    return found;
  }
  std::vector<std::string> listed(std::int64_t now = kNow) {
    std::vector<std::string> out;
    for (const StoredFile& file : lister_.list(now))
      out.push_back(file.path.filename().string());
    return out;
  }
  StoredFile only_file() {
    const std::vector<StoredFile> files = lister_.list(kNow);
    EXPECT_EQ(files.size(), 1U);
    return files.at(0);
  }
  static RetentionLimits nothing_at_all() {
    RetentionLimits limits;
    limits.max_tapes = 0;
    return limits;
  }
  // Bytes, whatever the size.
  static std::uint64_t on_disk(const fs::path& path) {
    struct stat found {};
    EXPECT_EQ(::stat(path.c_str(), &found), 0);
    return static_cast<std::uint64_t>(found.st_blocks) * 512;
  }
  static void make_old(const fs::path& path, std::int64_t age) {
    const timespec time{static_cast<time_t>((kNow - age) / kSecond), 0};
    const timespec times[2] = {time, time};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  TemporaryDirectory directory_;
  StoreLister lister_{directory_.path()};
};

TEST_F(Prune, TakesTheTimeFromTheFooterElseFromTheName) {
  const fs::path path = put(name_of_tape(1));
  EXPECT_EQ(only_file().time, 1'767'225'600 * kSecond);
  fs::remove(path);
  put(name_of_tape(1), testing::example_tape(Layout::Interleaved));
  const std::int64_t last = 1'785'851'690'124'500'000;
  EXPECT_EQ(only_file().time, last);
  EXPECT_EQ(only_file().time, last) << "remembered";
  put(name_of_tape(1), "cut");
  EXPECT_EQ(only_file().time, 1'767'225'600 * kSecond) << "another file now";
}

// Of the same name, size and time of change.
TEST_F(Prune, ReadsAFileAgainThatAnotherWasPutInThePlaceOf) {
  const std::string tape = testing::example_tape(Layout::Interleaved);
  const fs::path path = put(name_of_tape(1), tape);
  make_old(path, kDay);
  const std::int64_t last = 1'785'851'690'124'500'000;
  EXPECT_EQ(only_file().time, last);
  const fs::path other = put("other", std::string(tape.size(), 'x'));
  make_old(other, kDay);
  fs::rename(other, path);
  EXPECT_EQ(only_file().time, 1'767'225'600 * kSecond) << "no tape any more: its name counts";
  EXPECT_EQ(only_file().begins, only_file().time);
}

TEST_F(Prune, ReadsTheStartOfANameAsADateOrNotAtAll) {
  EXPECT_EQ(time_of_start("19700102T000001Z"), kDay + kSecond);
  EXPECT_EQ(time_of_start("20261301T000000Z"), std::nullopt);
  EXPECT_EQ(time_of_start("20260230T000000Z"), std::nullopt);
  EXPECT_EQ(time_of_start("20260101T250000Z"), std::nullopt);
  EXPECT_EQ(time_of_start("99990101T000000Z"), std::nullopt) << "more than a tape can hold";
  EXPECT_EQ(time_of_start("2026"), std::nullopt);
}

TEST_F(Prune, DeletesWhatIsOursAndTouchesNothingElse) {
  const std::string sealed = testing::example_tape(Layout::TwoFrames);
  put(name_of_tape(1), sealed);
  put(name_of_tape(2), sealed.substr(0, sealed.size() / 2));
  put(name_of_tape(3), "");
  put(name_of_tape(1, "other_20one"));
  const std::set<std::string> ours = names();

  put("night.tape", sealed);
  put("mta-00000004.tape");
  put("mta.lock", "");
  put("notes.txt");
  put(name_of_tape(5) + ".bak");
  fs::create_directory(directory_.path() / name_of_tape(6));
  fs::create_symlink(name_of_tape(1), directory_.path() / name_of_tape(7));
  fs::create_symlink("nowhere", directory_.path() / name_of_tape(8));
  ASSERT_EQ(::mkfifo((directory_ / name_of_tape(9)).c_str(), 0600), 0);
  std::set<std::string> foreign = names();
  for (const std::string& name : ours)
    foreign.erase(name);

  const PruneReport report = prune(lister_, nothing_at_all(), kNow);
  EXPECT_EQ(report.removal.deleted.size(), 4U);
  EXPECT_THAT(report.removal.failed, IsEmpty());
  EXPECT_EQ(names(), foreign);
  EXPECT_EQ(report.plan.before.tapes, 4U);
}

TEST_F(Prune, DeletesNothingInADryRun) {
  put(name_of_tape(1));
  put(name_of_tape(2));
  const std::set<std::string> before = names();
  const PruneReport report = prune(lister_, nothing_at_all(), kNow, DryRun::Yes);
  EXPECT_EQ(report.removal.deleted.size(), 2U);
  EXPECT_EQ(names(), before);
}

TEST_F(Prune, NeverDeletesALiveTapeOrTheNewestOfASourceThatIsWritten) {
  const Store store(directory_.path());
  put(name_of_tape(1));
  put(name_of_tape(2));
  put(name_of_tape(2, "idle"));
  {
    const LiveTape live(directory_.path() / name_of_tape(3));
    prune(lister_, nothing_at_all(), kNow);
    EXPECT_THAT(names(), UnorderedElementsAre(name_of_tape(3)));
  }
  put(name_of_tape(4));
  {
    const UniqueFd lock = store.lock_source("mta");
    const PruneReport report = prune(lister_, nothing_at_all(), kNow);
    EXPECT_THAT(names(), UnorderedElementsAre(name_of_tape(4), "mta.lock"));
    ASSERT_EQ(report.plan.unmet.size(), 1U);
    EXPECT_EQ(report.plan.unmet[0].held, 1U);
  }
  prune(lister_, nothing_at_all(), kNow);
  EXPECT_THAT(names(), UnorderedElementsAre("mta.lock")) << "nobody writes it any more";
}

TEST_F(Prune, TellsOfReadersAndLetsThemRead) {
  const fs::path path = put(name_of_tape(1), "still here");
  const UniqueFd reader = open_for_reading(path);
  const UniqueFd second = open_for_reading(path);
  EXPECT_FALSE(only_file().read);
  share_byte(reader.get(), kReaderByte);
  share_byte(second.get(), kReaderByte);
  const PruneReport report = prune(lister_, nothing_at_all(), kNow);
  ASSERT_EQ(report.removal.deleted.size(), 1U);
  EXPECT_TRUE(report.removal.deleted[0].read);
  char bytes[10];
  EXPECT_EQ(::pread(reader.get(), bytes, sizeof(bytes), 0), 10);
}

TEST_F(Prune, ReportsADeletionThatFailsAndGoesOn) {
  const fs::path good = put(name_of_tape(2));
  std::vector<Deletion> deletions(3);
  deletions[0].path = "/proc/version";  // a file that nobody can delete
  deletions[1].path = directory_.path() / "gone meanwhile";
  deletions[2].path = good;
  const Removal removal = delete_files(directory_.path(), deletions);
  EXPECT_THAT(removal.failed, ElementsAre(HasSubstr("deleting /proc/version: ")));
  ASSERT_EQ(removal.deleted.size(), 1U);
  EXPECT_EQ(removal.deleted[0].path, good);
  EXPECT_THAT(names(), IsEmpty());
}

// A deletion that the directory forgets at a power loss would bring the tape back.
TEST_F(Prune, SyncsTheDirectoryWhenSomethingWasDeleted) {
  bool fails = false;
  FaultyDisk disk([&fails](std::size_t, FaultyDisk::Call call) {
    return FaultyDisk::Fate{fails && call == FaultyDisk::Call::Fsync ? EIO : 0, false};
  });
  const auto delete_one = [&] {
    put(name_of_tape(1));
    return prune(lister_, nothing_at_all(), kNow, DryRun::No, disk);
  };
  EXPECT_THAT(prune(lister_, nothing_at_all(), kNow, DryRun::No, disk).removal.failed, IsEmpty());
  EXPECT_THAT(disk.operations(), IsEmpty()) << "nothing to delete";
  EXPECT_THAT(delete_one().removal.failed, IsEmpty());
  const std::vector<DiskOperation> done = disk.operations();
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[0].kind, DiskOperation::Kind::Unlink);
  EXPECT_EQ(done[1].kind, DiskOperation::Kind::SyncDirectory);
  fails = true;
  EXPECT_THAT(delete_one().removal.failed, ElementsAre(HasSubstr("Input/output error")));
}

TEST_F(Prune, OthersGoInThePlaceOfWhatCannotBeDeleted) {
  bool first = true;
  FaultyDisk disk([&first](std::size_t, FaultyDisk::Call call) {
    const bool refused = call == FaultyDisk::Call::Unlink && std::exchange(first, false);
    return FaultyDisk::Fate{refused ? EBUSY : 0, false};
  });
  for (std::uint64_t number = 1; number <= 5; ++number)
    put(name_of_tape(number));
  RetentionLimits limits;
  limits.max_tapes = 3;
  const PruneReport report = prune(lister_, limits, kNow, DryRun::No, disk);
  EXPECT_THAT(names(), UnorderedElementsAre(name_of_tape(1), name_of_tape(4), name_of_tape(5)));
  EXPECT_THAT(report.removal.failed, ElementsAre(HasSubstr("busy")));
  EXPECT_EQ(report.removal.deleted.size(), 2U);
  EXPECT_EQ(report.plan.before.tapes, 5U);
  EXPECT_EQ(report.plan.after.tapes, 3U) << "as it really is";
}

TEST_F(Prune, ClearsAwayOldUnfinishedCopies) {
  const fs::path old = put(name_of_tape(1) + ".partial-123");
  const fs::path open = put(name_of_tape(2) + ".partial-4");
  make_old(old, 2 * kDay);
  make_old(open, 2 * kDay);
  make_old(put(name_of_tape(3) + ".partial-5"), kDay / 2);
  make_old(put("bob.tape.partial-6"), 2 * kDay);
  make_old(put(name_of_tape(4) + ".partial-"), 2 * kDay);
  make_old(put(name_of_tape(5) + ".partial-x"), 2 * kDay);
  const UniqueFd writer(::open(open.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(try_lock_byte(writer.get(), 0, "x"));
  const std::size_t before = names().size();
  const PruneReport report = prune(lister_, {}, kNow);
  ASSERT_EQ(report.removal.deleted.size(), 1U);
  EXPECT_EQ(report.removal.deleted[0].path, old);
  EXPECT_EQ(report.removal.deleted[0].reason, Reason::Leftover);
  EXPECT_EQ(names().size(), before - 1);
}

TEST_F(Prune, KnowsTheNameAndTheLockOfWhatOutputFileWrites) {
  OutputFile copy(directory_.path() / name_of_tape(1), OutputFile::Existing::Refuse);
  copy.write("half");
  const fs::path partial = copy.written_to();
  EXPECT_TRUE(is_partial_name(partial.filename().string())) << partial;
  make_old(partial, 2 * kDay);
  EXPECT_THAT(listed(), IsEmpty()) << "somebody writes it";
  copy.commit();
  const StoredFile done = only_file();
  EXPECT_EQ(done.path.filename(), name_of_tape(1));
  EXPECT_EQ(done.hold, Hold::None);
}

TEST_F(Prune, CountsWhatTheFileSystemGetsBack) {
  const fs::path path = put(name_of_tape(1), std::string(10'000, 'x'));
  EXPECT_EQ(only_file().bytes, 10'000U);
  EXPECT_EQ(only_file().gives_back, on_disk(path));
  EXPECT_GE(only_file().gives_back, 10'000U);
  fs::resize_file(path, 100'000'000);  // a hole, which takes no room
  EXPECT_EQ(only_file().bytes, 100'000'000U);
  EXPECT_EQ(only_file().gives_back, on_disk(path));
  EXPECT_LT(only_file().gives_back, 1'000'000U);
  fs::create_hard_link(path, directory_.path() / "kept");
  EXPECT_EQ(only_file().gives_back, 0U);
  const Space space = space_of(directory_.path());
  EXPECT_GT(space.total, space.free);
}

// More of them is for the disk to be measured with: see Retention.PlansTenThousandTapesAtOnce.
TEST_F(Prune, DeletesManyTapes) {
  for (std::uint64_t number = 1; number <= 500; ++number)
    put(name_of_tape(number), "x");
  RetentionLimits limits;
  limits.max_tapes = 10;
  EXPECT_EQ(prune(lister_, limits, kNow).removal.deleted.size(), 490U);
  EXPECT_EQ(names().size(), 10U);
  EXPECT_TRUE(names().contains(name_of_tape(500)));
}

TEST(StoreLister, SaysWhichStoreItCannotRead) {
  const TemporaryDirectory directory;
  StoreLister lister(directory.path() / "none");
  EXPECT_THROW(static_cast<void>(lister.list(kNow)), Error);
  EXPECT_THROW(static_cast<void>(space_of(directory.path() / "none")), Error);
}

}  // namespace
}  // namespace smtptape
