#include "cli/config/recorder_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Config config_of(const std::string& text) {
  return std::get<Config>(parse_config(text, "/etc/smtptape.toml"));
}

const std::string kSource = "[[source]]\nname = \"a\"\nendpoint = \"http://a\"\n";

TEST(Reload, LimitsTakeNoRestart) {
  const Config running = config_of(kSource);
  const Config read = config_of(
      "rotate_size = \"1M\"\nrotate_interval = \"1m\"\nrotate_aligned = true\n"
      "max_bytes = \"1G\"\nmax_age = \"1d\"\nmax_tapes = 5\nkeep_free = \"5%\"\n"
      "keep_at_least = \"1h\"\non_full = \"stop\"\n" +
      kSource);
  EXPECT_THAT(what_takes_a_restart(running, read), IsEmpty());
}

TEST(Limits, AreWhatTheFileSays) {
  const Config read = config_of(
      "rotate_size = \"1M\"\nrotate_interval = \"1m\"\nrotate_aligned = true\n"
      "max_bytes = \"1G\"\nmax_age = \"1d\"\nmax_tapes = 5\nkeep_free = \"5%\"\n"
      "keep_at_least = \"1h\"\non_full = \"stop\"\n" +
      kSource);
  const StoreLimits limits = limits_of(read.store, 1);
  EXPECT_EQ(limits.rotate_size, kMiB);
  EXPECT_EQ(limits.rotate_interval, std::chrono::minutes(1));
  EXPECT_TRUE(limits.rotate_aligned);
  EXPECT_EQ(limits.on_full, OnFull::Stop);
  EXPECT_EQ(limits.retention.max_bytes, 1024 * kMiB);
  EXPECT_EQ(limits.retention.max_age, std::chrono::hours(24));
  EXPECT_EQ(limits.retention.max_tapes, 5U);
  EXPECT_EQ(limits.retention.keep_free, (KeepFree{0, 5}));
  EXPECT_EQ(limits.retention.keep_at_least, std::chrono::hours(1));
  EXPECT_FALSE(limits_of(config_of(kSource).store, 1).rotate_aligned);
}

TEST(Reload, EverythingElseDoesAndIsNamed) {
  const Config running = config_of("store = \"s\"\nsecrets = \"mask\"\n" + kSource);
  EXPECT_THAT(what_takes_a_restart(running, running), IsEmpty());
  EXPECT_THAT(what_takes_a_restart(running,
                                   config_of("store = \"t\"\nlisten_metrics = \"127.0.0.1:1\"\n" +
                                             kSource + "tenant = \"acme\"\n")),
              ElementsAre("store", "secrets", "listen_metrics", "source"));
}

}  // namespace
}  // namespace smtptape
