// What top shows, without a terminal.
#include "replay/top/top_model.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "filters/property.h"
#include "format/wire/wire.h"
#include "tests/replay/example_feed.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = TopKey::Kind;

constexpr std::int64_t kSecond = 1'000'000'000;

class TopModelTest : public ::testing::Test {
 protected:
  static std::string meta(std::string_view id) {
    return R"({"egress_pool":"pool","id":")" + std::string(id) + R"("})";
  }
  // Frames of one session, one a second, in a batch.
  void play(std::string_view id, const std::vector<std::string>& payloads) {
    std::string text;
    std::vector<std::string> frames;
    for (const std::string& payload : payloads)
      frames.push_back(frame(meta(id), payload, "10:00:0" + std::to_string(frames.size())));
    EventBatch batch;
    for (std::string& line : frames) {
      line.pop_back();
      Event& event = decoder_.decode(batch.arena.copy(line), Opcode::Text, batch);
      event.received = ++seconds_ * kSecond;
    }
    model_.add(batch);
  }
  // One that sends a message, and what is said of it.
  void send(std::string_view id, std::string_view reply) {
    play(id,
         {"\"BeginSession\"",
          "\"Connected\"",
          text_payload("Read", "220 hi\r\n"),
          text_payload("Write", "EHLO a\r\n"),
          text_payload("Read", "250 hi\r\n"),
          "\"MessageObtained\"",
          text_payload("Write", "MAIL FROM:<a@a.example>\r\n"),
          text_payload("Read", "250 ok\r\n")});
    play(id,
         {text_payload("Write", "RCPT TO:<b@b.example>\r\n"),
          text_payload("Read", std::string(reply) + "\r\n"),
          "\"Closed\""});
  }
  void fail(std::string_view id) {
    play(id,
         {"\"BeginSession\"",
          R"({"Diagnostic":{"level":"INFO","message":"Attempting connection to 127.0.0.1:25"}})",
          R"({"Diagnostic":{"level":"ERROR","message":"Connection refused"}})",
          "\"Closed\""});
  }
  void press(std::string_view keys) {
    for (const char key : keys)
      model_.press({Kind::Text, std::string(1, key)});
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (const TopRow* row : model_.rows())
      out.push_back(row->id);
    return out;
  }
  std::string selected() const {
    return model_.selected() ? model_.rows()[*model_.selected()]->id : "";
  }

  TopModel model_{"all", "show {} x", {5, 1 << 20, 2000}};
  WireDecoder decoder_;
  std::int64_t seconds_ = 0;
};

TEST_F(TopModelTest, NothingIsShownOfNothing) {
  EXPECT_THAT(ids(), IsEmpty());
  EXPECT_EQ(model_.selected(), std::nullopt);
  EXPECT_THAT(model_.pane(), IsEmpty());
  EXPECT_EQ(model_.command(), "all");
  press("]jkG");
  model_.press({Kind::PageDown, {}});
  EXPECT_EQ(model_.selected(), std::nullopt);
}

TEST_F(TopModelTest, TheNewestComesFirst) {
  send("a", "250 ok");
  send("b", "250 ok");
  play("a", {"\"Connected\""});
  EXPECT_THAT(ids(), ElementsAre("b", "a"));
  EXPECT_EQ(selected(), "b");
  EXPECT_EQ(model_.command(), "show b x");
}

TEST_F(TopModelTest, ALineSaysWhatBecameOfASession) {
  send("a", "450 4.7.1 later");
  const TopRow& row = *model_.rows().front();
  EXPECT_EQ(row.mark, TopMark::Deferred);
  EXPECT_EQ(row.worst, 450);
  EXPECT_EQ(row.messages, 1U);
  EXPECT_EQ(row.recipients, 1U);
  EXPECT_EQ(row.pool, "pool");
  EXPECT_EQ(row.last_words, "450 4.7.1 later");
  send("b", "550 no");
  EXPECT_EQ(model_.rows().front()->mark, TopMark::Bounced);
  fail("c");
  EXPECT_EQ(model_.rows().front()->mark, TopMark::Failed);
  EXPECT_THAT(model_.rows().front()->last_words, HasSubstr("Connection refused"));
  play("d", {"\"BeginSession\""});
  EXPECT_EQ(model_.rows().front()->mark, TopMark::Open);
  EXPECT_EQ(model_.failures(), 3U);
}

