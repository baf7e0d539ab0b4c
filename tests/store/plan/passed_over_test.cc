// What can be told of tapes of which nothing was read, and of those that can't be.
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "store/plan/plan.h"
#include "tests/support/program.h"

namespace smtptape {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kGroups = 3;
constexpr int kSessions = 400;  // of a group: more recipients than its summary lists

TapeHeader some_header() {
  TapeHeader header;
  header.tape_id = random_id();
  header.origin = {random_id(), "a", 1, false};
  return header;
}

// Each session with a recipient of its own: r0 to r1199.
struct MadeTape {
  std::string bytes;
  std::uint64_t second_group = 0;
};
MadeTape made_of(const TapeHeader& header) {
  TapeOptions options;
  options.indexed_keys = {"recipient"};
  StringSink sink;
  TapeWriter writer(sink, header, options);
  WireDecoder decoder;
  EventBatch batch;
  for (int i = 0; i < kGroups * kSessions; ++i) {
    const std::string name = std::to_string(i);
    batch.clear();
    Event& event = decoder.decode(R"({"conn_meta":{"id":"s)" + name + R"(","recipient":"r)" + name +
                                      R"("},"payload":"Closed","when":"2026-08-04T21:00:00Z"})",
                                  Opcode::Text,
                                  batch);
    event.sequence = static_cast<std::uint64_t>(i) + 1;
    event.received = i + 1;
    writer.add(event);
    if ((i + 1) % kSessions == 0) writer.end_group();
  }
  writer.seal({}, 1);
  return {sink.text(), writer.groups()[1].offset};
}

std::string tape_of(const TapeHeader& header) {
  return made_of(header).bytes;
}

struct Asked {
  std::vector<UnmatchedValues::Miss> misses;
  std::size_t events = 0;
  std::uint64_t looked_at = 0;
  std::vector<std::string> damage;
  std::uint64_t read = 0;  // bytes
};

Asked ask(const std::string& name, const std::string& request, Scope scope) {
  const std::vector<TapeFile> tapes = find_tapes({name});
  const auto pool = std::make_shared<GroupPool>(2);
  Selection selection;
  selection.request = parse_request(request);
  selection.scope = scope;
  std::shared_ptr<FirstPass> first_pass;
  if (selection.needs_two_passes()) {
    first_pass = collect_sessions(tapes, selection, Recovery::Skip, pool).sessions;
  }
  const auto question = std::make_shared<Question>(selection, Question::Mode::Choose, first_pass);
  Inputs inputs(planned(tapes, {question, pool}));
  Asked asked;
  for (EventBatch batch; inputs.next(batch);)
    asked.events += batch.events.size();
  asked.read = question->plan().read.bytes + question->plan().columns.bytes;
  look_for_values(tapes, *question);
  asked.misses = question->unmatched().misses();
  asked.looked_at = question->tally().looked_at;
  asked.damage = inputs.trouble().damage;
  return asked;
}

class PassedOverTest : public ::testing::TestWithParam<Scope> {};
INSTANTIATE_TEST_SUITE_P(Plan, PassedOverTest, ::testing::Values(Scope::Strict, Scope::Session));

// The summaries list nothing; the rows do.
TEST_P(PassedOverTest, TheNearestValueIsNamed) {
  const TemporaryDirectory directory;
  testing::write_file(directory / "a.tape", tape_of(some_header()));
  const Asked asked = ask(directory / "a.tape", R"({"rcpt_to":["r1177x"]})", GetParam());
  EXPECT_EQ(asked.events, 0U);
  EXPECT_EQ(asked.read, 0U);
  ASSERT_EQ(asked.misses.size(), 1U);
  EXPECT_TRUE(asked.misses[0].and_others);
  EXPECT_THAT(asked.misses[0].instead, Contains("r1177"));
}

TEST(PassedOver, OfATapeThatNeedsANewerProgramWhatWasSeenIsCounted) {
  const TemporaryDirectory directory;
  TapeHeader header = some_header();
  const MadeTape known = made_of(header);
  header.flags.incompatible = 4;
  const MadeTape newer = made_of(header);
  testing::write_file(
      directory / "b.tape",
      known.bytes.substr(0, known.second_group) + newer.bytes.substr(newer.second_group));
  testing::write_file(directory / "c.tape", tape_of(some_header()));
  const Asked asked = ask(directory.path().string(), R"({"rcpt_to":["r5"]})", Scope::Strict);
  EXPECT_EQ(asked.events, 2U);
  EXPECT_EQ(asked.looked_at, 400U + 1200U);
  EXPECT_THAT(asked.damage, ElementsAre(HasSubstr("a newer smtptape is needed")));
  EXPECT_THROW(static_cast<void>(ask(directory / "b.tape", R"({"rcpt_to":["r5"]})", Scope::Strict)),
               Error);
}

}  // namespace
}  // namespace smtptape
