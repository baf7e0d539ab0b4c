// --bodies headers and none: what of messages is stored.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "filters/event_levels.h"
#include "format/event.h"
#include "smtp/header.h"
#include "tests/filters/applied_levels.h"

namespace smtptape {
namespace {

constexpr Levels kHeaders{Bodies::Headers, Secrets::Keep};
constexpr Levels kNone{Bodies::None, Secrets::Keep};
constexpr std::string_view kHeader = "Subject: hello\r\nTo: a@b.example,\r\n c@d.example\r\n\r\n";
constexpr std::string_view kText = "Dear all,\r\n..\r\nsee you\r\n";

class TrimmedBodies : public testing::TestWithParam<Bodies> {
 protected:
  [[nodiscard]] std::string kept_of(std::string_view header) const {
    return GetParam() == Bodies::Headers ? std::string(header) : std::string();
  }
  void expect_kept(std::string_view text) { EXPECT_EQ(feed_.write(text), text); }
  void expect_trimmed(std::string_view header, std::string_view text) {
    const std::string whole = std::string(header).append(text);
    const Event& event = feed_.take(dialogue_frame("A", "Write", whole));
    EXPECT_EQ(event.text, kept_of(header));
    EXPECT_TRUE(event.trimmed);
    EXPECT_FALSE(event.masked);
    EXPECT_EQ(full_length(event), whole.size());
    EXPECT_EQ(bytes_not_recorded(event), whole.size() - event.text.size());
  }
  void send_data() {
    expect_kept("MAIL FROM:<a@b.example>\r\n");
    expect_kept("DATA\r\n");
    feed_.read("250 ok\r\n354 go ahead\r\n");
  }

