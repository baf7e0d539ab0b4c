#include "cli/text/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"

namespace smtptape {
namespace {

using testing::HasSubstr;
using testing::Not;

// Standard error as a pipe that nobody reads, until read_all().
class UnreadStandardError {
 public:
  UnreadStandardError() : before_(::dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    read_end_ = UniqueFd(ends[0]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
  }
  ~UnreadStandardError() { ::dup2(before_.get(), STDERR_FILENO); }
  UnreadStandardError(const UnreadStandardError&) = delete;
  UnreadStandardError& operator=(const UnreadStandardError&) = delete;

  void fill() const {
    const UniqueFd other(::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    const std::string bytes(4096, 'x');
    while (::write(other.get(), bytes.data(), bytes.size()) > 0) {
    }
  }
  [[nodiscard]] std::string read_all() const {
    std::string all;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(read_end_.get(), buffer.data(), buffer.size())) > 0;)
      all.append(buffer.data(), static_cast<std::size_t>(got));
    return all;
  }

 private:
  UniqueFd before_;
  UniqueFd read_end_;
};

TEST(SayWithoutWaiting, WaitsForNoReaderAndTellsWhatWasMissed) {
  const UnreadStandardError error;
  say_without_waiting("heard");
  EXPECT_EQ(error.read_all(), "smtptape: heard\n");
  error.fill();
  say_without_waiting("lost");  // here it would wait for ever
  say_without_waiting("two\nmore");
  EXPECT_THAT(error.read_all(), Not(HasSubstr("lost")));
  say_without_waiting("heard again");
  EXPECT_EQ(error.read_all(),
            "smtptape: 3 lines could not be written here: nobody was reading\n"
            "smtptape: heard again\n");
}

TEST(SayWithoutWaiting, CutsWhatIsLongerThanAPipeIsSureToTake) {
  const UnreadStandardError error;
  say_without_waiting(std::string(100'000, 'y'));
  const std::string said = error.read_all();
  EXPECT_LE(said.size(), 4096U);
  EXPECT_TRUE(said.ends_with("y\n"));
}

// ---- colour ----

// Standard output is a terminal.
class TerminalOutput {
 public:
  TerminalOutput() : before_(::dup(STDOUT_FILENO)), controller_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    ::grantpt(controller_.get());
    ::unlockpt(controller_.get());
    const UniqueFd terminal(::open(::ptsname(controller_.get()), O_RDWR | O_NOCTTY));
    ::dup2(terminal.get(), STDOUT_FILENO);
  }
  ~TerminalOutput() { ::dup2(before_.get(), STDOUT_FILENO); }
  TerminalOutput(const TerminalOutput&) = delete;
  TerminalOutput& operator=(const TerminalOutput&) = delete;

 private:
  UniqueFd before_;
  UniqueFd controller_;
};

TEST(Color, IsForTerminalsUnlessSomethingIsSetThatIsNotEmpty) {
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm", 1);
  const TerminalOutput terminal;
  EXPECT_TRUE(use_color(ColorChoice::Terminal));
  ::setenv("NO_COLOR", "", 1);
  EXPECT_TRUE(use_color(ColorChoice::Terminal)) << "no-color.org: when not empty";
  ::setenv("NO_COLOR", "0", 1);
  EXPECT_FALSE(use_color(ColorChoice::Terminal));
  EXPECT_TRUE(use_color(ColorChoice::Always)) << "what is asked for goes before";
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(use_color(ColorChoice::Terminal));
}

// ---- descriptors that do not block ----

TEST(StandardOutputTest, IsWaitedForWhereItDoesNotBlock) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  const UniqueFd before(::dup(STDOUT_FILENO));
  ::dup2(ends[1], STDOUT_FILENO);
  ::close(ends[1]);
  ::fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
  const std::string sent(8 << 20, 'x');  // more than fits
  std::string got;
  std::thread reader([&] {
    std::array<char, 65536> buffer{};
    for (ssize_t size = 0; got.size() < sent.size() &&
                           (size = ::read(read_end.get(), buffer.data(), buffer.size())) > 0;)
      got.append(buffer.data(), static_cast<std::size_t>(size));
  });
  std::string problem;
  try {
    StandardOutput().write(sent);
  } catch (const Error& error) {
    problem = error.what();
  }
  ::dup2(before.get(), STDOUT_FILENO);  // the reader sees its end
  reader.join();
  EXPECT_EQ(problem, "");
  EXPECT_TRUE(got == sent);
}

}  // namespace
}  // namespace smtptape
