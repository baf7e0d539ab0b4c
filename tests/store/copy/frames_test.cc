// Frames come out as they went in, to the last byte.
#include "store/copy/frames.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "format/tape/tape_info.h"
#include "format/wire/wire.h"

namespace smtptape {
namespace {

class TextSource : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] std::size_t read(char* to, std::size_t size) override {
    const std::size_t got = text_.copy(to, size, at_);
    at_ += got;
    return got;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

std::string frame(std::uint64_t number) {
  return R"({"conn_meta":{"id":"s"},"payload":{"Write":")" + std::to_string(number) +
         R"("},"when":"2026-08-04T21:00:00Z"})";
}

struct Written {
  std::string text;
  std::uint64_t events = 0;
};

Written write_feed(const std::string& feed) {
  FeedFileSource source(std::make_unique<TextSource>(feed), "feed", FeedFormat::Jsonl);
  StringSink sink;
  const std::uint64_t events = write_frames(source, FeedFormat::Jsonl, sink);
  return {sink.text(), events};
}

TEST(WriteFrames, KeepsTheEndOfTheFile) {
  for (const std::string end : {"", "\n"}) {
    const std::string feed = frame(1) + "\n" + frame(2) + end;
    const Written written = write_feed(feed);
    EXPECT_EQ(written.text, feed);
    EXPECT_EQ(written.events, 2U);
  }
}

TEST(WriteFrames, KeepsTheEndOfAFileThatIsWrittenInPieces) {
  std::string feed;
  for (std::uint64_t number = 0; feed.size() < 600'000; ++number)
    feed += frame(number) + "\n";
  EXPECT_TRUE(write_feed(feed).text == feed);
  feed.pop_back();
  EXPECT_TRUE(write_feed(feed).text == feed);
}

TEST(WriteFrames, OfNothingAreNothing) {
  const Written written = write_feed("");
  EXPECT_EQ(written.text, "");
  EXPECT_EQ(written.events, 0U);
}

// Two captures, one after the other, each with its numbers from 1 on.
class TwoCaptures : public EventSource {
 public:
  [[nodiscard]] bool next(EventBatch& batch) override {
    batch.clear();
    if (turn_ == origins_.size()) return false;
    origins_[turn_] = {random_id(), "mta", 1, false};
    Event& event = decoder_.decode(batch.arena.copy(frame(1)), Opcode::Text, batch);
    event.sequence = 1;
    event.origin = &origins_[turn_];
    if (turn_ == 0) batch.notes.push_back({std::string(kNoFinalNewline), "1"});
    ++turn_;
    return true;
  }

 private:
  std::array<Origin, 2> origins_;
  std::size_t turn_ = 0;
  WireDecoder decoder_;
};

TEST(WriteFrames, EndOfOneOfTwoCapturesIsNotTheEnd) {
  TwoCaptures source;
  StringSink sink;
  EXPECT_EQ(write_frames(source, FeedFormat::Jsonl, sink), 2U);
  EXPECT_EQ(sink.text(), frame(1) + "\n" + frame(1) + "\n");
}

}  // namespace
}  // namespace smtptape
