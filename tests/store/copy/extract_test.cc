// An extract says whose mail is inside, whose copy it is, and of how much it was chosen.
#include "store/copy/extract.h"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/format/made_tape.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::string frame(const std::string& session, const std::string& meta) {
  return R"({"conn_meta":{"id":")" + session + R"(")" + meta +
         R"(},"payload":"Closed","when":"2026-08-04T21:00:00Z"})";
}

class Extracting : public ::testing::Test {
 protected:
  [[nodiscard]] Extract extract(const Made& made, const Selection& selection) {
    testing::write_file(path_, made.bytes);
    const std::vector<TapeFile> tapes = find_tapes({path_.string()});
    Inputs inputs(tapes);
    SelectedSource selected(inputs, selection, nullptr);
    TapeHeader fresh;
    fresh.tape_id = random_id();
    StringSink sink;
    TapeWriter writer(sink, header_of_extract(tapes, fresh), sizes(1000, 4000));
    const Extract extract = write_extract(selected, writer, 77);
    extract_ = read_back(sink.text());
    header_ = writer.header();
    EXPECT_EQ(extract.bytes, sink.text().size());
    return extract;
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "x.tape";
  ReadBack extract_;
  TapeHeader header_;
};

TEST_F(Extracting, TellsWhoseMailIsInside) {
  const Made made = make_tape({frame("s1", R"(,"tenant":"acme","sender":"bob@from.example")"),
                               frame("s1", R"(,"tenant":"acme","sender":"eve@from.example")"),
                               frame("s2", R"(,"tenant":"b","sender":"nobody")"),
                               frame("", R"(,"sender":null,"tenant":["c"])")},
                              Layout::TwoFrames,
                              sizes(1000, 4000));
  const Extract all = extract(made, {});
  EXPECT_EQ(all.events, 4U);
  EXPECT_EQ(all.sessions, 2U);
  EXPECT_THAT(all.tenants, ElementsAre("acme", "b"));
  EXPECT_THAT(all.domains, ElementsAre("from.example"));
  EXPECT_EQ(extract_.frames, made.frames);
}

TEST_F(Extracting, BoundsWhatItTellsOfInsiders) {
  std::vector<std::string> frames;
  for (std::size_t i = 0; i < kMostInsiders + 5; ++i)
    frames.push_back(frame("s", R"(,"tenant":"t)" + std::to_string(i) + R"(")"));
  const Extract all = extract(make_tape(frames, Layout::TwoFrames, sizes(100'000, 400'000)), {});
  EXPECT_EQ(all.events, kMostInsiders + 5);
  EXPECT_THAT(all.tenants, SizeIs(kMostInsiders));
}

TEST_F(Extracting, SaysWhoseCopyItIsAndOfHowMuch) {
  const Made made = make_tape({frame("s1", R"(,"tenant":"acme")"),
                               frame("s2", R"(,"tenant":"b")"),
                               frame("s3", R"(,"tenant":"b")")},
                              Layout::TwoFrames,
                              sizes(1000, 4000));
  Selection selection;
  selection.scope = Scope::Strict;
  selection.request = parse_request(R"({"tenant":["acme"]})");
  const Extract some = extract(made, selection);
  EXPECT_EQ(some.events, 1U);
  EXPECT_THAT(some.tenants, ElementsAre("acme"));
  EXPECT_EQ(header_.copy_of, made.header.tape_id);
  EXPECT_EQ(header_.origin, made.header.origin);
  ASSERT_TRUE(extract_.footer);
  EXPECT_EQ(extract_.footer->sealed_at, 77);
  EXPECT_EQ(extract_.footer->ledger.received, 3U);
  EXPECT_EQ(extract_.footer->ledger.not_selected, 2U);
  EXPECT_EQ(extract_.footer->ledger.stored, 1U);
}

}  // namespace
}  // namespace smtptape
