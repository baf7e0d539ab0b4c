#include "format/wire/wire.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/wire/json.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

// Decodes one frame and keeps what it points to.
struct Decoded {
  explicit Decoded(std::string_view frame, Opcode opcode = Opcode::Text) : text(frame) {
    decoder.decode(text, opcode, batch);
  }
  [[nodiscard]] Event& event() { return batch.events.front(); }
  [[nodiscard]] std::string encoded() {
    std::string out;
    append_frame(out, event());
    return out;
  }
  std::string text;
  WireDecoder decoder;
  EventBatch batch;
};

std::string frame_with(std::string_view payload) {
  return R"({"conn_meta":{"id":"a"},"payload":)" + std::string(payload) +
         R"(,"when":"2026-08-04T13:54:50.000000010Z"})";
}

TEST(WireDecoder, GivesBackEveryGoldenFrameByteForByte) {
  for (const std::string& frame : testing::all_golden_frames()) {
    Decoded decoded(frame);
    ASSERT_EQ(decoded.encoded(), frame);
    ASSERT_EQ(frame_size(decoded.event()), frame.size()) << frame;
  }
}

TEST(WireDecoder, KeepsNoOrdinaryFrameVerbatim) {
  for (const char* const feed : {"basic/raw",
                                 "tlsauth/raw",
                                 "errors/raw",
                                 "slices/lag-first",
                                 "slices/lag-inside",
                                 "slices/mid-errors",
                                 "slices/mid-session",
                                 "slices/terse"}) {
    const auto path = testing::golden_path(std::string("feeds/") + feed + ".jsonl");
    for (const std::string& frame : testing::read_lines(path)) {
      Decoded decoded(frame);
      ASSERT_EQ(decoded.event().verbatim, nullptr) << frame;
    }
  }
}

