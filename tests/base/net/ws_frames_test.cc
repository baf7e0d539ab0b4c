#include "base/net/ws_frames.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fuzz/ws_frames_promise.h"

namespace smtptape {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kLimit = 1000;
constexpr WsMask kMask{'\x12', '\x00', '\xff', '\x80'};

enum class Fragment { Last, More };

std::string frame(Opcode opcode, std::string_view payload, Fragment fragment = Fragment::Last) {
  std::string out;
  append_frame_header(out, opcode, payload.size());
  if (fragment == Fragment::More) out[0] = static_cast<char>(out[0] & 0x7f);
  return out.append(payload);
}

std::string masked(Opcode opcode, std::string_view payload) {
  std::string out;
  append_masked_frame(out, opcode, payload, kMask);
  return out;
}

std::string announcement(std::uint64_t size) {
  std::string out;
  append_frame_header(out, Opcode::Text, size);
  return out;
}

SeenMessage seen(Opcode opcode, std::string_view payload) {
  return {opcode, false, std::string(payload), payload.size()};
}

SeenMessage oversize(Opcode opcode, std::uint64_t size) {
  return {opcode, true, "", size};
}

SeenStream read_whole(std::string_view stream, WsRole role = WsRole::Client) {
  return read_ws_stream(role, kLimit, stream, [&](std::size_t) { return stream.size(); });
}

SeenStream read_bytewise(std::string_view stream, WsRole role = WsRole::Client) {
  return read_ws_stream(role, kLimit, stream, [](std::size_t) { return std::size_t{1}; });
}

TEST(WsFrameReader, ReadsManyFramesFromOneBuffer) {
  const std::string stream = frame(Opcode::Text, "one") + frame(Opcode::Text, "") +
                             frame(Opcode::Binary, std::string(126, 'b')) +
                             frame(Opcode::Text, std::string(999, 't'));
  const SeenStream read = read_whole(stream);
  EXPECT_THAT(read.messages,
              ElementsAre(seen(Opcode::Text, "one"),
                          seen(Opcode::Text, ""),
                          seen(Opcode::Binary, std::string(126, 'b')),
                          seen(Opcode::Text, std::string(999, 't'))));
  EXPECT_FALSE(read.mid_message);
  EXPECT_EQ(read_bytewise(stream), read);
}

TEST(WsFrameReader, ShowsAWholeFrameWhereItLies) {
  const std::string stream = frame(Opcode::Text, "payload");
  WsFrameReader reader(WsRole::Client, kLimit);
  reader.feed(stream);
  const auto message = reader.next();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->held, WsMessage::Held::InInput);
  EXPECT_EQ(message->payload.data(), stream.data() + 2);
  EXPECT_EQ(reader.bytes_held(), std::string().capacity());
}

TEST(WsFrameReader, HoldsAFrameThatCameInPieces) {
  const std::string stream = frame(Opcode::Text, "payload");
  WsFrameReader reader(WsRole::Client, kLimit);
  reader.feed(std::string_view(stream).substr(0, 5));
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.mid_message());
  reader.feed(std::string_view(stream).substr(5));
  const auto message = reader.next();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->held, WsMessage::Held::InReader);
  EXPECT_EQ(message->payload, "payload");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.mid_message());
}

TEST(WsFrameReader, JoinsFragmentsAndReportsControlsBetweenThem) {
  const std::string stream = frame(Opcode::Text, "he", Fragment::More) + frame(Opcode::Ping, "p") +
                             frame(Opcode::Continuation, "ll", Fragment::More) +
                             frame(Opcode::Pong, "") + frame(Opcode::Continuation, "o") +
                             frame(Opcode::Text, "next") + frame(Opcode::Close, "\x03\xe8");
  const SeenStream read = read_whole(stream);
  EXPECT_THAT(read.messages,
              ElementsAre(seen(Opcode::Ping, "p"),
                          seen(Opcode::Pong, ""),
                          seen(Opcode::Text, "hello"),
                          seen(Opcode::Text, "next"),
                          seen(Opcode::Close, "\x03\xe8")));
  EXPECT_EQ(read_bytewise(stream), read);
}

