// Events of which something was left out when they were recorded: what a tape says of them.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/io.h"
#include "format/event.h"
#include "format/tape/session_rows.h"
#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"

namespace smtptape {
namespace {

struct Seen {
  EventKind kind;
  std::string text;
  std::uint64_t full;
  std::uint64_t missing;
  bool trimmed;
  bool masked;
  bool operator==(const Seen&) const = default;
};

Seen seen(const Event& event) {
  return {event.kind,
          std::string(event.text),
          full_length(event),
          bytes_not_recorded(event),
          event.trimmed,
          event.masked};
}

// What `capture` makes of a body, of a password, and of frames that it can't take apart.
class AlteredEvents : public testing::TestWithParam<Layout> {
 protected:
  AlteredEvents() {
    add(EventKind::Write, "Subject: a\r\n\r\n").length = 5000;
    events_.events.back().trimmed = true;
    add(EventKind::Write, "AUTH PLAIN ****\r\n").masked = true;
    add(EventKind::AbbreviatedWrite, "").length = 700;
    events_.events.back().trimmed = true;
    add(EventKind::AbbreviatedWrite, "Subject: b").length = 800;
    add(EventKind::Write, "QUIT\r\n");
    Event& blank = decoder_.decode("*******", Opcode::Binary, events_);
    blank.sequence = events_.events.size();
    blank.masked = true;
    Event& odd = decoder_.decode(kOdd, Opcode::Text, events_);
    odd.sequence = events_.events.size();
    odd.trimmed = true;
    odd.length = 90;
  }

  Event& add(EventKind kind, std::string_view text) {
    Event& event = decoder_.decode(kPlain, Opcode::Text, events_);
    event.kind = kind;
    event.text = text;
    event.sequence = events_.events.size();
    return event;
  }

  [[nodiscard]] std::string tape() const {
    TapeHeader header;
    header.tape_id = random_id();
    header.layout = GetParam();
    StringSink sink;
    TapeWriter writer(sink, header, {});
    for (const Event& event : events_.events)
      writer.add(event);
    writer.seal({}, 0);
    return sink.text();
  }

  static constexpr std::string_view kPlain =
      R"({"conn_meta":{"id":"A"},"payload":"Closed","when":"2026-08-04T13:54:50Z"})";
  static constexpr std::string_view kOdd =
      R"({"conn_meta":{"id":"A"}, "payload":{"Write":"a: b\r\n"},"when":"2026-08-04T13:54:50Z"})";
  WireDecoder decoder_;
  EventBatch events_;
};

TEST_P(AlteredEvents, KeepTheirMarksAndLengthsOnATape) {
  const std::string bytes = tape();
  StringSource source(bytes);
  TapeReader reader(source, "x.tape");
  std::vector<Seen> got;
  for (EventBatch batch; reader.next(batch);) {
    for (const Event& event : batch.events)
      got.push_back(seen(event));
  }
  std::vector<Seen> want;
  for (const Event& event : events_.events)
    want.push_back(seen(event));
  EXPECT_EQ(got, want);
  ASSERT_EQ(want.size(), 7U);
  EXPECT_EQ(want[0].missing, 4986U);
  EXPECT_EQ(want[2].missing, 700U);
  EXPECT_EQ(want[3].missing, 0U);
  EXPECT_EQ(want[6].missing, 84U);
}

TEST_P(AlteredEvents, AreCountedInTheIndexWithTheirFullLength) {
  const std::string bytes = tape();
  StringSource source(bytes);
  TapeReader reader(source, "x.tape");
  for (EventBatch batch; reader.next(batch);) {
  }
  const GroupIndex& index = reader.footer().value().groups.at(0);
  EXPECT_EQ(index.trimmed, 3U);
  EXPECT_EQ(index.masked, 2U);
  const SessionRows rows = read_rows(reader.indexes().at(0));
  EXPECT_EQ(rows.rows.at(0).bytes_written, 5000U + 17 + 700 + 800 + 6 + 90);
}

INSTANTIATE_TEST_SUITE_P(Layouts,
                         AlteredEvents,
                         testing::Values(Layout::Interleaved, Layout::TwoFrames));

// ---- and abbreviated, as a server would ----

Event abbreviated(std::string_view text, std::uint64_t length) {
  Event event;
  event.kind = EventKind::Write;
  event.text = text;
  event.length = length;
  event.trimmed = length != 0;
  Arena arena;
  abbreviate(event, arena);
  return event;
}

TEST(Abbreviate, CountsWhatWasNotRecorded) {
  const Event event = abbreviated("Subject: a\r\n\r\n", 5000);
  EXPECT_EQ(seen(event), (Seen{EventKind::AbbreviatedWrite, "Subject: a", 5000, 0, false, false}));
}

TEST(Abbreviate, SaysSoWhenTheFirstLineWasNotRecorded) {
  const Event event = abbreviated("", 5000);
  EXPECT_EQ(seen(event), (Seen{EventKind::AbbreviatedWrite, "", 5000, 5000, true, false}));
}

TEST(Abbreviate, AMessageOfWhichOneLineIsKeptHadMore) {
  EXPECT_EQ(abbreviated("a: b\r\n", 5000).kind, EventKind::AbbreviatedWrite);
  EXPECT_EQ(abbreviated("a: b\r\n", 0).kind, EventKind::Write);
}

// A hostile tape may say anything.
TEST(FullLength, IsNeverBelowWhatIsThere) {
  Event event;
  event.kind = EventKind::Write;
  event.text = "abcd";
  event.length = 3;
  event.trimmed = true;
  EXPECT_EQ(full_length(event), 4U);
  EXPECT_EQ(bytes_not_recorded(event), 0U);
}

}  // namespace
}  // namespace smtptape