TEST(WireDecoder, ReadsEachPayload) {
  Decoded write(frame_with(R"({"Write":"a\r\n\"\\\u0001é"})"));
  EXPECT_EQ(write.event().kind, EventKind::Write);
  EXPECT_EQ(write.event().text, "a\r\n\"\\\x01é");
  EXPECT_EQ(write.event().when, (WallTime{1'785'851'690, 10}));
  EXPECT_EQ(write.event().meta->session_id(), "a");
  EXPECT_EQ(write.event().verbatim, nullptr);
  Decoded diagnostic(
      frame_with(R"({"Diagnostic":{"level":"INFO","message":"x\",\"message\":\"y"}})"));
  EXPECT_EQ(diagnostic.event().level, "INFO");
  EXPECT_EQ(diagnostic.event().text, R"(x","message":"y)");
  Decoded abbreviated(
      frame_with(R"({"AbbreviatedWrite":{"snippet":"x\",\"len\":","len":18446744073709551615}})"));
  EXPECT_EQ(abbreviated.event().text, "x\",\"len\":");
  EXPECT_EQ(abbreviated.event().length, 18'446'744'073'709'551'615U);
  EXPECT_EQ(abbreviated.event().verbatim, nullptr);
  EXPECT_EQ(Decoded(frame_with("\"Closed\"")).event().kind, EventKind::Closed);
}

TEST(WireDecoder, ANestedPayloadKeyIsNothingSpecial) {
  const std::string frame =
      R"({"conn_meta":{"a":{"o":{},"payload":1},"id":"s"},"payload":"Connected","when":"2026-08-04T13:54:50Z"})";
  Decoded decoded(frame);
  EXPECT_EQ(decoded.event().kind, EventKind::Connected);
  EXPECT_EQ(decoded.event().verbatim, nullptr);
  EXPECT_EQ(decoded.encoded(), frame);
}

TEST(WireDecoder, KeepsWhatItWouldSpellDifferentlyAndStillReadsIt) {
  for (const char* const frame :
       {R"({"payload":"Connected","conn_meta":{"id":"a"},"when":"2026-08-04T13:54:50Z"})",
        R"({"conn_meta":{"id":"a"}, "payload":"Connected","when":"2026-08-04T13:54:50Z"})",
        R"({"conn_meta":{"id":"a","b":1},"payload":"Connected","when":"2026-08-04T13:54:50Z"})",
        R"({"conn_meta":{"id":"a"},"payload":"Connected","when":"2026-08-04T13:54:50.000Z"})",
        R"({"conn_meta":{"id":"a"},"payload":"Connected","when":"2026-08-04T13:54:60Z"})",
        R"({"conn_meta":{"id":"a"},"payload":"Connected","when":"1500-08-04T13:54:50Z"})",
        R"({"conn_meta":{"id":"a"},"payload":{"Connected":null},"when":"2026-08-04T13:54:50Z"})",
        R"({"conn_meta":{"id":"a"},"payload":"Connected","when":"2026-08-04T13:54:50Z","x":1})",
        R"([{"id":"a"},"Connected","2026-08-04T13:54:50Z"])",
        "{\"conn_meta\":{\"id\":\"a\"},\"payload\":\"Connected\",\"when\":\"2026-08-04T13:54:50Z\"}"
        "\r"}) {
    Decoded decoded(frame);
    ASSERT_NE(decoded.event().verbatim, nullptr) << frame;
    EXPECT_EQ(decoded.event().kind, EventKind::Connected) << frame;
    EXPECT_EQ(decoded.event().meta->session_id(), "a") << frame;
    EXPECT_EQ(decoded.encoded(), frame);
  }
  for (const char* const payload : {R"({"Write":"\u000a"})",
                                    R"({"Write":"\/"})",
                                    R"({"Write":"\u001F"})",
                                    R"({"Write":"\u0041"})",
                                    R"({"Write": "x"})"}) {
    Decoded decoded(frame_with(payload));
    EXPECT_EQ(decoded.event().kind, EventKind::Write) << payload;
    EXPECT_NE(decoded.event().verbatim, nullptr) << payload;
  }
}

TEST(WireDecoder, SaysWhyAFrameIsNoEvent) {
  const auto why = [](std::string_view frame) {
    Decoded decoded(frame);
    EXPECT_EQ(decoded.event().kind, EventKind::Unknown);
    EXPECT_EQ(decoded.encoded(), frame);
    return std::string(decoded.event().verbatim->why);
  };
  EXPECT_EQ(why(R"({"conn_meta":)"), "EOF while parsing a value at line 1 column 13");
  EXPECT_EQ(why(R"({"conn_meta":{},"payload":"Closed"})"), "missing field `when`");
  EXPECT_EQ(why(R"({"conn_meta":1,"conn_meta":2})"), "duplicate field `conn_meta`");
  EXPECT_TRUE(why(frame_with("\"Wibble\"")).starts_with("unknown variant `Wibble`, expected one"));
  EXPECT_EQ(why(frame_with(R"({"Read":"x","Write":"y"})")),
            "expected value: two variants in one payload");
  EXPECT_NE(why(frame_with(R"({"Read":5})")), "");
  EXPECT_NE(why(frame_with(R"({"AbbreviatedWrite":{"snippet":"x","len":-1}})")), "");
  EXPECT_NE(why(frame_with(R"({"Diagnostic":{"level":"x"}})")), "");
  EXPECT_NE(why(frame_with("\"Read\"")), "");
  EXPECT_NE(why(""), "");
}

TEST(WireDecoder, KeepsWhatCanBeReadOfAnUnknownEvent) {
  Decoded decoded(frame_with(R"({"Wibble":{"x":1}})"));
  EXPECT_EQ(decoded.event().verbatim->tag, "Wibble");
  EXPECT_EQ(decoded.event().verbatim->payload, R"({"Wibble":{"x":1}})");
  EXPECT_TRUE(decoded.event().verbatim->when_known);
  EXPECT_EQ(decoded.event().meta->session_id(), "a");
}

TEST(WireDecoder, TellsInvalidUtf8AndBinaryFromMalformed) {
  EXPECT_EQ(Decoded(frame_with("{\"Write\":\"\xff\"}")).event().verbatim->problem,
            Problem::NotUtf8);
  EXPECT_EQ(
      Decoded(
          "{\"conn_meta\":{\"\xff\":1},\"payload\":\"Closed\",\"when\":\"2026-08-04T13:54:50Z\"}")
          .event()
          .verbatim->problem,
      Problem::NotUtf8);
  EXPECT_EQ(Decoded(frame_with("\"Closed\""), Opcode::Binary).event().verbatim->problem,
            Problem::Binary);
}

TEST(WireDecoder, GivesBackFramesWithAnyOneByteChanged) {
  const std::string frame = frame_with(R"({"Write":"a\r\nb \"q\" é"})");
  for (std::size_t at = 0; at < frame.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = frame;
      changed[at] = static_cast<char>(byte);
      ASSERT_EQ(Decoded(changed).encoded(), changed) << at << " " << byte;
    }
  }
}