TEST(WsFrameReader, UnmasksWhatAClientSends) {
  const std::string stream = masked(Opcode::Text, "{\"terse\":true}") + masked(Opcode::Ping, "?") +
                             masked(Opcode::Close, "");
  const SeenStream read = read_whole(stream, WsRole::Server);
  EXPECT_THAT(read.messages,
              ElementsAre(seen(Opcode::Text, "{\"terse\":true}"),
                          seen(Opcode::Ping, "?"),
                          seen(Opcode::Close, "")));
  EXPECT_EQ(read_bytewise(stream, WsRole::Server), read);
}

TEST(WsFrameReader, SkipsAMessageOverTheLimitAndGoesOn) {
  const std::string stream = frame(Opcode::Text, "a") +
                             frame(Opcode::Text, std::string(1001, 'x')) +
                             frame(Opcode::Binary, "b");
  const SeenStream read = read_whole(stream);
  EXPECT_THAT(
      read.messages,
      ElementsAre(
          seen(Opcode::Text, "a"), oversize(Opcode::Text, 1001), seen(Opcode::Binary, "b")));
  EXPECT_EQ(read_bytewise(stream), read);
}

TEST(WsFrameReader, TellsAnOversizeMessageOnceHoweverManyFragmentsItHas) {
  const std::string half(600, 'x');
  const std::string stream = frame(Opcode::Binary, half, Fragment::More) +
                             frame(Opcode::Continuation, half, Fragment::More) +
                             frame(Opcode::Ping, "still here") + frame(Opcode::Continuation, half) +
                             frame(Opcode::Text, "after");
  const SeenStream read = read_whole(stream);
  EXPECT_THAT(read.messages,
              ElementsAre(oversize(Opcode::Binary, 1200),
                          seen(Opcode::Ping, "still here"),
                          seen(Opcode::Text, "after")));
  EXPECT_EQ(read_bytewise(stream), read);
}

TEST(WsFrameReader, NeitherAllocatesNorHangsAtALengthOf2ToThe62) {
  WsFrameReader reader(WsRole::Client, kLimit);
  const std::string header = announcement(std::uint64_t{1} << 62);
  reader.feed(header);
  const auto message = reader.next();
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->oversize);
  EXPECT_EQ(message->size, std::uint64_t{1} << 62);
  const std::string more(1 << 16, 'x');
  for (int i = 0; i < 16; ++i) {
    reader.feed(more);
    EXPECT_FALSE(reader.next());
  }
  EXPECT_LT(reader.bytes_held(), 64U);
  EXPECT_TRUE(reader.mid_message());
}

TEST(WsFrameReader, TakesMemoryForWhatArrivedNotForWhatIsAnnounced) {
  WsFrameReader reader(WsRole::Client, std::uint64_t{500} << 20);
  const std::string stream = announcement(std::uint64_t{400} << 20) + std::string(1000, 'x');
  reader.feed(stream);
  EXPECT_FALSE(reader.next());
  EXPECT_LT(reader.bytes_held(), 4096U);
}

TEST(WsFrameReader, GivesTheRoomOfALargeMessageBack) {
  WsFrameReader reader(WsRole::Client, std::uint64_t{64} << 20);
  const std::string stream = frame(Opcode::Text, std::string(10 << 20, 'x'));
  reader.feed(std::string_view(stream).substr(0, 5000));
  EXPECT_FALSE(reader.next());
  reader.feed(std::string_view(stream).substr(5000));
  EXPECT_TRUE(reader.next());
  EXPECT_GE(reader.bytes_held(), std::size_t{10} << 20);
  EXPECT_FALSE(reader.next());
  EXPECT_LT(reader.bytes_held(), 64U);
}

