// Where a server listens, and what it says of that.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "replay/serve.h"

namespace smtptape {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string url_of(const std::string& address, Reach reach) {
  ServeOptions options;
  options.listen = address;
  options.reach = reach;
  return Server(options, nullptr, nullptr).url();
}

TEST(Listen, TellsItsUrl) {
  EXPECT_THAT(url_of("127.0.0.1:0", Reach::Loopback), StartsWith("http://127.0.0.1:"));
  EXPECT_THAT(url_of("127.0.0.2:0", Reach::Loopback), StartsWith("http://127.0.0.2:"));
  EXPECT_THAT(url_of("0.0.0.0:0", Reach::Anyone), StartsWith("http://127.0.0.1:"));
  EXPECT_THAT(url_of("127.0.0.1:0", Reach::Loopback), Not(::testing::EndsWith(":0")));
}

TEST(Listen, RefusesWhatOthersCanReachUnlessTold) {
  for (const char* const address : {"0.0.0.0:0", "192.0.2.1:8001", "[::]:0"})
    EXPECT_THROW(static_cast<void>(url_of(address, Reach::Loopback)), UsageError) << address;
}

TEST(Listen, RefusesWhatIsNoAddress) {
  for (const char* const address : {"",
                                    ":",
                                    "8001",
                                    ":8001",
                                    "127.0.0.1",
                                    "127.0.0.1:",
                                    "127.0.0.1:65536",
                                    "127.0.0.1:x",
                                    "::1:8001",
                                    "[]:1",
                                    "127.0.0.1:-1"})
    EXPECT_THROW(static_cast<void>(url_of(address, Reach::Loopback)), UsageError) << address;
}

TEST(Listen, SaysThatAPortIsTaken) {
  ServeOptions options;
  options.listen = "127.0.0.1:0";
  const Server first(options, nullptr, nullptr);
  options.listen = "127.0.0.1:" + std::to_string(first.port());
  try {
    const Server second(options, nullptr, nullptr);
    FAIL() << "two servers on one port";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), "listening on " + options.listen + ": Address already in use");
    EXPECT_EQ(error.exit(), Exit::Failed);
  }
}

TEST(HowToConnect, GivesTheCommandLineAndWhoCan) {
  const std::string text = how_to_connect("http://127.0.0.1:8001", Reach::Loopback);
  EXPECT_THAT(text, HasSubstr("\n  kcli --endpoint http://127.0.0.1:8001 trace-smtp-client\n"));
  EXPECT_THAT(text, HasSubstr("any local user"));
  EXPECT_THAT(how_to_connect("http://127.0.0.1:8001", Reach::Anyone), HasSubstr("anybody"));
}

}  // namespace
}  // namespace smtptape
