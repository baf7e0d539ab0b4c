// Rows of tapes, group by group: which of them follow one another without anything between.
#include "store/plan/row_pieces.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/tape/tape_name.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "store/find/footers.h"
#include "store/plan/row_scan.h"
#include "tests/support/golden.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

std::string frame(const std::string& id, const std::string& payload) {
  return R"({"conn_meta":{"id":")" + id + R"("},"payload":)" + payload +
         R"(,"when":"2026-08-04T21:00:00Z"})";
}

Id128 id_of(std::uint8_t number) {
  Id128 id;
  id.bytes[0] = number;
  return id;
}

// Tapes of one capture or several, each of three groups with one session that goes on.
class RowPiecesOfTapes : public ::testing::Test {
 protected:
  static constexpr std::size_t kGroups = 3;

  std::string write(std::uint8_t capture, std::uint64_t number) {
    TapeHeader header;
    header.tape_id = id_of(static_cast<std::uint8_t>(100 + ++tapes_));
    header.origin = {id_of(capture), "mta", number, false};
    header.first_sequence = sequence_ + 1;
    StringSink sink;
    TapeWriter writer(sink, header, {});
    for (std::size_t group = 0; group < kGroups; ++group) {
      EventBatch batch;
      const std::string payload = group == 0 ? R"("Connected")" : R"({"Write":"NOOP\r\n"})";
      Event& event = decoder_.decode(frame("a", payload), Opcode::Text, batch);
      event.sequence = ++sequence_;
      event.received = static_cast<std::int64_t>(sequence_);
      event.origin = &header.origin;
      writer.add(event);
      writer.end_group();
    }
    writer.seal({}, 1);
    groups_ = writer.groups();
    const std::string path = directory_ / to_file_name({"mta", number, "20260804T210000Z"});
    testing::write_file(path, sink.text());
    return path;
  }
  void damage_index(const std::string& path, std::size_t group) const {
    constexpr std::uint64_t kIntoTheFrame = 60;
    std::string bytes = testing::read_file(path);
    bytes[groups_[group].offset + groups_[group].bytes + kIntoTheFrame] ^= 1;
    testing::write_file(path, bytes);
  }
  static std::vector<RowPiece> pieces_of(const std::vector<std::string>& paths) {
    const std::vector<TapeFile> tapes = find_tapes(paths);
    RowPieces pieces(tapes, std::make_shared<GroupPool>(1), {}, std::nullopt);
    std::vector<RowPiece> all;
    for (RowPiece piece; pieces.next(piece); piece = {})
      all.push_back(std::move(piece));
    return all;
  }

  TemporaryDirectory directory_;
  std::vector<GroupIndex> groups_;  // of the last tape
  std::uint64_t sequence_ = 0;
  int tapes_ = 0;
  WireDecoder decoder_;
};

TEST_F(RowPiecesOfTapes, FollowOneAnotherWithinATape) {
  const std::string first = write(1, 1);
  const std::string second = write(1, 2);
  sequence_ = 0;
  const std::string other = write(2, 9);
  const std::vector<RowPiece> all = pieces_of({first, second, other});
  ASSERT_EQ(all.size(), 3 * kGroups);
  std::map<std::uint64_t, std::size_t> runs;
  for (const RowPiece& piece : all)
    ++runs[piece.run];
  EXPECT_EQ(runs.size(), 3U) << "one a tape";
  for (const auto& [run, count] : runs)
    EXPECT_EQ(count, kGroups);
  EXPECT_TRUE(all.at(2).rows.rows.at(0).goes_on || all.at(4).rows.rows.at(0).goes_on);
}

TEST_F(RowPiecesOfTapes, DontFollowWhatHadToBeRead) {
  const std::string path = write(1, 1);
  damage_index(path, 1);
  const std::vector<RowPiece> all = pieces_of({path});
  ASSERT_EQ(all.size(), kGroups);
  EXPECT_TRUE(all[2].rows.rows.at(0).goes_on);
  EXPECT_NE(all[2].run, all[1].run) << "something of it may be missing";
}

// ---- of events ----

// So many sessions that they are more than one piece, around one that goes on.
class ManySessions : public EventSource {
 public:
  explicit ManySessions(std::size_t count) : count_(count) {}
  bool next(EventBatch& batch) override {
    batch.clear();
    if (next_ > count_) return false;
    const bool ours = next_ == 0 || next_ == count_;
    const std::string payload = next_ == 0 ? R"("Connected")" : R"({"Read":"220 mx\r\n"})";
    Event& event =
        decoder_.decode(frame(ours ? "ours" : std::to_string(next_), payload), Opcode::Text, batch);
    event.sequence = ++next_;
    event.received = static_cast<std::int64_t>(next_);
    return true;
  }

 private:
  std::size_t count_;
  std::size_t next_ = 0;
  WireDecoder decoder_;
};

TEST(RowScan, GoesOnFromPieceToPiece) {
  ManySessions events(kMostGroupIdBytes / kMostListedBytes + 10);
  RowScan scan(events, {}, Id128{});
  SessionRows rows;
  std::string source;
  std::vector<Gap> gaps;
  ASSERT_TRUE(scan.next(rows, source, gaps));
  EXPECT_FALSE(rows.rows.front().rests);
  ASSERT_TRUE(scan.next(rows, source, gaps));
  EXPECT_EQ(rows.rows.back().id, "ours");
  EXPECT_TRUE(rows.rows.back().goes_on && rows.rows.back().sure && rows.rows.back().rests);
  EXPECT_FALSE(scan.next(rows, source, gaps));
}

}  // namespace
}  // namespace smtptape