  AppliedLevels feed_{Levels{GetParam(), Secrets::Keep}};
};

TEST_P(TrimmedBodies, OfAMessageAndNothingElse) {
  feed_.happens("BeginSession");
  feed_.happens("Connected");
  expect_kept("EHLO out.example\r\n");
  send_data();
  expect_trimmed(kHeader, kText);
  expect_kept(".\r\n");
  EXPECT_EQ(feed_.read("250 queued\r\n"), "250 queued\r\n");
  expect_kept("QUIT\r\n");
  feed_.happens("Closed");
  EXPECT_EQ(feed_.levels().trimmed(), 1U);
}

TEST_P(TrimmedBodies, OfEachMessageOfAConnection) {
  for (int i = 0; i < 3; ++i) {
    feed_.happens("MessageObtained");
    if (i > 0) expect_kept("RSET\r\n");
    send_data();
    expect_trimmed(kHeader, std::string(kText) + "no line end");
    expect_kept("\r\n.\r\n");
    feed_.read("250 queued\r\n");
  }
  EXPECT_EQ(feed_.levels().trimmed(), 3U);
}

TEST_P(TrimmedBodies, NotWhenDataIsRefused) {
  expect_kept("DATA\r\n");
  feed_.read("554 no valid recipients\r\n");
  expect_kept("RSET\r\n");
  expect_kept("MAIL FROM:<a@b.example>\r\n");
  expect_kept("QUIT\r\n");
}

TEST_P(TrimmedBodies, OnlyTheDotWhenAllRecipientsFailed) {
  send_data();
  expect_kept(".\r\n");
  expect_kept("QUIT\r\n");
}

TEST_P(TrimmedBodies, AMessageThatIsSentBeforeTheReply) {
  expect_kept("DATA\r\n");
  expect_trimmed(kHeader, kText);
  feed_.read("354 go ahead\r\n");
  expect_kept(".\r\n");
  feed_.read("250 queued\r\n");
  expect_kept("QUIT\r\n");
}

TEST_P(TrimmedBodies, AMessageThatFollowsItsCommandInOneEvent) {
  expect_kept("RSET\r\n");
  const Event& event = feed_.take(
      dialogue_frame("A", "Write", "DATA\r\n" + std::string(kHeader).append(kText) + ".\r\n"));
  EXPECT_EQ(event.text, "DATA\r\n" + kept_of(kHeader));
  EXPECT_TRUE(event.trimmed);
  expect_kept("QUIT\r\n");
}

TEST_P(TrimmedBodies, WhatLooksLikeCommandsInAMessageIsNone) {
  send_data();
  expect_trimmed("\r\n", "QUIT\r\nMAIL FROM:<a@b.example>\r\n");
  expect_trimmed("", "DATA\r\n");
  expect_kept(".\r\n");
  send_data();
  expect_trimmed("", "RSET\r\n");
}

TEST_P(TrimmedBodies, AServerCantMakeAMessageAnAnswer) {
  expect_kept("DATA\r\n");
  feed_.read("354 go ahead\r\n334 dGVsbCBtZQ==\r\n");
  expect_trimmed(kHeader, kText);
}

TEST_P(TrimmedBodies, AReplyInPieces) {
  expect_kept("DATA\r\n");
  feed_.read("35");
  feed_.read("4 go");
  feed_.read(" ahead\r\n");
  expect_trimmed("", "QUIT\r\n");
}

TEST_P(TrimmedBodies, AConnectionThatBreaksInAMessage) {
  send_data();
  expect_trimmed(kHeader, kText);
  feed_.happens("Closed");
  feed_.happens("Connected");
  expect_kept("EHLO out.example\r\n");
  send_data();
  expect_trimmed(kHeader, kText);
}

TEST_P(TrimmedBodies, SessionsDontMix) {
  send_data();
  EXPECT_EQ(feed_.text("B", "Write", "RSET\r\n"), "RSET\r\n");
  feed_.take(dialogue_frame("B", "Closed", {}));
  expect_trimmed(kHeader, kText);
  EXPECT_EQ(feed_.text("B", "Write", "DATA\r\n"), "DATA\r\n");
  expect_kept(".\r\n");
  EXPECT_EQ(feed_.text("B", "Write", std::string(kHeader).append(kText)), kept_of(kHeader));
}

TEST_P(TrimmedBodies, WhatWasNotSeenBeginning) {
  expect_trimmed(kHeader, kText);
  expect_kept(".\r\n");
  expect_kept("RSET\r\n");
}

TEST_P(TrimmedBodies, LossesInBetween) {
  send_data();
  feed_.levels().lost_track();
  expect_trimmed(kHeader, kText);
  feed_.levels().lost_track();
  expect_kept("QUIT\r\n");
  expect_trimmed("", "the rest of another\r\n");
}

TEST_P(TrimmedBodies, AfterAnAuthWhoseEndWasLost) {
  expect_kept("AUTH LOGIN\r\n");
  feed_.read("334 VXNlcm5hbWU6\r\n");
  feed_.levels().lost_track();
  expect_trimmed(kHeader, kText);
}

INSTANTIATE_TEST_SUITE_P(Levels, TrimmedBodies, testing::Values(Bodies::Headers, Bodies::None));

// ---- headers ----

std::string header_of(std::string_view message) {
  AppliedLevels feed(kHeaders);
  feed.write("DATA\r\n");
  feed.read("354 go\r\n");
  return feed.write(message);
}

TEST(Headers, EndWithTheEmptyLine) {
  EXPECT_EQ(header_of("a: b\r\n\r\nc: d\r\n\r\n"), "a: b\r\n\r\n");
  EXPECT_EQ(header_of("a: b\n\nc: d\n"), "a: b\n\n");
  EXPECT_EQ(header_of("\r\ntext\r\n"), "\r\n");
  EXPECT_EQ(header_of("a : b\r\n\tc\r\n\r\n"), "a : b\r\n\tc\r\n\r\n");
}

TEST(Headers, MayBeAll) {
  EXPECT_EQ(header_of("a: b\r\nc: d\r\n"), "a: b\r\nc: d\r\n");
  EXPECT_EQ(header_of("a: b\r\nc: d"), "a: b\r\nc: d");
  EXPECT_EQ(header_of("a: b\r\n\r\n"), "a: b\r\n\r\n");
  EXPECT_EQ(header_of(""), "");
}

TEST(Headers, EndBeforeALineThatIsNoField) {
  EXPECT_EQ(header_of("hello\r\nworld\r\n"), "");
  EXPECT_EQ(header_of("a: b\r\nhello all: this is text\r\nc: d\r\n"), "a: b\r\n");
  EXPECT_EQ(header_of(" folded into nothing\r\na: b\r\n"), "");
  EXPECT_EQ(header_of(": no name\r\n"), "");
}

TEST(Headers, EndInAMessageWhoseLinesEndInCr) {
  EXPECT_EQ(header_of("a: b\rc: d\r\rtext\rmore\r"), "a: b\rc: d\r\r");
  EXPECT_EQ(header_of("a: b\rtext\r"), "a: b\r");
  EXPECT_EQ(header_of("a: b\r c\rd: e\r\rf: g\r"), "a: b\r c\rd: e\r\r");
  EXPECT_EQ(header_of("\rtext\r"), "\r");
  EXPECT_EQ(header_of("text\r"), "");
}

TEST(Headers, EndInAMixOfLineEnds) {
  EXPECT_EQ(header_of("a: b\r\r\ntext: 1\r\n"), "a: b\r\r\n");
  EXPECT_EQ(header_of("a: b\n\rtext: 1\r\n"), "a: b\n\r");
  EXPECT_EQ(header_of("a: b\r\nc: d\r\rtext: 1\r\n\r\n"), "a: b\r\nc: d\r\r");
  EXPECT_EQ(header_of("a: b\r\ntext 1\rc: d\n"), "a: b\r\n");
  EXPECT_EQ(header_of("a: b\r\n \t \r\ntext: 1\r\n"), "a: b\r\n") << "some end it with blanks";
}

TEST(Headers, EndBeforeWhatIsTooMuch) {
  const std::string longest = "a: " + std::string(HeaderReader::kMostLine - 3, 'x');
  EXPECT_EQ(header_of(longest + "\r\n\r\n"), longest + "\r\n\r\n");
  EXPECT_EQ(header_of("b: c\r\n" + longest + "x\r\n"), "b: c\r\n");
  EXPECT_EQ(header_of("Subject: all on one line " + std::string(20000, 'x')), "");
  std::string field = "a: " + std::string(1024 - 5, 'x') + "\r\n";
  std::string fields;
  for (int i = 0; i < 65; ++i)
    fields += field;
  EXPECT_EQ(header_of(fields), fields.substr(0, HeaderReader::kMostBytes));
}

TEST(Headers, ABoundedLineInPieces) {
  AppliedLevels feed(kHeaders);
  feed.write("DATA\r\n");
  feed.read("354 go\r\n");
  const std::string most(HeaderReader::kMostLine, 'x');
  EXPECT_EQ(feed.write("a: b"), "a: b");
  EXPECT_EQ(feed.write(most.substr(4)), most.substr(4));
  EXPECT_EQ(feed.write("x"), "");
  EXPECT_EQ(feed.write("c: d\r\n"), "");
}

TEST(Headers, ALineEndInTwoPieces) {
  AppliedLevels feed(kHeaders);
  feed.write("DATA\r\n");
  feed.read("354 go\r\n");
  EXPECT_EQ(feed.write("a: b\r"), "a: b\r");
  EXPECT_EQ(feed.write("\nc: d\r"), "\nc: d\r");
  EXPECT_EQ(feed.write("e: f\r"), "e: f\r");
  EXPECT_EQ(feed.write("\rg: text\r"), "\r");
  EXPECT_EQ(feed.write("\nh: i\r\n"), "");
}

TEST(Headers, OfAMessageThatWasNotSeenBeginning) {
  for (const char* const text : {"Help me\rI am a message\r", "NOOP\rtext\r\n", "QUIT \rtext\r"}) {
    AppliedLevels feed(kHeaders);
    EXPECT_EQ(feed.write(text), "") << text;
  }
}

TEST(Headers, MayComeInPieces) {
  AppliedLevels feed(kHeaders);
  feed.write("DATA\r\n");
  feed.read("354 go\r\n");
  EXPECT_EQ(feed.write("a: b"), "a: b");
  EXPECT_EQ(feed.write("c\r\n"), "c\r\n");
  EXPECT_EQ(feed.write("d: e\r\n\r\ntext\r\n"), "d: e\r\n\r\n");
  EXPECT_EQ(feed.write("f: g\r\n"), "");
}

TEST(Headers, DontGoOnAfterALoss) {
  AppliedLevels feed(kHeaders);
  feed.write("DATA\r\n");
  feed.read("354 go\r\n");
  EXPECT_EQ(feed.write("a: b"), "a: b");
  feed.levels().lost_track();
  EXPECT_EQ(feed.write("text of another\r\n"), "");
}

// ---- what the server has abbreviated ----

const Event& abbreviated(AppliedLevels& feed, std::string_view first_line, std::uint64_t length) {
  return feed.take(dialogue_frame("A", "AbbreviatedWrite", first_line, length));
}

TEST(AbbreviatedBodies, KeepTheFirstLineWhenItIsAHeader) {
  AppliedLevels feed(kHeaders);
  feed.write("DATA\r\n");
  feed.read("354 go\r\n");
  const Event& event = abbreviated(feed, "Subject: a", 5000);
  EXPECT_EQ(event.text, "Subject: a");
  EXPECT_FALSE(event.trimmed);
  EXPECT_EQ(full_length(event), 5000U);
  EXPECT_FALSE(abbreviated(feed, "", 5).trimmed) << "the final dot";
  EXPECT_EQ(feed.write("QUIT\r\n"), "QUIT\r\n");
  feed.write("DATA\r\n");
  feed.read("354 go\r\n");
  EXPECT_EQ(abbreviated(feed, "Dear all", 5000).text, "");
  EXPECT_EQ(abbreviated(feed, "Subject: b", 5000).text, "") << "not the message's first";
}

TEST(AbbreviatedBodies, AFirstLineMayBeTheWholeMessage) {
  AppliedLevels feed(kHeaders);
  feed.write("DATA\r\n");
  feed.read("354 go\r\n");
  const Event& event = abbreviated(feed, "Subject: a\r\rDear all\r", 5000);
  EXPECT_EQ(event.text, "Subject: a\r\r");
  EXPECT_TRUE(event.trimmed);
  EXPECT_EQ(full_length(event), 5000U);
}

TEST(AbbreviatedBodies, KeepNothing) {
  AppliedLevels feed(kNone);
  feed.write("DATA\r\n");
  const Event& event = abbreviated(feed, "Subject: a", 5000);
  EXPECT_EQ(event.text, "");
  EXPECT_TRUE(event.trimmed);
  EXPECT_EQ(full_length(event), 5000U);
  EXPECT_EQ(bytes_not_recorded(event), 5000U);
}

TEST(AbbreviatedBodies, CommandsAreNone) {
  AppliedLevels feed(Levels{Bodies::None, Secrets::Mask});
  EXPECT_EQ(abbreviated(feed, "EHLO out.example", 40).text, "EHLO out.example");
  const Event& event = abbreviated(feed, "AUTH PLAIN c2VjcmV0", 40);
  EXPECT_EQ(event.text, "AUTH PLAIN ********");
  EXPECT_TRUE(event.masked);
}

TEST(Notes, NameWhatIsNotKept) {
  EXPECT_TRUE(notes_of({}).empty());
  const auto notes = notes_of({Bodies::None, Secrets::Mask});
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_EQ(notes[0].key + "=" + notes[0].value, "bodies=none");
  EXPECT_EQ(notes[1].key + "=" + notes[1].value, "secrets=mask");
  EXPECT_EQ(notes_of(kHeaders).at(0).value, "headers");
}

}  // namespace
}  // namespace smtptape