TEST(WsFrameReader, TakesNoMoreRoomThanAFrameNeeds) {
  WsFrameReader reader(WsRole::Client, std::uint64_t{64} << 20);
  const std::string stream = frame(Opcode::Text, std::string(5 << 20, 'x'));
  for (std::size_t at = 0; at < stream.size(); at += 1 << 18) {
    reader.feed(std::string_view(stream).substr(at, 1 << 18));
    static_cast<void>(reader.next());
    EXPECT_LE(reader.bytes_held(), std::size_t{5} << 20);
  }
}

// ---- what may be taken ----

constexpr std::size_t kUnasked = WsFrameReader::kTakenUnasked;

TEST(WsFrameReader, AsksBeforeALargeMessageGrowsAndNeverForASmallOne) {
  WsFrameReader reader(WsRole::Client, 4 * kUnasked);
  std::uint64_t asked = 0;
  reader.ask_before_growing([&](std::uint64_t more) {
    asked += more;
    return true;
  });
  const std::string stream = frame(Opcode::Text, std::string(kUnasked, 's')) +
                             frame(Opcode::Text, std::string(kUnasked + 1, 'x'));
  reader.feed(std::string_view(stream).substr(0, kUnasked / 2));
  EXPECT_FALSE(reader.next());
  reader.feed(std::string_view(stream).substr(kUnasked / 2, kUnasked));
  EXPECT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(asked, 0U);
  reader.feed(std::string_view(stream).substr(kUnasked / 2 + kUnasked));
  EXPECT_TRUE(reader.next());
  EXPECT_GT(asked, 0U);
  EXPECT_EQ(reader.bytes_held(), kUnasked + 1);
}

// In every way to cut it: told once, with what is announced of it, and what follows is read.
TEST(WsFrameReader, SkipsAMessageThatMayNotBeTaken) {
  const std::string part(kUnasked, 'x');
  const std::string stream = frame(Opcode::Binary, part, Fragment::More) +
                             frame(Opcode::Ping, "p") +
                             frame(Opcode::Continuation, part, Fragment::More) +
                             frame(Opcode::Continuation, "end") + frame(Opcode::Text, "after");
  for (const std::size_t cut : {std::size_t{100'000}, kUnasked, stream.size()}) {
    WsFrameReader reader(WsRole::Client, 4 * kUnasked);
    reader.ask_before_growing([](std::uint64_t) { return false; });
    std::vector<SeenMessage> messages;
    for (std::size_t at = 0; at < stream.size(); at += cut) {
      reader.feed(std::string_view(stream).substr(at, cut));
      while (const auto message = reader.next()) {
        messages.push_back(
            {message->opcode, message->oversize, std::string(message->payload), message->size});
      }
    }
    EXPECT_THAT(messages,
                ElementsAre(seen(Opcode::Ping, "p"),
                            oversize(Opcode::Binary, 2 * kUnasked),
                            seen(Opcode::Text, "after")));
    EXPECT_LT(reader.bytes_held(), 64U);
    EXPECT_FALSE(reader.mid_message());
  }
}

TEST(WsFrameReader, NeedsNoRoomForAFrameThatLiesThereWhole) {
  WsFrameReader reader(WsRole::Client, 4 * kUnasked);
  reader.ask_before_growing([](std::uint64_t) { return false; });
  const std::string stream = frame(Opcode::Text, std::string(2 * kUnasked, 'x'));
  reader.feed(stream);
  const auto message = reader.next();
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->oversize);
}

TEST(WsFrameReader, EndsAtAnImpossibleSizeAndPassesALargeOne) {
  constexpr std::uint64_t kMost = 5000;
  const WsLimits limits{kLimit, kMost};
  WsFrameReader passes(WsRole::Client, limits);
  const std::string large = frame(Opcode::Text, std::string(kMost, 'x')) + frame(Opcode::Text, "a");
  passes.feed(large);
  EXPECT_TRUE(passes.next()->oversize);
  EXPECT_EQ(passes.next()->payload, "a");

  WsFrameReader ends(WsRole::Client, limits);
  const std::string header = announcement(kMost + 1);
  ends.feed(header);
  EXPECT_FALSE(ends.next());
  EXPECT_EQ(ends.protocol_error(), "a message of impossible size is announced");
  EXPECT_TRUE(ends.mid_message());
}

// Also in small pieces, told as oversize long before.
TEST(WsFrameReader, EndsAtFragmentsOfImpossibleSizeTogether) {
  WsFrameReader reader(WsRole::Client, WsLimits{kLimit, 5000});
  const std::string part = frame(Opcode::Continuation, std::string(500, 'x'), Fragment::More);
  std::string stream = frame(Opcode::Text, std::string(500, 'x'), Fragment::More);
  for (int i = 0; i < 9; ++i)
    stream += part;
  reader.feed(stream);
  EXPECT_TRUE(reader.next()->oversize);
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.protocol_error(), "");
  reader.feed(part);
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.protocol_error(), "a message of impossible size is announced");
}

