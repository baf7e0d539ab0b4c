// What reaches a service manager, and what happens when none is there, or none that listens.
#include "base/service_manager.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_service_manager.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {

namespace {

using std::chrono::microseconds;
using testing::StartsWith;

std::optional<microseconds> interval(const std::string& usec, const std::string& pid = "") {
  return ServiceManager({"/nowhere", usec, pid}).alive_interval();
}

std::int64_t monotonic_now() {
  ::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

TEST(ServiceManager, NobodyThereIsNoError) {
  const ServiceManager manager({"", "30000000", ""});
  EXPECT_FALSE(manager.is_there());
  EXPECT_FALSE(manager.ready("recording"));
  EXPECT_FALSE(manager.reloading());
  EXPECT_FALSE(manager.alive());
  EXPECT_FALSE(manager.alive_interval());
}

TEST(ServiceManager, HearsEachStateInADatagramOfItsOwn) {
  const TemporaryDirectory directory;
  const FakeServiceManager fake(directory / "notify");
  const ServiceManager manager(fake.environment());
  EXPECT_TRUE(manager.is_there());
  EXPECT_FALSE(manager.ready("0 of 1 sources connected"));
  EXPECT_FALSE(manager.status("1 of 1 sources connected"));
  EXPECT_FALSE(manager.alive());
  EXPECT_FALSE(manager.stopping());
  EXPECT_EQ(fake.heard(), "READY=1\nSTATUS=0 of 1 sources connected");
  EXPECT_EQ(fake.heard(), "STATUS=1 of 1 sources connected");
  EXPECT_EQ(fake.heard(), "WATCHDOG=1");
  EXPECT_EQ(fake.heard(), "STOPPING=1");
}

TEST(ServiceManager, IsFoundUnderAnAbstractName) {
  const FakeServiceManager fake("@smtptape-test-" + std::to_string(::getpid()));
  EXPECT_FALSE(ServiceManager(fake.environment()).alive());
  EXPECT_EQ(fake.heard(), "WATCHDOG=1");
}

TEST(ServiceManager, HearsWhenReloadingBegan) {
  const TemporaryDirectory directory;
  const FakeServiceManager fake(directory / "notify");
  const std::int64_t before = monotonic_now();
  EXPECT_FALSE(ServiceManager(fake.environment()).reloading());
  const std::int64_t after = monotonic_now();

  const std::string begins = "RELOADING=1\nMONOTONIC_USEC=";
  const std::string heard = fake.heard();
  ASSERT_THAT(heard, StartsWith(begins));
  const std::int64_t told = std::stoll(heard.substr(begins.size()));
  EXPECT_GE(told, before);
  EXPECT_LE(told, after);
}

TEST(ServiceManager, AStatusCanNotBringOtherLines) {
  const TemporaryDirectory directory;
  const FakeServiceManager fake(directory / "notify");
  EXPECT_FALSE(ServiceManager(fake.environment()).status("a\nREADY=1\x7f\tb\u009b2J\xff"));
  EXPECT_EQ(fake.heard(), "STATUS=a\\nREADY=1\\u{7f}\\tb\\u{9b}2J\\xff");
}

TEST(ServiceManager, ALongStatusIsCutBetweenCharacters) {
  const TemporaryDirectory directory;
  const FakeServiceManager fake(directory / "notify");
  const ServiceManager manager(fake.environment());
  const std::string almost(ServiceManager::kMostStatus - 1, 'x');
  EXPECT_FALSE(manager.status(almost + "ä"));
  EXPECT_EQ(fake.heard(), "STATUS=" + almost);
  EXPECT_FALSE(manager.status(almost + "yz"));
  EXPECT_EQ(fake.heard(), "STATUS=" + almost + "y");
  EXPECT_FALSE(manager.status(almost + "y"));
  EXPECT_EQ(fake.heard(), "STATUS=" + almost + "y");
}

TEST(ServiceManager, SaysWhyItCouldNotBeTold) {
  const TemporaryDirectory directory;
  const auto why = [](const std::string& name) {
    return ServiceManager({name, "", ""}).ready("").value();
  };
  EXPECT_EQ(why(directory / "gone"), ENOENT);
  EXPECT_EQ(why("/" + std::string(sizeof(::sockaddr_un::sun_path), 'x')), ENAMETOOLONG);
  EXPECT_EQ(why("@" + std::string(sizeof(::sockaddr_un::sun_path), 'x')), ENAMETOOLONG);
  EXPECT_EQ(why("vsock:2:1234"), EAFNOSUPPORT);
}

// A manager that doesn't read must not hold up a recorder; and gets what matters when it reads.
TEST(ServiceManager, IsNotWaitedForUnlessItMatters) {
  const TemporaryDirectory directory;
  const FakeServiceManager fake(directory / "notify");
  const ServiceManager manager(fake.environment());
  std::error_code full;
  constexpr int kMoreThanASocketHolds = 1'000'000;
  for (int i = 0; !full && i < kMoreThanASocketHolds; ++i)
    full = manager.alive();
  EXPECT_EQ(full.value(), EAGAIN);
  EXPECT_EQ(manager.status("full").value(), EAGAIN);

  std::error_code told = std::make_error_code(std::errc::interrupted);
  std::thread teller([&] { told = manager.ready("at last"); });
  std::string heard = fake.heard();
  while (heard == "WATCHDOG=1")
    heard = fake.heard();
  teller.join();
  EXPECT_FALSE(told) << told.message();
  EXPECT_EQ(heard, "READY=1\nSTATUS=at last");
  EXPECT_EQ(fake.heard_at_once(), "(nothing)");
}

TEST(ServiceManager, WantsASignOfLifeTwiceInTheTimeAllowed) {
  const std::string mine = std::to_string(::getpid());
  EXPECT_EQ(interval("30000000"), microseconds(15'000'000));
  EXPECT_EQ(interval("30000000", mine), microseconds(15'000'000));
  EXPECT_EQ(interval("1"), microseconds(1));
}

TEST(ServiceManager, WantsNoSignOfLifeFromOthersOrOfNonsense) {
  EXPECT_EQ(interval("30000000", std::to_string(::getpid() + 1)), std::nullopt);
  EXPECT_EQ(interval("30000000", "x"), std::nullopt);
  for (const char* const usec : {"", "0", "-5", "12s", " 12", "1234567890123456789"}) {
    EXPECT_EQ(interval(usec), std::nullopt) << usec;
  }
}

}  // namespace smtptape
