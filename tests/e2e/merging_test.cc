// Stores, copies and extracts of them: what comes out is the same, whatever is named beside them.
#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

// Frames of several sessions and tenants, one a millisecond from `first` on.
std::string feed(std::size_t first, std::size_t count, const std::string& prefix) {
  std::string lines;
  for (std::size_t i = 0; i < count; ++i) {
    std::string millis = std::to_string(first + i);
    millis.insert(0, 3 - std::min<std::size_t>(3, millis.size()), '0');
    lines += R"({"conn_meta":{"id":")" + prefix + std::to_string(i % 7) + R"(","tenant":"t)" +
             std::to_string(i % 3) + R"("},"payload":{"Read":"250 )" + std::to_string(i) +
             R"("},"when":"2026-08-04T21:00:00.)" + millis + R"(Z"})" + "\n";
  }
  return lines;
}

// Two sources, of which one begins and ends later, and extracts of both.
class Merging : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(store_);
    import("a", feed(100, 400, "a"));
    import("b", feed(0, 300, "b"));
    all_ = exported({store_});
    EXPECT_EQ(lines_of(all_).size(), 700U);
    extract("x.tape", "t1");
    extract("y.tape", "t2");
  }

  void import(const std::string& name, const std::string& lines) {
    ASSERT_EQ(
        smtptape({"import", "-", "-o", store_ + "/" + name + ".tape", "--name", name}, lines).exit,
        0);
  }
  void extract(const std::string& name, const std::string& tenant) {
    ASSERT_EQ(
        smtptape({"extract", store_, "--tenant", tenant, "--scope", "strict", "-o", path(name)})
            .exit,
        0);
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (directory_.path() / name).string();
  }
  static std::string exported(std::vector<std::string> tapes, std::string_view input = {}) {
    tapes.insert(tapes.begin(), "export");
    const Ran ran = smtptape(tapes, input);
    EXPECT_EQ(ran.exit, 0) << ran.err;
    return ran.out;
  }

  TemporaryDirectory directory_;
  std::string store_ = (directory_.path() / "store").string();
  std::string all_;
};

TEST_F(Merging, AnExtractOfSeveralSourcesBesideItsStoreChangesNothing) {
  const std::string x = path("x.tape");
  const std::string y = path("y.tape");
  EXPECT_EQ(exported({store_, x}), all_);
  EXPECT_EQ(exported({x, store_}), all_);
  EXPECT_EQ(exported({y, store_ + "/b.tape", x, store_ + "/a.tape"}), all_);
  fs::copy(x, store_ + "/x.tape");
  EXPECT_EQ(exported({store_, y}), all_);
}

TEST_F(Merging, NorDoesStandardInputWhichIsReadAsOftenAsItMustBe) {
  EXPECT_EQ(exported({store_, "-"}, read_file(path("x.tape"))), all_);
  EXPECT_EQ(exported({"-", path("y.tape"), store_}, read_file(path("x.tape"))), all_);
}

TEST_F(Merging, ExtractsAreTogetherWhatTheyWereTakenFrom) {
  extract("z.tape", "t0");
  EXPECT_EQ(exported({path("z.tape"), path("y.tape"), path("x.tape")}), all_);
}

TEST_F(Merging, WhatIsNoTapeInAStoreIsPassedOverAlsoWhenItIsFollowed) {
  write_file(store_ + "/notes.tape", "hello\n");
  for (const std::string follow : {"", "--follow"}) {
    std::vector<std::string> words{"replay", store_, "--until", "2026-08-05T00:00:00Z"};
    if (!follow.empty()) words.push_back(follow);
    const Ran ran = smtptape(words);
    EXPECT_EQ(ran.exit, 3) << follow;
    EXPECT_THAT(ran.err, HasSubstr("notes.tape: not a smtptape tape; passed over")) << follow;
    EXPECT_THAT(ran.out, HasSubstr("250 399"));
  }
}

TEST(ManySessions, ThatDoNotCloseAreToldOfOnce) {
  const TemporaryDirectory directory;
  std::string lines;
  for (int i = 0; i < 100'100; ++i) {
    lines += R"({"conn_meta":{"id":"s)" + std::to_string(i) +
             R"("},"payload":"Connected","when":"2026-08-04T21:00:00Z"})" + "\n";
  }
  const std::string tape = (directory.path() / "x.tape").string();
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, lines).exit, 0);
  const Ran ran = smtptape({"replay", tape});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(lines_of(ran.err),
              ::testing::ElementsAre(HasSubstr("more than 100000 sessions are open")));
  EXPECT_THAT(smtptape({"replay", "--as-live", tape}).err, IsEmpty());
}

}  // namespace
}  // namespace smtptape::testing