TEST_F(TopModelTest, TheLastOnesAreKept) {
  for (const char* const id : {"a", "b", "c", "d", "e", "f", "g"})
    send(id, "250 ok");
  EXPECT_THAT(ids(), ElementsAre("g", "f", "e", "d", "c"));
  send("a", "250 ok");  // as if new
  EXPECT_THAT(ids(), ElementsAre("a", "g", "f", "e", "d"));
}

TEST_F(TopModelTest, TranscriptsHaveABound) {
  for (int i = 0; i < 100; ++i)
    play("a", {text_payload("Write", std::string(100, 'x') + "\r\n")});
  press("t");
  const auto lines = model_.pane();
  EXPECT_LT(lines.size(), 30U);
  EXPECT_THAT(lines.back(), HasSubstr("the command below shows all of it"));
}

TEST_F(TopModelTest, WhatIsKeptOfAllHasABound) {
  TopModel small("all", "show {}", {100, 8000, 2000});
  std::swap(small, model_);
  for (const char* const id : {"a", "b", "c", "d"})
    send(id, "550 no");
  EXPECT_THAT(ids(), ElementsAre("d", "c", "b", "a"));
  press("G");
  EXPECT_THAT(model_.pane(), ElementsAre(HasSubstr("not kept here")));
  EXPECT_EQ(model_.rows().back()->mark, TopMark::Bounced);
}

TEST_F(TopModelTest, KeysMoveTheSelection) {
  for (const char* const id : {"a", "b", "c"})
    send(id, "250 ok");
  press("j");
  EXPECT_EQ(selected(), "b");
  send("d", "250 ok");  // what is selected stays so
  EXPECT_EQ(selected(), "b");
  press("jjjj");
  EXPECT_EQ(selected(), "a");
  press("g");
  EXPECT_EQ(selected(), "d");
  send("e", "250 ok");  // the newest is followed
  EXPECT_EQ(selected(), "e");
  press("kk");
  EXPECT_EQ(selected(), "e");
  model_.press({Kind::End, {}});
  EXPECT_EQ(selected(), "a");
  model_.press({Kind::Up, {}});
  EXPECT_EQ(selected(), "b");
}

TEST_F(TopModelTest, BracketsGoFromFailureToFailure) {
  send("a", "550 no");
  send("b", "250 ok");
  send("c", "450 later");
  send("d", "250 ok");
  press("]");
  EXPECT_EQ(selected(), "c");
  press("]");
  EXPECT_EQ(selected(), "a");
  press("]");
  EXPECT_EQ(selected(), "a");
  EXPECT_EQ(model_.message(), "no failure further down");
  press("[");
  EXPECT_EQ(selected(), "c");
  press("[");
  EXPECT_EQ(selected(), "c");
  EXPECT_EQ(model_.message(), "no failure further up");
}

TEST_F(TopModelTest, AFilterChooses) {
  send("a", "550 no such user");
  send("b", "250 ok");
  fail("c");
  press("/Such USER");
  EXPECT_TRUE(model_.is_filter_typed());
  EXPECT_THAT(ids(), ElementsAre("a"));
  EXPECT_EQ(selected(), "a");
  model_.press({Kind::Backspace, {}});
  model_.press({Kind::Enter, {}});
  EXPECT_FALSE(model_.is_filter_typed());
  EXPECT_EQ(model_.filter(), "Such USE");
  press("/failed");
  EXPECT_THAT(ids(), ElementsAre("c"));
  EXPECT_FALSE(model_.quits());
  model_.press({Kind::Escape, {}});
  EXPECT_THAT(ids(), ElementsAre("c", "b", "a"));
}

// ---- filters in the words of a command line ----

// What a command line would make of "--code 550" and the like: only codes are understood here.
std::shared_ptr<TopChoice> codes(const std::string& filter) {
  OutcomeWishes wishes;
  Selection selection;
  selection.scope = Scope::Session;
  if (filter == "--failed") {
    wishes.outcomes.add_failures();
  } else if (filter == "--not-egress-pool pool") {
    for (std::size_t i = 0; i < kPropertyCount; ++i) {
      if (kProperties[i].meta_key == "egress_pool") selection.denied[i].texts = {"pool"};
    }
  } else if (filter.starts_with("--session ")) {
    selection.sessions = {filter.substr(10)};
  } else {
    wishes.codes.add(std::string_view(filter).substr(7));
  }
  return std::make_shared<TopChoice>(selection, rules_of(std::move(wishes)), "list " + filter);
}

