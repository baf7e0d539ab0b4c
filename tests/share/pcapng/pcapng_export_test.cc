// Packets that hold each byte of the dialogues, as an independent reader sees them.
#include "share/pcapng/pcapng_export.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "share/pcapng/pcapng_writer.h"
#include "share/pcapng/tcp_packet.h"
#include "tests/sessions/told_events.h"
#include "tests/share/pcapng/read_pcapng.h"
#include "tests/support/random_dialogues.h"

namespace smtptape {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::RandomDialogues;
using testing::ReadPcapng;
using testing::ReadStream;
using ::testing::SizeIs;
using ::testing::StartsWith;

struct Exported {
  PcapngTotals totals;
  ReadPcapng file;
};

Exported exported(const std::vector<const EventBatch*>& batches) {
  StringSink sink;
  PcapngExport packets(sink, "smtptape 1");
  for (const EventBatch* batch : batches)
    packets.add(*batch);
  PcapngTotals totals = packets.finish();
  return {std::move(totals), ReadPcapng(sink.text())};
}

constexpr const char* kAddresses =
    R"("mx_address":"198.51.100.9","source_address":"203.0.113.5:40112","egress_pool":"p")";

// Both sides of each connection, in any order.
using Sides = std::vector<std::pair<std::string, std::string>>;

Sides sides_of(const ReadPcapng& file) {
  Sides all;
  for (const ReadStream& stream : file.streams)
    all.emplace_back(stream.written, stream.read);
  std::sort(all.begin(), all.end());
  return all;
}

// The same of the events: a connection goes from Connected, or from what shows that there is one,
// to Closed.
Sides sides_of(const EventBatch& batch) {
  Sides all;
  std::map<std::string, std::size_t, std::less<>> open;
  for (const Event& event : batch.events) {
    if (event.meta == nullptr || !event.meta->session_id() || event.meta->session_id()->empty())
      continue;
    const std::string id(*event.meta->session_id());
    const bool text = event.kind == EventKind::Read || event.kind == EventKind::Write;
    if (event.kind == EventKind::Closed) open.erase(id);
    if (event.kind == EventKind::Connected || (text && !open.contains(id))) {
      open[id] = all.size();
      all.emplace_back();
    }
    if (event.kind == EventKind::Write) all[open.at(id)].first += event.text;
    if (event.kind == EventKind::Read) all[open.at(id)].second += event.text;
  }
  std::sort(all.begin(), all.end());
  return all;
}

TEST(Pcapng, HoldsADialogueFromHandshakeToFin) {
  ToldEvents events;
  events.meta = kAddresses;
  events.tell("begin", "I Attempting connection to 198.51.100.9:25");
  events.wait(40);
  events.tell("connected", "S 220 mx", "C EHLO me", "S 250 ok", "C QUIT", "S 221 bye", "closed");
  const Exported out = exported({&events.batch()});
  EXPECT_EQ(out.file.application, "smtptape 1");
  EXPECT_THAT(out.file.comment, HasSubstr("The dialogues are the decrypted ones"));
  EXPECT_EQ(out.totals.sessions, 1U);
  EXPECT_EQ(out.totals.connections, 1U);
  EXPECT_THAT(out.totals.ports, IsEmpty());
  ASSERT_THAT(out.file.streams, SizeIs(1));
  const ReadStream& stream = out.file.streams[0];
  EXPECT_EQ(stream.client, "cb007105 40112");
  EXPECT_EQ(stream.server, "c6336409 25");
  EXPECT_TRUE(stream.begins && stream.finished && !stream.reset);
  EXPECT_EQ(stream.written, "EHLO me\r\nQUIT\r\n");
  EXPECT_EQ(stream.read, "220 mx\r\n250 ok\r\n221 bye\r\n");
  const auto& packets = out.file.packets;
  ASSERT_THAT(packets, SizeIs(11));
  const auto at = [&packets](std::size_t i) {
    return (static_cast<std::int64_t>(packets[i].at) - ToldEvents::kStart) / 1'000'000;
  };
  EXPECT_EQ(at(0), 1) << "SYN when it was attempted";
  EXPECT_EQ(at(1), 41);
  EXPECT_EQ(at(3), 42);
  EXPECT_EQ(out.file.interfaces[0].name, "mta1");
  EXPECT_EQ(out.file.interfaces[0].packets, 11U);
  EXPECT_EQ(out.file.interfaces[0].dropped, 0U);
  EXPECT_THAT(packets[0].comments,
              ElementsAre("session a",
                          R"(egress_pool "p", id "a", mx_address "198.51.100.9", source_address )"
                          R"("203.0.113.5:40112")",
                          HasSubstr("INFO Attempting connection to 198.51.100.9:25")));
}

TEST(Pcapng, HoldsNanoseconds) {
  ToldEvents events;
  events.add_frame(
      R"({"conn_meta":{"id":"a"},"payload":"Connected","when":"2026-08-04T21:00:00.123456789Z"})");
  const Exported out = exported({&events.batch()});
  EXPECT_EQ(out.file.packets.at(0).at, ToldEvents::kStart + 123'456'789U);
}

TEST(Pcapng, TellsOfAConnectionThatFailed) {
  ToldEvents events;
  events.meta = kAddresses;
  events.tell("begin", "I Attempting connection to [2001:db8::7]:2525");
  events.tell("E failed to connect: Connection refused (os error 111)");
  events.tell("I Attempting connection to 198.51.100.9:25", "connected", "S 554 no", "closed");
  events.tell("E connect to 198.51.100.9:25: 554 no");
  const Exported out = exported({&events.batch()});
  ASSERT_THAT(out.file.streams, SizeIs(2));
  const ReadStream& refused = out.file.streams[0];
  EXPECT_EQ(refused.server, "20010db8000000000000000000000007 2525");
  EXPECT_THAT(refused.client, StartsWith("20010db8000000000000000000000001 "));
  EXPECT_TRUE(refused.reset);
  EXPECT_THAT(refused.comments, Contains(HasSubstr("made up: our address, our port")));
  EXPECT_THAT(refused.comments, Contains(HasSubstr("ERROR failed to connect")));
  const ReadStream& ended = out.file.streams[1];
  EXPECT_TRUE(ended.reset && !ended.finished) << "the error comes behind Closed";
  EXPECT_THAT(ended.comments, Contains(HasSubstr("ERROR connect to 198.51.100.9:25: 554 no")));
}

TEST(Pcapng, PutsStartTlsBehindItsReply) {
  ToldEvents events;
  events.meta = kAddresses;
  events.tell("connected", "S 220 mx", "C EHLO me", "S 250 STARTTLS", "C STARTTLS");
  events.add(R"({"Read":"220 g"})");
  events.add(R"({"Read":"o\r\n"})");
  events.tell("I STARTTLS handshake -> TlsInformation { cipher: \"X\" }", "C EHLO me", "S 250 ok");
  const Exported out = exported({&events.batch()});
  std::vector<std::string> texts;
  for (const auto& packet : out.file.packets)
    if (!packet.text.empty()) texts.push_back(packet.text);
  EXPECT_THAT(texts,
              ElementsAre("220 mx\r\n",
                          "EHLO me\r\n",
                          "250 STARTTLS\r\n",
                          "220 g",
                          "o\r\n",
                          "STARTTLS\r\n",
                          "EHLO me\r\n",
                          "250 ok\r\n"));
  EXPECT_LT(out.file.packets[8].at, out.file.packets[7].at) << "when it was sent";
  EXPECT_THAT(out.file.packets[9].comments, Contains(HasSubstr("INFO STARTTLS handshake ->")));
}

TEST(Pcapng, LacksWhatWasNotRecorded) {
  ToldEvents events;
  events.meta = kAddresses;
  events.tell("connected", "S 220 mx", "C DATA", "S 354 go");
  events.add(R"({"AbbreviatedWrite":{"snippet":"Subject: x","len":1000}})");
  events.tell("C .", "S 250 ok");
  events.add(R"({"AbbreviatedWrite":{"snippet":"x","len":18446744073709551615}})");
  events.tell("C .", "S 250 ok");
  const Exported out = exported({&events.batch()});
  ASSERT_THAT(out.file.streams, SizeIs(1));
  EXPECT_EQ(out.file.streams[0].written_missing, 990U + (1U << 30U));
  EXPECT_EQ(out.file.streams[0].written, "DATA\r\nSubject: x.\r\nx.\r\n");
  EXPECT_THAT(out.file.streams[0].comments,
              Contains(HasSubstr("behind it 990 bytes were not recorded")));
}

TEST(Pcapng, CountsWhatIsMissing) {
  ToldEvents events;
  events.meta = kAddresses;
  events.tell("connected", "S 220 mx");
  events.add_gap();
  events.tell("C EHLO me", "S 250 ok");
  events.add_gap();
  const Exported out = exported({&events.batch()});
  const auto& packets = out.file.packets;
  ASSERT_THAT(packets, SizeIs(7));
  for (std::size_t i = 0; i < packets.size(); ++i)
    EXPECT_EQ(packets[i].dropped, i == 4 ? 7U : 0U) << i;
  EXPECT_THAT(packets[4].comments, Contains(HasSubstr("missing before it: server lag: 7 events")));
  EXPECT_THAT(packets[4].comments, Contains(HasSubstr("events of this session may be missing")));
  EXPECT_EQ(out.file.interfaces[0].dropped, 14U);
  EXPECT_THAT(packets[6].comments, Contains(HasSubstr("nothing more of this connection")));
}

TEST(Pcapng, TakesADialogueThatBeganBefore) {
  ToldEvents events;
  events.meta = kAddresses;
  events.tell("S 250 ok", "C QUIT", "S 221 bye", "closed");
  const Exported out = exported({&events.batch()});
  ASSERT_THAT(out.file.streams, SizeIs(1));
  EXPECT_FALSE(out.file.streams[0].begins);
  EXPECT_EQ(out.file.streams[0].read, "250 ok\r\n221 bye\r\n");
  EXPECT_THAT(out.file.streams[0].comments,
              Contains("the beginning of this connection was not recorded"));
}

// Where they would be one stream, or there are none, another port stands for ours.
TEST(Pcapng, KeepsDialoguesApart) {
  ToldEvents events;
  for (const std::string meta :
       {kAddresses,
        kAddresses,
        R"("source_address":"/run/x")",
        R"("mx_address":"::1")",
        R"("mx_address":"10.0.0.1:587","source_address":"[2001:db8::5]:9")"}) {
    for (int i = 0; i < 3; ++i) {
      events.id += "x";
      events.meta = meta;
      if (i != 0) events.tell("connected");
      events.tell("S 220 " + events.id);
      if (i == 2) events.tell("closed");
    }
  }
  const Exported out = exported({&events.batch()});
  EXPECT_THAT(out.file.streams, SizeIs(15));
  EXPECT_EQ(sides_of(out.file), sides_of(events.batch()));
  EXPECT_THAT(out.file.streams[1].comments, Contains("made up: our port"));
  EXPECT_THAT(out.file.streams[12].comments, Contains(HasSubstr("IPv6 around an IPv4 address")));
  EXPECT_EQ(out.file.streams[12].server, "00000000000000000000ffff0a000001 587");
  EXPECT_THAT(out.totals.ports, IsEmpty());
}

TEST(Pcapng, DoesNotWaitForWhatIsOver) {
  ToldEvents events;
  events.meta = kAddresses;
  events.tell("connected", "S 220 mx", "closed");
  events.wait(10'000);
  events.id = "c";
  events.tell("begin");
  events.id = "b";
  events.tell("connected", "S 220 mx");
  events.tell("S 250 ok");
  const Exported out = exported({&events.batch()});
  ASSERT_THAT(out.file.streams, SizeIs(2));
  EXPECT_TRUE(out.file.streams[0].finished);
  EXPECT_THAT(out.file.streams[1].comments, Not(Contains(HasSubstr("made up"))))
      << "the first one is over, so it may have the same port";
}

TEST(Pcapng, HasAnInterfaceForEachRecorder) {
  ToldEvents one("mta1");
  ToldEvents two("mta\x1b[2J");
  one.tell("connected", "S 220 a");
  two.id = "b";
  two.tell("connected", "S 220 b");
  two.add_gap();
  const Exported out = exported({&one.batch(), &two.batch()});
  ASSERT_THAT(out.file.interfaces, SizeIs(2));
  EXPECT_EQ(out.file.interfaces[1].name, "mta\\u{1b}[2J");
  EXPECT_EQ(out.file.interfaces[1].packets, 5U);
  EXPECT_EQ(out.file.interfaces[0].dropped, 0U);
  EXPECT_EQ(out.file.interfaces[1].dropped, 7U);
}

TEST(Pcapng, CutsLongTextsIntoPackets) {
  ToldEvents events;
  events.meta = kAddresses;
  std::string body;
  for (int i = 0; body.size() < 300'000; ++i)
    body += "line " + std::to_string(i) + "\r\n";
  events.tell("connected", "C " + body, "S 250 ok");
  const Exported out = exported({&events.batch()});
  EXPECT_EQ(sides_of(out.file), sides_of(events.batch()));
  for (const auto& packet : out.file.packets)
    EXPECT_LE(packet.text.size(), kMostSegment);
  EXPECT_LT(out.file.most_block, kMostSegment + 20'000);
}

TEST(Pcapng, IsNothingWithoutConnections) {
  ToldEvents events;
  events.tell("begin", "I DANE is not enabled for this path");
  const Exported out = exported({&events.batch()});
  EXPECT_EQ(out.totals.packets, 0U);
  EXPECT_EQ(out.totals.unconnected, 1U);
}

TEST(Pcapng, HoldsEachByteOfAnyDialogue) {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    ToldEvents events;
    RandomDialogues random(seed);
    for (const std::string& frame : random.frames(40, 8))
      events.add_frame(frame);
    const Exported out = exported({&events.batch()});
    Sides expected = sides_of(events.batch());
    Sides found = sides_of(out.file);
    std::erase(expected, std::pair<std::string, std::string>());
    std::erase(found, std::pair<std::string, std::string>());  // what failed, too
    EXPECT_EQ(found, expected) << seed;
  }
}

// What is in no order at all, with any content: it can be read, and no byte is lost or doubled.
TEST(Pcapng, StandsAnyContentInAnyOrder) {
  const std::vector<std::string> pieces{"\\u0000",
                                        "\\u001b]0;x\\u0007",
                                        "\\r\\n",
                                        "\\n",
                                        "ü",
                                        "\\ud83d\\ude00",
                                        "STARTTLS\\r\\n",
                                        "QUIT\\r\\n",
                                        "220 x\\r\\n",
                                        "\u2028",
                                        "[::1]:25",
                                        "1.2.3.4:5",
                                        "999",
                                        "Attempting connection to ",
                                        "Connection refused",
                                        "x"};
  std::mt19937 random(11);
  const auto any = [&] {
    std::string text;
    for (std::size_t i = random() % 5; i > 0; --i)
      text += pieces[random() % pieces.size()];
    return text;
  };
  ToldEvents events;
  std::string read;
  std::string written;
  for (int i = 0; i < 20'000; ++i) {
    events.id = "s" + std::to_string(random() % 50);
    events.meta = R"("mx_address":"1.2.3.)" + std::to_string(random() % 3) +
                  R"(","source_address":")" +
                  (random() % 50 == 0 ? any() : "5.6.7.8:" + std::to_string(random() % 4)) + "\"";
    switch (random() % 12) {
      case 0: events.tell("connected"); break;
      case 1: events.tell("closed"); break;
      case 2: events.tell("begin"); break;
      case 3: events.tell("obtained"); break;
      case 4: events.add(R"({"Diagnostic":{"level":"ERROR","message":")" + any() + "\"}}"); break;
      case 5:
        events.add(R"({"Diagnostic":{"level":"INFO","message":"Attempting connection to )" + any() +
                   "\"}}");
        break;
      case 6: events.add(R"({"Later":1})"); break;
      case 7: events.add_gap(); break;
      case 8:
      case 9:
        events.add(R"({"Write":")" + any() + "\"}");
        written += events.last().text;
        break;
      default: events.add(R"({"Read":")" + any() + "\"}"); read += events.last().text;
    }
  }
  const Exported out = exported({&events.batch()});
  std::string read_again;
  std::string written_again;
  for (const ReadStream& stream : out.file.streams) {
    read_again += stream.read;
    written_again += stream.written;
  }
  for (std::string* const text : {&read, &read_again, &written, &written_again})
    std::sort(text->begin(), text->end());
  EXPECT_TRUE(read_again == read) << read_again.size() << " of " << read.size();
  EXPECT_TRUE(written_again == written) << written_again.size() << " of " << written.size();
  EXPECT_EQ(out.file.interfaces.at(0).packets, out.file.packets.size());
}

TEST(PcapngWriter, BoundsItsComments) {
  StringSink sink;
  PcapngWriter writer(sink);
  writer.begin_section("smtptape", "about");
  const std::uint32_t interface = writer.add_interface("a", "b");
  TcpEnd from{*parse_ip("192.0.2.1"), 1, 0};
  const TcpEnd to{*parse_ip("192.0.2.2"), 2, 0};
  const std::string packet = tcp_packet(from, to, TcpFlags::Data, "x");
  std::string text(100'000, '\xff');
  text += "ü";
  writer.add_packet({interface, -5, true, packet, {text, std::string(4095, 'x') + "üü"}, 0});
  const ReadPcapng file(sink.text());
  ASSERT_THAT(file.packets, SizeIs(1));
  EXPECT_EQ(file.packets[0].at, 0U) << "before 1970";
  for (const std::string& comment : file.packets[0].comments)
    EXPECT_LE(comment.size(), PcapngWriter::kMostComment);
}

}  // namespace
}  // namespace smtptape
