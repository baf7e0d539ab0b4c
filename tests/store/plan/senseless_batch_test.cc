// A tape by its footer, group by group: what comes out is what reading it from front to back gives.
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "format/tape/batch_head.h"
#include "format/tape/compressor.h"
#include "format/tape/messages.h"
#include "format/tape/section.h"
#include "format/tape/tape_info.h"
#include "store/plan/group_pool.h"
#include "store/plan/planned_tape.h"
#include "tests/support/program.h"

namespace smtptape {
namespace {

template <class Fill>
std::string record(RecordKind kind, Fill fill) {
  return message_of([&](capnp::MessageBuilder& message) {
    auto root = message.initRoot<tape::Record>();
    root.setKind(static_cast<std::uint16_t>(kind));
    fill(root);
  });
}

// Sealed, two groups of four batches, an event in each; every checksum is good.  In one of them the
// event may refer to metadata that isn't there.
class MadeTape {
 public:
  MadeTape(std::uint32_t senseless_group, std::uint32_t senseless_batch) {
    header_.tape_id = {{1, 2, 3}};
    header_.origin = {{{4, 5, 6}}, "mta", 1, false};
    bytes_ = section_frame(SectionKind::Header, header_.tape_id, {}, to_message(header_));
    TapeFooter footer;
    for (std::uint32_t group = 0; group < 2; ++group) {
      const GroupIndex index = add_group(group, group == senseless_group ? senseless_batch : kNone);
      bytes_ += section_frame(SectionKind::Index, header_.tape_id, {}, to_message(index));
      footer.groups.push_back(index);
    }
    footer.ledger.received = footer.ledger.stored = 2 * kBatches;
    footer.origins = {header_.origin};
    bytes_ += footer_frame(header_.tape_id, {}, to_message(footer), bytes_.size());
  }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

  static constexpr std::uint32_t kNone = 99;
  static constexpr std::uint32_t kBatches = 4;

 private:
  GroupIndex add_group(std::uint32_t group, std::uint32_t senseless) {
    std::string raw;
    for (std::uint32_t number = 0; number < kBatches; ++number) {
      const std::string body = records(number == 0, number == senseless);
      BatchHead head;
      head.tape_id = header_.tape_id;
      head.body_bytes = body.size();
      head.number = number;
      head.group = group;
      head.events = 1;
      raw += batch_head_message(head, sequence_, {body}) + body;
    }
    GroupIndex index;
    index.number = group;
    index.offset = bytes_.size();
    index.events = kBatches;
    index.first_sequence = sequence_ - kBatches + 1;
    index.last_sequence = sequence_;
    index.column_raw_bytes = raw.size();
    index.index_version = kIndexVersion;
    index.origins = {header_.origin};
    const std::string frame = compress_whole(raw);
    index.bytes = frame.size();
    index.hash = hash64(frame);
    bytes_ += frame;
    return index;
  }

  std::string records(bool first, bool senseless) {
    std::string body;
    if (first) {
      body += record(RecordKind::Origin, [&](tape::Record::Builder root) {
        write_origin(root.initOrigin(), header_.origin);
      });
      body += record(RecordKind::Metas, [](tape::Record::Builder root) {
        auto pair = root.initMetas().initList(1)[0].initSet(1)[0];
        pair.setKey(as_data("id"));
        pair.setJson(as_data("\"a\""));
      });
    }
    ++sequence_;
    return body + record(RecordKind::Events, [&](tape::Record::Builder root) {
             auto events = root.initEvents();
             events.setCount(1);
             events.setFirstSequence(sequence_);
             events.initKind(1).set(0, static_cast<std::uint8_t>(EventKind::Closed));
             events.initMeta().initU8(1).set(0, senseless ? 7 : 1);
           });
  }

  TapeHeader header_;
  std::string bytes_;
  std::uint64_t sequence_ = 0;
};

struct Got {
  std::vector<std::uint64_t> sequences;
  std::vector<std::uint64_t> damaged_at;
  bool operator==(const Got&) const = default;
};

template <class Reader>
Got read_all(Reader& reader) {
  Got got;
  EventBatch batch;
  while (reader.next(batch)) {
    for (const Event& event : batch.events)
      got.sequences.push_back(event.sequence);
  }
  for (const Damage& damage : reader.damage())
    got.damaged_at.push_back(damage.offset);
  return got;
}

Got by_footer(const std::string& path, std::uint64_t* seen) {
  UniqueFd fd = open_for_reading(path);
  const auto sealed = plan_of(read_summary(fd.get()).value(), FooterHashes::Keep);
  const auto pool = std::make_shared<GroupPool>(2);
  const auto question = std::make_shared<Question>(Selection{}, Question::Mode::Choose, nullptr);
  PlannedTape tape(std::move(fd), path, sealed, {question, pool});
  Got got = read_all(tape);
  pool->stop();
  *seen = question->tally().seen;
  return got;
}

Got from_front_to_back(const std::string& bytes) {
  StringSource source(bytes);
  TapeReader reader(source, "a.tape");
  return read_all(reader);
}

TEST(PlannedTape, GivesAllOfATape) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.tape";
  const MadeTape tape(MadeTape::kNone, 0);
  testing::write_file(path, tape.bytes());
  std::uint64_t seen = 0;
  const Got got = by_footer(path, &seen);
  EXPECT_EQ(got, from_front_to_back(tape.bytes()));
  EXPECT_THAT(got.sequences, ::testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_TRUE(got.damaged_at.empty());
  EXPECT_EQ(seen, 8U);
}

// A good checksum says nothing about what a stranger wrote: what came before has been given out by
// then, and must not come again.
TEST(PlannedTape, TellsWhatMakesNoSenseWhereItStands) {
  for (std::uint32_t group = 0; group < 2; ++group) {
    for (std::uint32_t batch = 0; batch < MadeTape::kBatches; ++batch) {
      const TemporaryDirectory directory;
      const std::string path = directory / "a.tape";
      const MadeTape tape(group, batch);
      testing::write_file(path, tape.bytes());
      std::uint64_t seen = 0;
      const Got got = by_footer(path, &seen);
      EXPECT_EQ(got, from_front_to_back(tape.bytes())) << group << " " << batch;
      EXPECT_FALSE(got.damaged_at.empty());
      EXPECT_EQ(seen, got.sequences.size());
    }
  }
}

}  // namespace
}  // namespace smtptape