TEST(WireDecoder, GivesBackRandomBytesAndRandomlyDamagedFrames) {
  std::mt19937 random(7);
  std::vector<std::string> frames = testing::all_golden_frames();
  for (int round = 0; round < 3000; ++round) {
    std::string frame = frames[random() % frames.size()];
    for (unsigned edits = 1 + random() % 4; edits > 0 && !frame.empty(); --edits) {
      const std::size_t at = random() % frame.size();
      switch (random() % 4) {
        case 0: frame[at] = static_cast<char>(random()); break;
        case 1: frame.erase(at, random() % 20); break;
        case 2: frame.insert(at, 1, static_cast<char>(random())); break;
        default: frame.insert(at, frame.substr(random() % frame.size(), random() % 20));
      }
    }
    ASSERT_EQ(Decoded(frame).encoded(), frame);
  }
}

TEST(WireDecoder, MetadataIsSharedAndStaysBounded) {
  WireDecoder decoder;
  EventBatch batch;
  const std::string frame = frame_with("\"Closed\"");
  const Meta* const first = decoder.decode(frame, Opcode::Text, batch).meta;
  EXPECT_EQ(decoder.decode(frame, Opcode::Text, batch).meta, first);
  std::vector<std::string> texts;
  for (int i = 0; i < 200'000; ++i) {
    batch.clear();
    const std::string other = R"({"conn_meta":{"id":")" + std::to_string(i) +
                              R"("},"payload":"Closed","when":"2026-08-04T13:54:50Z"})";
    decoder.decode(batch.arena.copy(other), Opcode::Text, batch);
  }
  EXPECT_LT(decoder.metas_held(), 100'000U);
}

TEST(Abbreviate, DoesAsKumodDoes) {
  for (const auto& row : testing::read_table("kcli/lines.tsv", testing::Header::No)) {
    std::string text;
    append_json_string(text, testing::unquote(row.at(0)));
    Decoded decoded(frame_with("{\"Write\":" + text + "}"));
    abbreviate(decoded.event(), decoded.batch.arena);
    std::string want;
    ASSERT_TRUE(append_canonical_json(want, row.at(3)));
    std::string got;
    ASSERT_TRUE(append_canonical_json(got, decoded.encoded()));
    EXPECT_NE(got.find(want), std::string::npos) << row[0] << got;
  }
}

TEST(Abbreviate, ChangesOnlyThePayloadOfAVerbatimFrame) {
  Decoded decoded(
      R"({ "when":"2026-08-04T13:54:50Z", "payload" : {"Write":"a\u000d\nb"} ,"conn_meta":{"id":"a"}})");
  abbreviate(decoded.event(), decoded.batch.arena);
  EXPECT_EQ(
      decoded.encoded(),
      R"({ "when":"2026-08-04T13:54:50Z", "payload" : {"AbbreviatedWrite":{"snippet":"a","len":4}} ,"conn_meta":{"id":"a"}})");
  EXPECT_EQ(decoded.event().verbatim->payload, R"({"AbbreviatedWrite":{"snippet":"a","len":4}})");
}

TEST(LagCount, IsReadFromTheNotice) {
  const auto count = [](std::string_view meta, std::string_view message) {
    Decoded decoded(R"({"conn_meta":)" + std::string(meta) +
                    R"(,"payload":{"Diagnostic":{"level":"ERROR","message":")" +
                    std::string(message) + R"("}},"when":"2026-08-04T13:54:50Z"})");
    return lag_count(decoded.event());
  };
  EXPECT_EQ(count("null", "Tracer Lagged behind and missed 4711 events"), 4711U);
  EXPECT_EQ(count(R"({"id":"a"})", "Tracer Lagged behind and missed 4711 events"), std::nullopt);
  EXPECT_EQ(count("null", "Tracer Lagged behind and missed x events"), std::nullopt);
}

}  // namespace
}  // namespace smtptape