TEST(WsFrameReader, AcceptsAnyBytesAsText) {
  const std::string not_utf8("\xff\xc0\x80\x00 \xed\xa0\x80", 8);
  EXPECT_THAT(read_whole(frame(Opcode::Text, not_utf8)).messages,
              ElementsAre(seen(Opcode::Text, not_utf8)));
}

TEST(WsFrameReader, AcceptsALengthWrittenLongerThanNeeded) {
  using namespace std::string_literals;
  const std::string stream = "\x81\x7f\0\0\0\0\0\0\0\x03"s + "abc" + "\x81\x7e\0\x02"s + "de";
  EXPECT_THAT(read_whole(stream).messages,
              ElementsAre(seen(Opcode::Text, "abc"), seen(Opcode::Text, "de")));
}

struct Offence {
  std::string bytes;
  std::string_view error;
  WsRole role = WsRole::Client;
};

TEST(WsFrameReader, EndsAtAnOffenceAgainstTheProtocol) {
  using namespace std::string_literals;
  const std::vector<Offence> offences{
      {"\xc1\x00"s, "reserved bits are set"},
      {"\x91\x00"s, "reserved bits are set"},
      {"\x83\x00"s, "unknown opcode"},
      {"\x8b\x00"s, "unknown opcode"},
      {"\x09\x00"s, "a fragmented control frame"},
      {"\x89\x7e\x00\x7e"s, "a control frame over 125 bytes"},
      {"\x80\x00"s, "a continuation of nothing"},
      {"\x01\x00\x81\x00"s, "a new message within a fragmented one"},
      {"\x81\x7f\x80\0\0\0\0\0\0\0"s, "a length of 2^63 or more"},
      {masked(Opcode::Text, "x"), "a masked frame from a server"},
      {frame(Opcode::Text, "x"), "an unmasked frame from a client", WsRole::Server},
  };
  for (const Offence& offence : offences) {
    const bool client = offence.role == WsRole::Client;
    const std::string before = client ? frame(Opcode::Text, "fine") : masked(Opcode::Text, "fine");
    const std::string after = client ? frame(Opcode::Text, "late") : masked(Opcode::Text, "late");
    const SeenStream read = read_whole(before + offence.bytes + after, offence.role);
    EXPECT_THAT(read.messages, ElementsAre(seen(Opcode::Text, "fine"))) << offence.error;
    EXPECT_EQ(read.error, offence.error);
    EXPECT_EQ(read_bytewise(before + offence.bytes + after, offence.role), read) << offence.error;
  }
}

// ---- properties ----

class RandomStream {
 public:
  RandomStream(std::uint32_t seed, WsRole role) : random_(seed), role_(role) { make(); }

