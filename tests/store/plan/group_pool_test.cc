// What is to be done is done, also where no thread can be had for it.
#include "store/plan/group_pool.h"

#include <sys/resource.h>

#include <cstdlib>
#include <future>

#include <gtest/gtest.h>

#include "format/limits.h"
#include "store/read/inputs.h"
#include "tests/support/peak_memory.h"
#include "tests/support/sanitized.h"

namespace smtptape {
namespace {

TEST(GroupPool, ItsThreadsDoWhatIsGiven) {
  GroupPool pool(2);
  std::promise<void> done;
  pool.run([&] { done.set_value(); });
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

TEST(GroupPool, WithoutThreadsWhoeverGivesATaskDoesIt) {
  GroupPool pool(0);
  bool done = false;
  pool.run([&] { done = true; });
  EXPECT_TRUE(done);
}

class Numbers : public EventSource {
 public:
  [[nodiscard]] bool next(EventBatch& batch) override {
    batch.clear();
    batch.events.emplace_back();
    return ++given_ < 4;
  }

 private:
  int given_ = 0;
};

// In a process without room for another thread's stack.
int work_without_room() {
  constexpr std::uint64_t kLessThanAStack = kMiB;
  const rlim_t most = testing::own_memory("VmSize") * kKiB + kLessThanAStack;
  const rlimit limit{most, most};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) return 1;
  GroupPool pool(4);
  bool done = false;
  pool.run([&] { done = true; });
  Numbers numbers;
  ReadAhead ahead(numbers);
  EventBatch batch;
  int batches = 0;
  while (ahead.next(batch))
    ++batches;
  return pool.threads() == 0 && done && batches == 3 ? 0 : 2;
}

TEST(GroupPoolDeathTest, ThatNoThreadCanBeHadStopsNothing) {
  if (testing::kSanitized) GTEST_SKIP() << "a sanitizer needs room itself";
  // In a process that had no threads, whose stacks would be used again.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(work_without_room()), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace smtptape
