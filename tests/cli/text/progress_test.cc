#include "cli/text/progress.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMiB = 1 << 20;

class ProgressLineTest : public ::testing::Test {
 protected:
  ProgressLine::Time start_{std::chrono::hours(5)};
};

TEST_F(ProgressLineTest, SaysNothingWithinASecond) {
  const ProgressLine line("verify", 100 * kMiB, start_);
  EXPECT_EQ(line.text(start_, 0, 80), "");
  EXPECT_EQ(line.text(start_ + milliseconds(999), kMiB, 80), "");
  EXPECT_NE(line.text(start_ + milliseconds(1000), kMiB, 80), "");
}

TEST_F(ProgressLineTest, SaysHowFarItIsAndHowFast) {
  const ProgressLine line("verify", 100 * kMiB, start_);
  EXPECT_EQ(line.text(start_ + milliseconds(2000), 25 * kMiB, 80),
            "verify: 25.0 MiB of 100.0 MiB, 25 %, 12.5 MiB/s");
  EXPECT_EQ(line.text(start_ + milliseconds(4000), 120 * kMiB, 80),
            "verify: 120.0 MiB of 100.0 MiB, 100 %, 30.0 MiB/s");
}

TEST_F(ProgressLineTest, OfAPipeNobodyKnowsTheEnd) {
  const ProgressLine line("import", std::nullopt, start_);
  EXPECT_EQ(line.text(start_ + milliseconds(2000), 3 * kMiB, 80), "import: 3.0 MiB, 1.5 MiB/s");
  EXPECT_EQ(ProgressLine("import", 0, start_).text(start_ + milliseconds(2000), 0, 80),
            "import: 0 bytes, 0 bytes/s");
}

TEST_F(ProgressLineTest, FitsIntoTheLine) {
  const ProgressLine line("verify", 100 * kMiB, start_);
  EXPECT_EQ(line.text(start_ + milliseconds(2000), 25 * kMiB, 10), "verify: 25");
}

TEST(ProgressTotal, IsThatOfTheFilesAndTheTapesOfAStore) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "store");
  std::ofstream(directory / "store/a.tape") << "12345";
  std::ofstream(directory / "store/README") << "123";
  std::ofstream(directory / "b") << "1234567";
  EXPECT_EQ(bytes_of({directory / "store", directory / "b"}), 12U);
  EXPECT_EQ(bytes_of({directory / "b"}, 3), 21U);
  EXPECT_EQ(bytes_of({"-"}), std::nullopt);
  EXPECT_EQ(bytes_of({directory / "none"}), std::nullopt);
}

}  // namespace
}  // namespace smtptape