  std::string bytes;
  std::vector<SeenMessage> expected;

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }

 private:
  void make() {
    const std::size_t messages = below(20);
    for (std::size_t i = 0; i < messages; ++i)
      below(4) == 0 ? add_control() : add_data();
  }

  std::string random_bytes(std::size_t size) {
    std::string out(size, '\0');
    for (char& byte : out)
      byte = static_cast<char>(below(256));
    return out;
  }

  void add_frame(Opcode opcode, std::string_view payload, Fragment fragment) {
    const std::size_t start = bytes.size();
    if (role_ == WsRole::Client) {
      bytes += frame(opcode, payload);
    } else {
      WsMask mask{};
      for (char& byte : mask)
        byte = static_cast<char>(below(256));
      append_masked_frame(bytes, opcode, payload, mask);
    }
    if (fragment == Fragment::More) bytes[start] = static_cast<char>(bytes[start] & 0x7f);
  }

  void add_control() {
    constexpr Opcode kControls[] = {Opcode::Ping, Opcode::Pong, Opcode::Close};
    const Opcode opcode = kControls[below(3)];
    const std::string payload = random_bytes(below(126));
    add_frame(opcode, payload, Fragment::Last);
    expected.push_back(seen(opcode, payload));
  }

  void add_data() {
    const Opcode opcode = below(3) == 0 ? Opcode::Binary : Opcode::Text;
    const std::size_t fragments = below(3) == 0 ? 1 + below(5) : 1;
    std::string joined;
    bool told = false;
    for (std::size_t i = 0; i < fragments; ++i) {
      const std::string part = random_bytes(below(10) == 0 ? below(2 * kLimit) : below(200));
      joined += part;
      add_frame(i == 0 ? opcode : Opcode::Continuation,
                part,
                i + 1 == fragments ? Fragment::Last : Fragment::More);
      if (!told && joined.size() > kLimit) {
        told = true;
        expected.push_back(oversize(opcode, joined.size()));
      }
      if (i + 1 < fragments && below(3) == 0) add_control();
    }
    if (!told) expected.push_back(seen(opcode, joined));
  }

  std::mt19937 random_;
  WsRole role_;
};

TEST(WsFrameReader, ReadsAnyMessagesInAnyFragmentsInAnyPieces) {
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    const WsRole role = seed % 2 == 0 ? WsRole::Client : WsRole::Server;
    RandomStream stream(seed, role);
    const std::size_t largest_piece = 1 + stream.below(3000);
    const auto cut = [&](std::size_t) { return 1 + stream.below(largest_piece); };
    const SeenStream read = read_ws_stream(role, kLimit, stream.bytes, cut);
    ASSERT_EQ(read.messages, stream.expected) << "seed " << seed;
    ASSERT_EQ(read.error, "") << "seed " << seed;
    ASSERT_FALSE(read.mid_message) << "seed " << seed;
  }
}

TEST(WsFrameReader, KnowsWhetherAConnectionEndedWithinAMessage) {
  const std::string stream =
      frame(Opcode::Text, "a", Fragment::More) + frame(Opcode::Continuation, std::string(300, 'b'));
  for (std::size_t size = 0; size <= stream.size(); ++size) {
    const SeenStream read = read_whole(std::string_view(stream).substr(0, size));
    EXPECT_EQ(read.mid_message, size > 0 && size < stream.size()) << "cut at " << size;
    EXPECT_THAT(read.messages, SizeIs(size == stream.size() ? 1U : 0U)) << "cut at " << size;
  }
}

TEST(WsFrames, WritesHeadersWithTheShortestLength) {
  using namespace std::string_literals;
  EXPECT_EQ(announcement(0), "\x81\x00"s);
  EXPECT_EQ(announcement(125), "\x81\x7d"s);
  EXPECT_EQ(announcement(126), "\x81\x7e\x00\x7e"s);
  EXPECT_EQ(announcement(65535), "\x81\x7e\xff\xff"s);
  EXPECT_EQ(announcement(65536), "\x81\x7f\0\0\0\0\0\x01\0\0"s);
}

// The masked greeting of RFC 6455, section 5.7.
TEST(WsFrames, MasksAsTheStandardShows) {
  std::string out;
  append_masked_frame(out, Opcode::Text, "Hello", {'\x37', '\xfa', '\x21', '\x3d'});
  EXPECT_EQ(out, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

}  // namespace
}  // namespace smtptape
