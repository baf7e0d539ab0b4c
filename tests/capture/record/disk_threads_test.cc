#include "capture/record/disk_threads.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using namespace std::chrono_literals;

// What can't be synced: a pipe.
std::shared_ptr<SyncPoint> unsyncable() {
  int ends[2] = {};
  if (::pipe(ends) != 0) return nullptr;
  ::close(ends[0]);
  return std::make_shared<SyncPoint>(UniqueFd(ends[1]), system_file_calls(), "");
}

// Bounded; true when it came true.
template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(DiskThreads, WhatWasWrittenIsSyncedWithoutBeingAskedFor) {
  const TemporaryDirectory directory;
  const auto file = std::make_shared<SyncPoint>(
      create_file(directory / "x"), system_file_calls(), directory.path());
  DiskThreads thread(1ms);
  thread.watch(file);
  write_all(file->fd.get(), "abc", "x");
  file->written += 3;
  EXPECT_TRUE(comes_true([&] { return file->synced == 3; }));
  EXPECT_EQ(file->error, 0);
}

TEST(DiskThreads, SyncsSeveralFilesAndLeavesAloneWhatItNoLongerWatches) {
  const TemporaryDirectory directory;
  const auto first = std::make_shared<SyncPoint>(
      create_file(directory / "1"), system_file_calls(), directory.path());
  const auto second = std::make_shared<SyncPoint>(
      create_file(directory / "2"), system_file_calls(), directory.path());
  DiskThreads thread(1ms, 1);
  thread.watch(first);
  thread.watch(second);
  first->written += 3;
  second->written += 3;
  EXPECT_TRUE(comes_true([&] { return first->synced == 3 && second->synced == 3; }));
  thread.leave(first);
  const auto sync_second_until = [&](std::uint64_t end) {
    while (second->written < end) {
      second->written += 1;
      EXPECT_TRUE(comes_true([&] { return second->synced == second->written; }));
    }
  };
  sync_second_until(5);  // a sync of the first that ran has ended: there is one thread
  first->written += 1;
  sync_second_until(10);
  EXPECT_EQ(first->synced, 3U);
}

TEST(DiskThreads, AFailedSyncIsRememberedAndNeverTriedAgain) {
  const auto file = unsyncable();
  ASSERT_NE(file, nullptr);
  EXPECT_TRUE(sync_now(*file)) << "there is nothing to sync";
  file->written += 1;
  EXPECT_FALSE(sync_now(*file));
  EXPECT_EQ(file->error, EINVAL);
  // Even where it would work now.
  const TemporaryDirectory directory;
  ::dup2(create_file(directory / "x").get(), file->fd.get());
  EXPECT_FALSE(sync_now(*file));
  EXPECT_EQ(file->synced, 0U);
}

// One that stands still must not hold up the others, nor the one who asks.
TEST(DiskThreads, JobsDontWaitForEachOther) {
  std::promise<void> other_done;
  std::promise<bool> waited;
  DiskThreads threads(1h, 2);
  threads.run([&] {
    const bool came = other_done.get_future().wait_for(20s) == std::future_status::ready;
    waited.set_value(came);
  });
  threads.run([&] { other_done.set_value(); });
  EXPECT_TRUE(waited.get_future().get());
}

// Its time of change is on another disk, perhaps, than the bytes.
TEST(DiskThreads, APulseThatStandsStillDelaysNoSync) {
  const TemporaryDirectory directory;
  const auto file = std::make_shared<SyncPoint>(
      create_file(directory / "x"), system_file_calls(), directory.path());
  std::promise<void> begun;
  std::promise<void> may_end;
  std::atomic<int> pulses = 0;
  DiskThreads threads(1ms);
  threads.set_pulse([&] {
    if (++pulses > 1) return;
    begun.set_value();
    may_end.get_future().wait_for(20s);
  });
  EXPECT_EQ(begun.get_future().wait_for(20s), std::future_status::ready);
  threads.watch(file);
  for (std::uint64_t bytes = 1; bytes < 5; ++bytes) {
    file->written = bytes;
    EXPECT_TRUE(comes_true([&] { return file->synced == bytes; }));
  }
  EXPECT_EQ(pulses, 1) << "nor is it begun again before it has ended";
  may_end.set_value();
  EXPECT_TRUE(comes_true([&] { return pulses > 2; }));
  threads.set_pulse({});
}

TEST(DiskThreads, DoesWhatIsLeftBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    DiskThreads threads(1h, 2);
    for (int i = 0; i < 100; ++i)
      threads.run([&] { ++done; });
  }
  EXPECT_EQ(done, 100);
}

TEST(DiskThreads, AFailedSyncIsTold) {
  const auto file = unsyncable();
  std::promise<void> told;
  file->on_failure = [&] { told.set_value(); };
  DiskThreads threads(1ms);
  threads.watch(file);
  file->written += 1;
  EXPECT_EQ(told.get_future().wait_for(20s), std::future_status::ready);
}

TEST(DiskThreads, EndsAtOnceWhateverItsInterval) {
  const DiskThreads thread(1h);
}

}  // namespace
}  // namespace smtptape
