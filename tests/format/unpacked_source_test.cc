// What is packed is known by its first bytes, and is never half of it without a word.
#include "format/wire/unpacked_source.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "format/tape/compressor.h"
#include "tests/support/example_tape.h"

namespace smtptape {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using ::testing::HasSubstr;

class Drip : public ByteSource {
 public:
  Drip(std::string_view bytes, std::size_t step) : bytes_(bytes), step_(step) {}
  std::size_t read(char* to, std::size_t size) override {
    return bytes_.read(to, std::min(size, step_));
  }

 private:
  StringSource bytes_;
  std::size_t step_;
};

std::string unpacked(std::string_view bytes, std::size_t step = 1 << 20) {
  UnpackedSource source(
      std::make_unique<Drip>(bytes, step), "test", UnpackedSource::Content::Lines);
  std::string all;
  std::array<char, 1000> buffer{};
  while (const std::size_t got = source.read(buffer.data(), buffer.size()))
    all.append(buffer.data(), got);
  return all;
}

std::string trouble_with(std::string_view bytes) {
  try {
    static_cast<void>(unpacked(bytes));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// "{}" and a line end, by gzip -n.
constexpr std::string_view kGzip =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\xe5\x02\x00\x06\xb0\xa1\xdd\x03\x00\x00\x00"sv;

const std::string& lines() {
  static const std::string text = [] {
    std::string made;
    for (int i = 0; i < 50'000; ++i)
      made += "{\"number\":" + std::to_string(i * 7919) + "}\n";
    return made;
  }();
  return text;
}

TEST(UnpackedSource, GivesPlainLinesAsTheyAre) {
  for (const std::string_view text : {""sv, "\n"sv, "{}\n"sv, "P"sv, "\xff"sv, "\x1f"sv, "\0"sv}) {
    EXPECT_EQ(unpacked(text), text);
    EXPECT_EQ(unpacked(text, 1), text);
  }
}

TEST(UnpackedSource, UnpacksZstdInAnyPiecesFramesAndSkippableOnes) {
  const std::string half = lines().substr(0, 100'000);
  const std::string skippable = "\x50\x2A\x4D\x18\x03\0\0\0abc"s;
  const std::string like_a_tape = "\x53\x2A\x4D\x18\x09\0\0\0smtptapes"s;
  const std::string packed = skippable + compress_whole(half) + like_a_tape + skippable +
                             compress_whole(lines().substr(100'000)) + skippable;
  for (const std::size_t step : {1U, 3U, 4096U, 1U << 20U})
    EXPECT_TRUE(unpacked(packed, step) == lines());
  EXPECT_TRUE(unpacked("\x53\x2A\x4D\x18\x09\0\0\0smtptapf1"s + compress_whole(half)) == half);
}

TEST(UnpackedSource, SaysWhereZstdIsCutOrDamaged) {
  const std::string packed = compress_whole(lines());
  for (std::size_t size = 5; size < packed.size(); size += 997)
    EXPECT_THAT(trouble_with(packed.substr(0, size)), HasSubstr("is cut off after")) << size;
  std::string damaged;  // with a checksum, as zstd(1) writes one
  Compressor compressor(3, 20);
  compressor.add(lines(), damaged);
  compressor.end(damaged);
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 4);
  EXPECT_THAT(trouble_with(damaged), HasSubstr("is damaged ("));
  EXPECT_THAT(trouble_with(packed + "more"), HasSubstr("is damaged ("));
}

TEST(UnpackedSource, UnpacksGzipMemberAfterMember) {
  const std::string one(kGzip);
  for (const std::size_t step : {1U, 7U, 4096U}) {
    EXPECT_EQ(unpacked(one, step), "{}\n");
    EXPECT_EQ(unpacked(one + one + std::string(512, '\0'), step), "{}\n{}\n");
  }
  for (std::size_t size = 2; size < one.size(); ++size)
    EXPECT_THAT(trouble_with(one.substr(0, size)), HasSubstr("is cut off")) << size;
  EXPECT_THAT(trouble_with(one + one.substr(0, 12)), HasSubstr("is cut off"));
  EXPECT_THAT(trouble_with(one + "more"), HasSubstr("is damaged"));
}

TEST(UnpackedSource, RefusesATapeWithTheCommandsThatReadIt) {
  const std::string tape = testing::example_tape(Layout::TwoFrames);
  EXPECT_THAT(trouble_with(tape), HasSubstr("is a tape already; smtptape replay"));
  EXPECT_THAT(trouble_with(compress_whole(tape)), HasSubstr("is a tape already, packed"));
}

TEST(UnpackedSource, RefusesOtherAlphabetsAndPackers) {
  for (const std::string_view begin : {"\xFF\xFE{\0"sv,
                                       "\xFE\xFF\0{"sv,
                                       "\xFF\xFE\0\0{\0\0\0"sv,
                                       "\0\0\xFE\xFF\0\0\0{"sv,
                                       "{\0\"\0"sv,
                                       "\0{\0\""sv,
                                       "\0\0\0{"sv})
    EXPECT_THAT(trouble_with(begin), HasSubstr("iconv -f UTF-16 -t UTF-8"));
  for (const std::string_view begin : {"\xFD\x37zXZ\0"sv, "BZh91AY"sv, "PK\x03\x04"sv})
    EXPECT_THAT(trouble_with(begin), HasSubstr("is packed with something"));
  EXPECT_THAT(trouble_with(compress_whole(kGzip)), HasSubstr("is packed twice"));
}

}  // namespace
}  // namespace smtptape
