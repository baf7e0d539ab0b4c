// Output files appear whole or not at all, whatever fails and whenever the power does.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
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
        EXPECT_TRUE(state.at("x") == content()) << "whole, or not there";
        ++whole;
      }
    }
  }
  EXPECT_GT(whole, 0U);
  const PowerLoss at_the_end(operations);
  ASSERT_TRUE(at_the_end.unsynced().empty()) << "the content is synced";
  ASSERT_EQ(at_the_end.unsynced_names(), 0U) << "and so is the name";
  const DiskContent lasting = at_the_end.state({}, 0);
  ASSERT_TRUE(lasting.contains("x"));
  EXPECT_TRUE(lasting.at("x") == content());
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

TEST_P(OutputFileTest, NeedsNoLinks) {
  for (const int error : {EPERM, EOPNOTSUPP, ENOSYS}) {
    std::filesystem::remove(path_);
    FaultyDisk disk([error](std::size_t, FaultyDisk::Call call) {
      return FaultyDisk::Fate{call == FaultyDisk::Call::Link ? error : 0, false};
    });
    write_it(path_, GetParam(), disk);
    EXPECT_TRUE(text_of(path_) == content());
    EXPECT_EQ(files(), 1U);
  }
}

// Runs it in a child that a signal ends; returns which.
template <class Work>
int signal_that_ends(int number, Work work) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    work([&ends] {
      static_cast<void>(::write(ends[1], "x", 1));
      for (;;)
        ::pause();
    });
    ::_exit(0);
  }
  ::close(ends[1]);
  char ready = 0;
  EXPECT_EQ(::read(ends[0], &ready, 1), 1);
  ::close(ends[0]);
  ::kill(child, number);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST_P(OutputFileTest, LeavesNothingBehindWhenASignalEndsTheProgram) {
  const std::size_t before = files();
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const int ended_by = signal_that_ends(number, [this](const auto& wait) {
      OutputFile file(path_, GetParam());
      const OutputDirectory made(directory_ / "made");
      OutputFile copy(directory_ / "made/copy", GetParam());
      file.write("half of it");
      copy.write("half of it");
      wait();
    });
    EXPECT_EQ(ended_by, number);
    EXPECT_EQ(files(), before);
    EXPECT_EQ(text_of(path_), GetParam() == kReplace ? kOld : "");
  }
}

TEST_P(OutputFileTest, StaysWhereASignalIsIgnored) {
  static_cast<void>(content());  // is made once, and before the child is
  const int ended_by = signal_that_ends(SIGTERM, [this](const auto& wait) {
    ::signal(SIGHUP, SIG_IGN);
    OutputFile file(path_, GetParam());
    ::raise(SIGHUP);
    file.write(content());
    file.commit();
    wait();
  });
  EXPECT_EQ(ended_by, SIGTERM);
  EXPECT_TRUE(text_of(path_) == content());
}

TEST(OutputDirectory, IsPrivateAndStaysWithWhatIsInIt) {
  const TemporaryDirectory directory;
  const std::string path = directory / "made";
  const mode_t mask = ::umask(0);
  {
    const OutputDirectory made(path);
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0700));
  }
  ::umask(mask);
  EXPECT_FALSE(std::filesystem::exists(path)) << "nothing was in it";
  {
    const OutputDirectory made(path);
    std::ofstream(path + "/x") << "x";
  }
  EXPECT_TRUE(std::filesystem::exists(path + "/x"));
  std::filesystem::remove(path + "/x");
  { const OutputDirectory not_ours(path); }
  EXPECT_TRUE(std::filesystem::exists(path)) << "it was there before";
}

INSTANTIATE_TEST_SUITE_P(Existing,
                         OutputFileTest,
                         testing::Values(kRefuse, kReplace),
                         [](const auto& existing) {
                           return existing.param == kRefuse ? "Refuse" : "Replace";
                         });

}  // namespace
}  // namespace smtptape
