// Whoever reads a tape says so by a lock that others can share, and that nobody waits for.
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "base/io.h"
#include "format/tape/tape_lock.h"
#include "store/check/tape_check.h"
#include "store/read/inputs.h"
#include "tests/support/example_tape.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

class ReaderLock : public ::testing::Test {
 protected:
  void SetUp() override { testing::write_file(path_, testing::example_tape(Layout::TwoFrames)); }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "x.tape";
};

TEST_F(ReaderLock, IsSharedAndEndsWithTheDescriptor) {
  const UniqueFd other = open_for_reading(path_);
  EXPECT_FALSE(is_byte_shared(other.get(), kReaderByte));
  {
    const UniqueFd first = open_for_reading(path_);
    const UniqueFd second = open_for_reading(path_);
    share_byte(first.get(), kReaderByte);
    share_byte(second.get(), kReaderByte);
    EXPECT_TRUE(is_byte_shared(first.get(), kReaderByte)) << "the second has it, too";
    EXPECT_TRUE(is_byte_shared(other.get(), kReaderByte));
    EXPECT_FALSE(is_byte_shared(other.get(), kLiveByte));
    EXPECT_FALSE(is_byte_locked(other.get(), kReaderByte)) << "it is in no reader's way";
  }
  EXPECT_FALSE(is_byte_shared(other.get(), kReaderByte));
}

TEST_F(ReaderLock, IsHeldWhileATapeIsReplayed) {
  // Large enough not to be read at once.
  const std::string tape = SMTPTAPE_SOURCE_DIR "/samples/night.tape";
  const UniqueFd other = open_for_reading(tape);
  {
    Inputs inputs(find_tapes({tape}));
    EventBatch batch;
    ASSERT_TRUE(inputs.next(batch));
    EXPECT_TRUE(is_byte_shared(other.get(), kReaderByte));
    EXPECT_FALSE(is_being_written(other.get()));
  }
  EXPECT_FALSE(is_byte_shared(other.get(), kReaderByte));
}

TEST_F(ReaderLock, IsHeldWhileATapeIsVerified) {
  const std::string tape = SMTPTAPE_SOURCE_DIR "/samples/night.tape";
  const UniqueFd other = open_for_reading(tape);
  std::atomic<bool> seen = false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::thread verifier([&] {
    while (!seen && std::chrono::steady_clock::now() < deadline)
      static_cast<void>(check_tape(tape));
  });
  while (!seen && std::chrono::steady_clock::now() < deadline) {
    seen = is_byte_shared(other.get(), kReaderByte);
    std::this_thread::yield();
  }
  verifier.join();
  EXPECT_TRUE(seen);
}

TEST_F(ReaderLock, NeedsOnlyTheRightToRead) {
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  const UniqueFd reader = open_for_reading(path_);
  share_byte(reader.get(), kReaderByte);
  EXPECT_TRUE(is_byte_shared(open_for_reading(path_).get(), kReaderByte));
}

TEST_F(ReaderLock, OfAnotherStopsNoReader) {
  const UniqueFd rude(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(try_lock_byte(rude.get(), kReaderByte, path_));
  EXPECT_EQ(check_tape(path_).state, TapeState::Sealed);
}

}  // namespace
}  // namespace smtptape
