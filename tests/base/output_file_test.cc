// Output files appear whole or not at all, whatever fails and whenever the power does.
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/power_loss.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

constexpr auto kRefuse = OutputFile::Existing::Refuse;
constexpr auto kReplace = OutputFile::Existing::Replace;
const std::string kOld = "what was there before";

const std::string& content() {
  static const std::string text = [] {
    std::string made(20'000, '\0');
    fill_random(made.data(), made.size());
    return made;
  }();
  return text;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_it(const std::string& path, OutputFile::Existing existing, FileCalls& calls) {
  OutputFile file(path, existing, calls);
  for (std::size_t at = 0; at < content().size(); at += 7000)
    file.write(std::string_view(content()).substr(at, 7000));
  file.commit();
}

class OutputFileTest : public testing::TestWithParam<OutputFile::Existing> {
 protected:
  OutputFileTest() {
    if (GetParam() == kReplace) std::ofstream(path_) << kOld;
  }
  [[nodiscard]] std::size_t files() const {
    const std::filesystem::directory_iterator all(directory_.path());
    return static_cast<std::size_t>(std::distance(all, std::filesystem::directory_iterator()));
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "x";
};

TEST_P(OutputFileTest, IsWholeOrNotThereWhicheverCallFails) {
  for (std::size_t number = 0;; ++number) {
    SCOPED_TRACE(number);
    std::filesystem::remove(path_);
    if (GetParam() == kReplace) std::ofstream(path_) << kOld;
    FaultyDisk disk(fail_once(number, ENOSPC));
    std::string problem;
    try {
      write_it(path_, GetParam(), disk);
    } catch (const Error& error) {
      problem = error.what();
    }
    const std::string found = text_of(path_);
    EXPECT_TRUE(found == content() || found == (GetParam() == kReplace ? kOld : ""));
    if (disk.faults() == 0) {
      EXPECT_EQ(problem, "");
      EXPECT_EQ(found, content());
      return;
    }
    if (found != content()) {
      EXPECT_NE(problem, "");
    }
  }
}

TEST_P(OutputFileTest, IsWholeOrNotThereAfterAPowerLossAtAnyMoment) {
  FaultyDisk disk;
  write_it(path_, GetParam(), disk);
  const std::vector<DiskOperation> operations = disk.operations();
  std::size_t whole = 0;
  for (std::size_t count = 0; count <= operations.size(); ++count) {
    const PowerLoss loss(std::span<const DiskOperation>(operations).first(count));
    for (std::size_t missing = 0; missing <= loss.unsynced().size(); ++missing) {
      std::vector<std::size_t> kept(loss.unsynced().size(), PowerLoss::kPage);
      if (missing < kept.size()) kept[missing] = 0;
      for (std::size_t names = 0; names <= loss.unsynced_names(); ++names) {
        const DiskContent state = loss.state(kept, names);
        if (!state.contains("x")) continue;  // or the old one, which the trace doesn't know
        EXPECT_EQ(state.at("x"), content());
        ++whole;
      }
    }
  }
  EXPECT_GT(whole, 0U);
  const PowerLoss at_the_end(operations);
  EXPECT_EQ(at_the_end.state({}, 0).at("x"), content()) << "it stays";
}

TEST_P(OutputFileTest, LeavesNothingBehindWhenItIsNotCommitted) {
  const std::size_t before = files();
  {
    OutputFile file(path_, GetParam());
    file.write("half of it");
  }
  EXPECT_EQ(files(), before);
  EXPECT_EQ(text_of(path_), GetParam() == kReplace ? kOld : "");
}

INSTANTIATE_TEST_SUITE_P(Existing,
                         OutputFileTest,
                         testing::Values(kRefuse, kReplace),
                         [](const auto& existing) {
                           return existing.param == kRefuse ? "Refuse" : "Replace";
                         });

}  // namespace
}  // namespace smtptape