// Of each session as much is kept as here comes.
class TopFilterTest : public TopModelTest {
 protected:
  TopFilterTest() {
    TopModel roomy("all", "show {} x", {5, 1 << 20, 1 << 20});
    std::swap(roomy, model_);
    model_.understand(codes);
  }
};

TEST_F(TopFilterTest, MayBeOptions) {
  send("a", "550 no such user");
  send("b", "250 ok");
  press("/--code 5");
  EXPECT_THAT(ids(), ElementsAre("b", "a")) << "not before it is typed to its end";
  press("50");
  model_.press({Kind::Enter, {}});
  EXPECT_FALSE(model_.is_filter_typed());
  EXPECT_THAT(ids(), ElementsAre("a"));
  EXPECT_EQ(model_.command(), "show a x");
  EXPECT_EQ(model_.command_of_list(), "list --code 550");
  send("c", "550 no");
  send("d", "450 no");
  EXPECT_THAT(ids(), ElementsAre("c", "a"));
  press("Y");
  EXPECT_EQ(model_.take_copy(), "list --code 550");
  model_.press({Kind::Escape, {}});
  EXPECT_THAT(ids(), ElementsAre("d", "c", "b", "a"));
  EXPECT_EQ(model_.command_of_list(), "all");
}

TEST_F(TopFilterTest, WhereNoSessionPassesTheCommandIsThatOfTheList) {
  send("a", "250 ok");
  press("/--code 4xx");
  model_.press({Kind::Enter, {}});
  EXPECT_THAT(ids(), IsEmpty());
  EXPECT_EQ(model_.command(), "list --code 4xx");
}

TEST_F(TopFilterTest, IsAskedOfEachSessionWhileItGoesOn) {
  model_.set_filter("--failed");
  play("a",
       {"\"BeginSession\"",
        "\"Connected\"",
        text_payload("Read", "220 hi\r\n"),
        text_payload("Write", "MAIL FROM:<a@a.example>\r\n")});
  EXPECT_THAT(ids(), IsEmpty()) << "it may still become something";
  play("a", {text_payload("Read", "250 ok\r\n")});
  EXPECT_THAT(ids(), IsEmpty());
  play("a", {"\"Closed\""});
  EXPECT_THAT(ids(), ElementsAre("a")) << "unfinished";
  play(
      "b",
      {"\"BeginSession\"",
       R"({"Diagnostic":{"level":"ERROR","message":"connect to 127.0.0.1:25: Connection refused"}})"});
  EXPECT_THAT(ids(), ElementsAre("b", "a"));
  send("c", "450 later");
  EXPECT_THAT(ids(), ElementsAre("c", "b", "a"));
}

TEST_F(TopFilterTest, WhatIsOpenIsOverWhenNothingMoreComes) {
  model_.set_filter("--failed");
  play("a",
       {"\"BeginSession\"", "\"Connected\"", text_payload("Write", "MAIL FROM:<a@a.example>\r\n")});
  EXPECT_THAT(ids(), IsEmpty());
  model_.end();
  EXPECT_THAT(ids(), ElementsAre("a"));
}

TEST_F(TopFilterTest, MayLeaveOutOrNameASession) {
  send("a", "250 ok");
  send("b", "250 ok");
  model_.set_filter("--not-egress-pool pool");
  EXPECT_THAT(ids(), IsEmpty());
  model_.set_filter("--session b");
  EXPECT_THAT(ids(), ElementsAre("b"));
}

TEST_F(TopFilterTest, ThatMeansNothingIsToldAndStaysTyped) {
  send("a", "250 ok");
  press("/--code zzz");
  model_.press({Kind::Enter, {}});
  EXPECT_TRUE(model_.is_filter_typed());
  EXPECT_THAT(model_.message(), HasSubstr("zzz"));
  EXPECT_THAT(ids(), ElementsAre("a"));
}

TEST_F(TopFilterTest, CantAskWhatIsNotKeptAndCountsIt) {
  TopModel small("all", "show {}", {3, 8000, 1 << 20});
  std::swap(small, model_);
  model_.understand(codes);
  for (const char* const id : {"a", "b", "c"})
    send(id, "550 no");
  model_.set_filter("--code 550");
  EXPECT_EQ(ids().size() + model_.not_judged(), 3U);
  EXPECT_GE(model_.not_judged(), 1U);
  const std::size_t before = model_.not_judged();
  send("d", "550 no");  // and the oldest goes
  EXPECT_EQ(model_.not_judged(), before - 1);
  EXPECT_EQ(ids().front(), "d");
}

