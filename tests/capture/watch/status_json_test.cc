#include "capture/watch/status_json.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/capture/watch/example_status.h"

namespace smtptape {
namespace {

using testing::example_status;
using ::testing::HasSubstr;
using testing::troubled_status;

TEST(StatusJson, ComesBackAsItWas) {
  const std::string json = status_json(troubled_status());
  EXPECT_EQ(json.find('\n'), std::string::npos);
  const RecorderStatus back = read_status_json(json);
  EXPECT_EQ(status_json(back), json);
  ASSERT_EQ(back.sources.size(), 3U);
  const SourceStatus& source = back.sources[0];
  const SourceStatus want = testing::example_source();
  EXPECT_EQ(source.name, "mta1");
  EXPECT_TRUE(source.connected);
  EXPECT_EQ(source.since, want.since);
  EXPECT_EQ(source.last_error_at, want.last_error_at);
  EXPECT_EQ(source.ledger, want.ledger);
  EXPECT_EQ(source.receive_delay.counts, want.receive_delay.counts);
  EXPECT_DOUBLE_EQ(source.receive_delay.sum, want.receive_delay.sum);
  EXPECT_DOUBLE_EQ(source.events_per_second, 12.5);
  EXPECT_EQ(source.tapes_sealed, want.tapes_sealed);
  EXPECT_EQ(back.sources[2].disk_trouble, "No space left on device");
  EXPECT_FALSE(back.is_ready());
  EXPECT_EQ(back.pruned.at(0).bytes, 555U);
}

// Whoever asks over the socket hears what /readyz says.
TEST(StatusJson, KeepsWhatHealthIsMadeOf) {
  RecorderStatus status = example_status();
  EXPECT_TRUE(status.is_ready());
  status.sources[0].dropping = true;
  EXPECT_FALSE(status.is_ready());
  EXPECT_EQ(why_not_ready(read_status_json(status_json(status)).sources[0]),
            "the queue is full, events are being dropped");
  status.sources[0].dropping = false;
  status.sources[0].stalled_for = SourceStatus::kStalled - 1;
  EXPECT_TRUE(read_status_json(status_json(status)).is_ready());
  status.sources[0].stalled_for = SourceStatus::kStalled;
  EXPECT_FALSE(status.is_ready());
  EXPECT_EQ(why_not_ready(read_status_json(status_json(status)).sources[0]),
            "nothing was written for 5 s although something waits");
}

TEST(StatusJson, SaysWhatItIs) {
  EXPECT_THAT(status_json(example_status()),
              HasSubstr(R"({"schema":"smtptape.status/1","running":true,)"));
  EXPECT_THAT(status_json(example_status()), HasSubstr(R"("ready":true)"));
  EXPECT_THAT(status_json(troubled_status()), HasSubstr(R"("ready":false)"));
}

TEST(StatusJson, TellsTheTotalsOfAllSources) {
  RecorderStatus status = troubled_status();
  status.store_tapes = 7;
  EXPECT_THAT(status_json(status),
              HasSubstr(R"("totals":{"ledger":{"received":3600,"stored":3000,)"));
  EXPECT_THAT(status_json(status),
              HasSubstr(R"("tapes":7,"bytes":10485760,"oldest":"2025-11-13T02:13:20.000Z",)"
                        R"("last_event_at":"2025-11-25T03:59:59.500Z"})"));
  EXPECT_EQ(read_status_json(status_json(status)).store_tapes, 7U);
}

TEST(StatusJson, PassesOverWhatALaterRecorderAdds) {
  std::string json = status_json(example_status());
  json.insert(json.find("\"sources\":[{") + 12, R"("mood":{"a":[1,null]},)");
  json.insert(1, R"("weather":"fine",)");
  EXPECT_EQ(status_json(read_status_json(json)), status_json(example_status()));
}

TEST(StatusJson, CutAnywhereItIsRefused) {
  const std::string json = status_json(example_status());
  for (std::size_t size = 0; size < json.size(); ++size)
    EXPECT_THROW(static_cast<void>(read_status_json(json.substr(0, size))), Error) << size;
}

// Whatever comes is read or refused, and what was read can be told again.
TEST(StatusJson, WithAnyBitFlippedItIsReadOrRefused) {
  const std::string json = status_json(example_status());
  for (std::size_t at = 0; at < json.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = json;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      try {
        const std::string told = status_json(read_status_json(changed));
        EXPECT_EQ(status_json(read_status_json(told)), told) << at << " " << bit;
      } catch (const Error&) {
        continue;
      }
    }
  }
}

TEST(StatusJson, WhatIsNoStatusIsRefused) {
  for (const std::string& json :
       {std::string("{}"),
        std::string("[]"),
        std::string(R"({"schema":"smtptape.info/1"})"),
        std::string(R"({"schema":"smtptape.status/1","now":"yesterday"})"),
        std::string(R"({"schema":"smtptape.status/1","now":"9999Z"})"),
        std::string(R"({"schema":"smtptape.status/1","sources":[1]})"),
        std::string("{\"schema\":\"smtptape.status/1\xff\"}")}) {
    EXPECT_THROW(static_cast<void>(read_status_json(json)), Error) << json;
  }
}

TEST(StatusJson, MoreBucketsThanAreKnownAreRefused) {
  std::string json = status_json(example_status());
  const std::string counts = "\"counts\":[";
  json.insert(json.find(counts) + counts.size(), "1,");
  EXPECT_THROW(static_cast<void>(read_status_json(json)), Error);
}

}  // namespace
}  // namespace smtptape
