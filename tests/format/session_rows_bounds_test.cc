// What the index of a group holds is bounded and says what it lacks; what a reader may rely on.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/compressor.h"
#include "format/tape/messages.h"
#include "format/tape/session_rows.h"
#include "tests/format/made_tape.h"

namespace smtptape {
namespace {

// One group of these frames.
GroupIndex index_of(const std::vector<std::string>& frames) {
  TapeOptions options;
  options.indexed_keys = {"recipient", "tenant", "source_address"};
  return indexes_of(make_tape(frames, Layout::Interleaved, options).bytes).indexes.at(0);
}

std::string frame_with(const std::string& meta) {
  return R"({"conn_meta":{)" + meta +
         R"(},"payload":"BeginSession","when":"2026-08-04T13:54:50Z"})";
}

TEST(SessionRows, HugeValuesAndIdsStandAsHashes) {
  const std::string huge = "\"" + std::string(20 << 20, 'v') + "\"";
  const std::string id = std::string(20 << 20, 'i');
  const GroupIndex index =
      index_of({frame_with(R"("id":")" + id + R"(","tenant":)" + huge + R"(,"recipient":["a"])")});
  EXPECT_LT(index.rows.size(), 1000U);
  const PropertySummary& tenant = index.summaries.at(1);
  EXPECT_FALSE(tenant.complete);
  EXPECT_TRUE(tenant.may_hold(huge, false));
  EXPECT_FALSE(tenant.may_hold("\"other\"", false));
  EXPECT_TRUE(index.summaries.at(0).complete) << "one property's values are no other's";
  const SessionRows rows = read_rows(index);
  ASSERT_EQ(rows.rows.size(), 1U);
  EXPECT_TRUE(rows.rows[0].id_hashed);
  EXPECT_TRUE(rows.rows[0].may_be(id));
  EXPECT_FALSE(rows.rows[0].may_be("i"));
  EXPECT_EQ(rows.properties.at(1).of_row(0).hashes.size(), 1U);
  EXPECT_TRUE(rows.properties.at(1).of_row(0).values.empty());
}

TEST(SessionRows, MoreValuesThanFitAreMissingAndSaidSo) {
  std::string list;
  constexpr std::size_t kValues = kMostGroupHashed + kMostListedValues + 10;
  for (std::size_t i = 0; i < kValues; ++i)
    list += (i == 0 ? "\"v" : ",\"v") + std::to_string(i) + "\"";
  const GroupIndex index = index_of({frame_with(R"("id":"A","recipient":[)" + list + "]"),
                                     frame_with(R"("id":"B","recipient":["v1"])")});
  const SessionRows rows = read_rows(index);
  EXPECT_FALSE(rows.properties.at(0).of_row(0).complete);
  EXPECT_EQ(rows.properties.at(0).of_row(0).values.size(), kMostListedValues);
  EXPECT_EQ(rows.properties.at(0).of_row(0).hashes.size(), kMostGroupHashed);
  EXPECT_TRUE(rows.properties.at(0).of_row(1).complete);
  for (std::size_t i = 0; i < kValues; i += 999)
    EXPECT_TRUE(index.summaries.at(0).may_hold("\"v" + std::to_string(i) + "\"", true));
}

TEST(SessionRows, ListedTextIsBoundedOverTheGroup) {
  std::vector<std::string> frames;
  for (int i = 0; i < 6000; ++i) {
    frames.push_back(frame_with("\"id\":\"" + std::to_string(i) + R"(","tenant":"t)" +
                                std::to_string(i) + std::string(900, 'x') + "\""));
  }
  const GroupIndex index = index_of(frames);
  EXPECT_LT(index.rows_bytes, kMostGroupListedBytes + 600'000);
  const SessionRows rows = read_rows(index);
  std::size_t hashed = 0;
  for (std::size_t row = 0; row < rows.rows.size(); ++row) {
    const RowProperty tenant = rows.properties.at(1).of_row(row);
    EXPECT_EQ(tenant.values.size() + tenant.hashes.size(), 1U);
    hashed += tenant.hashes.size();
  }
  EXPECT_GT(hashed, 1000U);
}

TEST(SessionRows, ALongIdIsOneSession) {
  const std::string id(kMostListedBytes + 1, 'i');
  const SessionRows rows = read_rows(index_of({frame_with("\"id\":\"" + id + "\""),
                                               frame_with("\"id\":\"" + id + R"(","tenant":"a")"),
                                               frame_with("\"id\":\"" + id + "j\"")}));
  EXPECT_EQ(rows.rows.size(), 2U);
}

TEST(SessionRows, AFrameThatCantBeReadLacksEveryProperty) {
  const std::string whole =
      frame_with(R"("id":"A","tenant":"a","recipient":"b","source_address":"c")");
  for (const PropertySummary& summary : index_of({whole}).summaries)
    EXPECT_FALSE(summary.absent);
  for (const PropertySummary& summary : index_of({whole, "not json"}).summaries) {
    EXPECT_TRUE(summary.absent);
    EXPECT_TRUE(summary.complete);
  }
}

// ---- hostile rows ----

// Rows of so many sessions, the rest as `build` says.
template <class Build>
GroupIndex hostile(unsigned count, Build build) {
  GroupIndex index;
  index.index_version = kIndexVersion;
  index.rows = compress_whole(message_of([&](capnp::MessageBuilder& message) {
    auto rows = message.initRoot<tape::SessionRows>();
    rows.setVersion(1);
    rows.setCount(count);
    build(rows);
  }));
  return index;
}

TEST(SessionRows, RowsThatMakeNoSenseAreRefused) {
  using Rows = tape::SessionRows::Builder;
  EXPECT_THROW((void)read_rows(hostile(kMostSessionRows + 1, [](Rows) {})), Error);
  EXPECT_THROW(
      (void)read_rows(hostile(1, [](Rows rows) { rows.initIdForm().initU8(1).set(0, 9); })), Error);
  EXPECT_THROW(
      (void)read_rows(hostile(1, [](Rows rows) { rows.initIdForm().initU8(1).set(0, 1); })), Error)
      << "an id without its bytes";
  EXPECT_THROW((void)read_rows(hostile(1, [](Rows rows) { rows.initMessages().initU8(2); })),
               Error);
  EXPECT_THROW(
      (void)read_rows(hostile(
          1, [](Rows rows) { rows.initProperties(1)[0].initHashed().initU8(1).set(0, 1); })),
      Error);
  EXPECT_THROW(
      (void)read_rows(hostile(
          1, [](Rows rows) { rows.initProperties(1)[0].initListed().initU8(1).set(0, 65); })),
      Error);
}

// All of its values are "the next one", and there is none.
TEST(SessionRows, ValuesThatAreNotThereTakeNoMemory) {
  const GroupIndex index = hostile(kMostSessionRows, [](tape::SessionRows::Builder rows) {
    for (auto property : rows.initProperties(64)) {
      auto listed = property.initListed().initU8(kMostSessionRows);
      for (unsigned i = 0; i < listed.size(); ++i)
        listed.set(i, 64);
    }
  });
  EXPECT_THROW((void)read_rows(index), Error);
}

TEST(SessionRows, AttemptsOfNoRowAreRefused) {
  const auto of_row = [](unsigned place, unsigned count) {
    return hostile(1, [=](tape::SessionRows::Builder rows) {
      auto tried = rows.initTried(count);
      for (auto each : tried)
        each.setRow(place);
    });
  };
  EXPECT_THROW((void)read_rows(of_row(1, 1)), Error);
  EXPECT_THROW((void)read_rows(of_row(0, 2)), Error);
}

// A row that is decided is sure and rests.
TEST(SessionRows, OfProgramsFromBeforeHaveNoOutcomes) {
  constexpr std::uint8_t kDecided = 16;
  const auto of_flags = [](std::uint8_t flags) {
    return read_rows(hostile(1,
                             [flags](tape::SessionRows::Builder rows) {
                               rows.initIdForm().initU8(1).set(0, 3);
                               const std::string hash = "12345678";
                               rows.setIdHashes(as_data(hash));
                               rows.initFlags().initU8(1).set(0, flags);
                             }))
        .rows.at(0);
  };
  const SessionRow decided = of_flags(kDecided);
  EXPECT_TRUE(decided.decided && decided.sure && decided.rests);
  EXPECT_FALSE(decided.goes_on || decided.outcomes);
  const SessionRow other = of_flags(0);
  EXPECT_FALSE(other.decided || other.sure || other.rests || other.goes_on || other.outcomes);
}

// ---- outcomes ----

std::string said(const std::string& meta, const std::string& payload) {
  return "{\"conn_meta\":{" + meta + "},\"payload\":" + payload +
         R"(,"when":"2026-08-04T13:54:50Z"})";
}

TEST(SessionRows, SayWhatBecameOfRecipients) {
  const std::string id = R"("id":"a")";
  const std::string message = id + R"(,"recipient":["b","c",null,"d"])";
  const SessionRows rows = read_rows(index_of(
      {said(id, R"("BeginSession")"),
       said(id, R"("Connected")"),
       said(id, R"({"Read":"220 mx\r\n"})"),
       said(message, R"("MessageObtained")"),
       said(message, R"({"Write":"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n"})"),
       said(message, R"({"Read":"250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n"})"),
       said(message, R"({"Write":"x\r\n.\r\n"})"),
       said(message, R"({"Read":"451 later\r\n"})"),
       said(id + R"(,"recipient":"e")", R"("MessageObtained")"),
       said(id + R"(,"recipient":7)", R"("MessageObtained")")}));
  const SessionRow& row = rows.rows.at(0);
  EXPECT_TRUE(row.sure && row.outcomes);
  EXPECT_EQ(row.messages, 3U);
  EXPECT_EQ(row.recipients, 2U);
  EXPECT_EQ(row.wanted, 4U);
  EXPECT_EQ(row.delivered, 0U);
  EXPECT_EQ(row.put_off, 1U);
  EXPECT_EQ(row.bounced, 1U);
  EXPECT_EQ(row.deferred, 1U);
  EXPECT_FALSE(row.tried);
}

TEST(SessionRows, SayWhereAConnectionWasTried) {
  const auto attempt = [](const std::string& id, const std::string& message) {
    return said("\"id\":\"" + id +
                    R"(","mx_plan":{"Addresses":[{"addr":"192.0.2.2","name":"mx2"},)"
                    R"({"addr":"192.0.2.1","name":"mx1"}]})",
                R"({"Diagnostic":{"level":"INFO","message":")" + message + "\"}}");
  };
  const std::string to = "Attempting connection to ";
  const std::string held = "Connection rate throttled for 3s";
  const std::vector<SessionRow> rows =
      read_rows(index_of({attempt("a", to + "192.0.2.1:25"),
                          attempt("a", to + "192.0.2.2:25"),
                          attempt("b", to + "198.51.100.1:25"),
                          attempt("c", to + "192.0.2.1:25"),
                          attempt("c", held),
                          attempt("d", to + "192.0.2.1:25"),
                          said(R"("id":"d")", R"("Connected")"),
                          attempt("d", to + "192.0.2.2:25"),
                          said(R"("id":"e")", R"("BeginSession")"),
                          attempt("f", to + std::string(kMostListedBytes + 1, 'x')),
                          attempt("g", held),
                          attempt("g", to + "192.0.2.1:25")}))
          .rows;
  using Target = SessionRow::Target;
  EXPECT_EQ(rows.at(0).tried, (Target{"mx2", "192.0.2.2"}));
  EXPECT_EQ(rows.at(1).tried, (Target{"", "198.51.100.1:25"}));
  EXPECT_EQ(rows.at(2).tried, Target{}) << "held up";
  EXPECT_EQ(rows.at(3).tried, std::nullopt) << "connected";
  EXPECT_EQ(rows.at(4).tried, std::nullopt);
  EXPECT_EQ(rows.at(5).tried, std::nullopt);
  EXPECT_FALSE(rows.at(5).sure) << "too long to be kept";
  EXPECT_EQ(rows.at(6).tried, (Target{"mx1", "192.0.2.1"}));
}

// ---- what a reader may rely on ----

TEST(SessionRows, AGroupWithRecordsOfUnknownKindsPromisesNothing) {
  StringSink sink;
  TapeWriter writer(sink, header_of(Layout::Interleaved), sizes(kKi, kKi));
  EventBatch beside;
  const std::string record = "12345678";
  beside.foreign.push_back(record);
  Ledger ledger;
  writer.add_beside_events(beside, ledger);
  writer.end_group();
  writer.add(Note{"a", "b"});
  writer.seal({}, 0);
  EXPECT_EQ(writer.groups().at(0).index_version, 0);
  EXPECT_TRUE(may_hold_message_id(writer.groups().at(0), "\"x\""));
  EXPECT_EQ(writer.groups().at(1).index_version, kIndexVersion);
  EXPECT_FALSE(may_hold_message_id(writer.groups().at(1), "\"x\""));
}

TEST(SessionRows, AnOldTapePromisesNothingAndItsRowsCanBeRead) {
  for (const char* const name : {"tapes/version-1-recorded.tape", "tapes/version-1-written.tape"}) {
    const Recorded got = indexes_of(testing::read_file(testing::golden_path(name)));
    for (const GroupIndex& index : got.indexes) {
      EXPECT_EQ(index.index_version, 0);
      EXPECT_TRUE(may_hold_message_id(index, "\"x\""));
      const SessionRows rows = read_rows(index);
      EXPECT_EQ(rows.rows.size(), index.sessions);
      for (const SessionRow& row : rows.rows) {
        EXPECT_FALSE(row.id.empty());
        EXPECT_FALSE(row.decided);
        EXPECT_LE(row.last_sequence, index.last_sequence);
        EXPECT_GE(row.first_received, index.first_received);
      }
    }
  }
}

// Captures whose events are written beside another's.
TEST(SessionRows, AGapTouchesSessionsOfItsCaptureOnly) {
  Origin least{Id128{}, "mta-2", 1, false};
  Origin greatest = least;
  greatest.capture.bytes.fill(0xFF);
  for (const Origin* const other : {&least, &greatest}) {
    StringSink sink;
    TapeWriter writer(sink, header_of(Layout::Interleaved), sizes(kKi, 1024 * kKi));
    WireDecoder decoder;
    EventBatch batch;
    std::uint64_t sequence = 0;
    const auto add = [&](const std::string& meta, const Origin* origin) {
      const std::string frame = frame_with(meta);
      Event& event = decoder.decode(frame, Opcode::Text, batch);
      event.origin = origin;
      event.sequence = ++sequence;
      writer.add(event);
    };
    add(R"("id":"A")", nullptr);
    add(R"("id":"B")", other);
    Gap gap;
    gap.after_sequence = sequence;
    gap.origin = other;
    writer.add(gap);
    add(R"("id":"A")", nullptr);
    add(R"("id":"B")", other);
    writer.seal({}, 0);
    const SessionRows rows = read_rows(indexes_of(sink.text()).indexes.at(0));
    EXPECT_FALSE(rows.rows.at(0).gap);
    EXPECT_TRUE(rows.rows.at(1).gap);
  }
}

}  // namespace
}  // namespace smtptape