TEST_F(TopFilterTest, CountsWhatIsNotKeptOfALongSession) {
  TopModel small("all", "show {}", {3, 1 << 20, 1000});
  std::swap(small, model_);
  model_.understand(codes);
  send("a", "550 no");
  model_.set_filter("--code 550");
  EXPECT_EQ(model_.not_judged(), 1U);
  send("b", "550 no");  // asked as it comes
  EXPECT_THAT(ids(), ElementsAre("b"));
}

TEST_F(TopModelTest, WhatIsTypedHasABound) {
  press("/" + std::string(1000, 'x'));
  EXPECT_EQ(model_.filter().size(), TopModel::kMostTyped);
}

TEST_F(TopModelTest, StoryAndTranscriptAreShown) {
  send("a", "550 no");
  EXPECT_THAT(model_.pane().front(), HasSubstr("session a"));
  press("t");
  EXPECT_EQ(model_.pane_kind(), TopModel::Pane::Transcript);
  EXPECT_THAT(model_.pane().front(), HasSubstr("[a]       === BeginSession"));
  model_.set_pages(3, 4);
  model_.press({Kind::PageDown, {}});
  EXPECT_EQ(model_.pane_scroll(), 4U);
  for (int i = 0; i < 100; ++i)
    model_.press({Kind::PageDown, {}});
  EXPECT_EQ(model_.pane_scroll(), model_.pane().size() - 4);
  model_.press({Kind::PageUp, {}});
  EXPECT_EQ(model_.pane_scroll(), model_.pane().size() - 8);
  model_.press({Kind::Enter, {}});
  EXPECT_TRUE(model_.is_pane_large());
  model_.press({Kind::Down, {}});  // a line, not a session
  EXPECT_EQ(model_.pane_scroll(), model_.pane().size() - 7);
  model_.press({Kind::Escape, {}});
  EXPECT_FALSE(model_.is_pane_large());
}

TEST_F(TopModelTest, CommandsAreCopiedOnce) {
  send("it's", "250 ok");
  press("y");
  EXPECT_EQ(model_.take_copy(), R"(show 'it'\''s' x)");
  EXPECT_EQ(model_.take_copy(), std::nullopt);
  EXPECT_THAT(model_.message(), HasSubstr("OSC 52"));
}

TEST_F(TopModelTest, RatesAreOfTenSeconds) {
  seconds_ = 99;
  send("a", "550 no");  // 100 to 110 s
  send("b", "250 ok");  // from 111 s
  fail("c");            // from 122 s
  const auto buckets = model_.buckets(4);
  ASSERT_EQ(buckets.size(), 4U);
  EXPECT_EQ(buckets[3].number, 12);
  std::vector<std::uint32_t> begun;
  std::vector<std::uint32_t> failed;
  for (const auto& bucket : buckets) {
    begun.push_back(bucket.begun);
    failed.push_back(bucket.failed);
  }
  EXPECT_THAT(begun, ElementsAre(0, 1, 1, 1));
  EXPECT_THAT(failed, ElementsAre(0, 0, 1, 1));
}

TEST_F(TopModelTest, RatesHaveABound) {
  for (int i = 0; i < 3000; ++i) {
    seconds_ += 10;
    play("s" + std::to_string(i), {"\"BeginSession\""});
  }
  seconds_ = 0;
  play("back", {"\"BeginSession\""});
  const auto buckets = model_.buckets(TopModel::kMostBuckets + 10);
  std::uint32_t all = 0;
  for (const auto& bucket : buckets)
    all += bucket.begun;
  EXPECT_GE(all, 900U);
  EXPECT_LE(all, TopModel::kMostBuckets + 1U);
}

TEST_F(TopModelTest, KeysOfTheWhole) {
  press(" ");
  EXPECT_TRUE(model_.is_paused());
  press(" ");
  EXPECT_FALSE(model_.is_paused());
  press("?");
  EXPECT_TRUE(model_.shows_help());
  press("q");  // ends the help
  EXPECT_FALSE(model_.shows_help());
  EXPECT_FALSE(model_.quits());
  press("q");
  EXPECT_TRUE(model_.quits());
}

}  // namespace
}  // namespace smtptape
