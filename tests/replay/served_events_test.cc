#include "replay/served_events.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"
#include "format/tape/compressor.h"
#include "format/wire/wire.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;

class ServedEventsTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, std::string_view text) const {
    const std::string path = directory_.path() / name;
    FdSink(create_file(path), path).write(text);
    return path;
  }

  TemporaryDirectory directory_;
};

std::string at(std::string_view second, std::string_view id) {
  return R"({"conn_meta":{"id":")" + std::string(id) +
         R"("},"payload":"Connected","when":"2026-08-04T13:54:)" + std::string(second) + "Z\"}\n";
}

// The session ids, in order.
std::vector<std::string> ids_of(EventSource& source) {
  std::vector<std::string> ids;
  EventBatch batch;
  while (source.next(batch)) {
    for (const Event& event : batch.events)
      ids.emplace_back(event.meta == nullptr ? "?" : event.meta->session_id().value());
  }
  return ids;
}

TEST_F(ServedEventsTest, GivesEachClientAllOfAFile) {
  ServedEvents events({write("a.jsonl", at("01", "a") + at("02", "b"))}, nullptr);
  const std::unique_ptr<EventSource> first = events.open();
  const std::unique_ptr<EventSource> second = events.open();
  EXPECT_THAT(ids_of(*first), ElementsAre("a", "b"));
  EXPECT_THAT(ids_of(*second), ElementsAre("a", "b"));
  EXPECT_FALSE(events.trouble());
}

TEST_F(ServedEventsTest, MergesFilesByTime) {
  ServedEvents events({write("a.jsonl", at("01", "a1") + at("05", "a5") + at("05", "a5")),
                       write("b.jsonl", at("05", "b5") + at("02", "b2") + at("06", "b6")),
                       write("empty.jsonl", "")},
                      nullptr);
  // b2 stays behind b5, with which it came.
  EXPECT_THAT(ids_of(*events.open()), ElementsAre("a1", "a5", "a5", "b5", "b2", "b6"));
}

TEST_F(ServedEventsTest, KnowsFilesOfFramesByTheirFirstBytes) {
  const std::string lines = at("01", "a") + at("02", "b");
  for (const std::string name : {"a.jsonl.zst", "b", "c.txt"}) {
    ServedEvents events({write(name, compress_whole(lines))}, nullptr);
    EXPECT_THAT(ids_of(*events.open()), ElementsAre("a", "b")) << name;
  }
  ServedEvents events({write("plain", lines)}, nullptr);
  EXPECT_THAT(ids_of(*events.open()), ElementsAre("a", "b"));
  const std::string half = compress_whole(lines).substr(0, 50);
  EXPECT_THROW(ServedEvents({write("cut.jsonl.zst", half)}, nullptr), Error);
}

TEST_F(ServedEventsTest, RefusesWhatIsNotThere) {
  EXPECT_THROW(ServedEvents({directory_.path() / "no.jsonl"}, nullptr), Error);
  EXPECT_THROW(ServedEvents({directory_.path() / "no.tape"}, nullptr), Error);
  EXPECT_THROW(ServedEvents({directory_.path()}, nullptr), Error);
}

TEST_F(ServedEventsTest, TellsTroubleOnce) {
  std::vector<std::string> lines;
  ServedEvents events({write("a.jsonl", "")},
                      [&](std::string_view line) { lines.emplace_back(line); });
  events.tell("a gap");
  events.tell("a gap");
  EXPECT_THAT(lines, ElementsAre("a gap"));
  EXPECT_TRUE(events.trouble());
  for (int i = 0; i < 1000; ++i)
    events.tell(std::to_string(i));
  EXPECT_LT(lines.size(), 100U);
}

}  // namespace
}  // namespace smtptape
