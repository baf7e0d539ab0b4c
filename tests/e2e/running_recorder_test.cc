// status, rotate and snapshot against a recorder that answers as a test wants it, and against none.
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time_spec.h"
#include "capture/watch/control.h"
#include "capture/watch/status_json.h"
#include "tests/capture/feed/context_thread.h"
#include "tests/capture/watch/example_status.h"
#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// An event of so long ago.
std::string frame(std::chrono::seconds ago, const std::string& text) {
  const std::int64_t when = now_unix_nanos() - std::chrono::nanoseconds(ago).count();
  return R"({"conn_meta":{"id":"a","tenant":"acme"},"payload":{"Read":")" + text +
         R"("},"when":")" + show_time(when) + "\"}\n";
}

class RunningRecorder : public ::testing::Test {
 protected:
  RunningRecorder() {
    std::filesystem::create_directory(store_);
    handlers_.status = [] { return example_status(); };
    handlers_.rotate = [this](const OrderDone& done) {
      ++rotations_;
      done(trouble_);
    };
    // As a recorder would, it writes what it still has.
    handlers_.flush = [this](const OrderDone& done) {
      if (!unwritten_.empty()) add_tape(2, std::exchange(unwritten_, ""));
      done(trouble_);
    };
  }
  ~RunningRecorder() override {
    if (!server_) return;
    thread_.post([this] { server_->stop(); });
    EXPECT_TRUE(thread_.ends());
    thread_.finish();
    server_.reset();
  }
  void start() {
    server_.emplace(thread_.context().get_executor(), control_path(store_), handlers_);
    thread_.start();
  }
  void add_tape(int number, const std::string& frames) {
    const std::string name = "mta1-0000000" + std::to_string(number) + "-20260101T000000Z.tape";
    const Ran ran = smtptape({"import", "-", "--name", "mta1", "-o", store_ + "/" + name}, frames);
    EXPECT_EQ(ran.exit, 0) << ran.err;
  }

  TemporaryDirectory directory_;
  std::string store_ = directory_ / "store";
  std::string output_ = directory_ / "now.tape";
  ControlHandlers handlers_;
  std::atomic<int> rotations_ = 0;
  std::string trouble_;
  std::string unwritten_;
  ContextThread thread_;
  std::optional<ControlServer> server_;
};

TEST_F(RunningRecorder, TellsItsStatus) {
  start();
  const Ran text = smtptape({"status", store_});
  EXPECT_EQ(text.exit, 0) << text.err;
  EXPECT_EQ(text.err, "");
  EXPECT_THAT(text.out, HasSubstr("\nmta1: connected to 127.0.0.1:8000 since "));
  const Ran json = smtptape({"status", store_, "--json"});
  EXPECT_EQ(json.out, status_json(example_status()) + "\n");
  EXPECT_EQ(smtptape({"status", "--socket", control_path(store_)}).out, text.out);
}

TEST_F(RunningRecorder, SaysByTheExitCodeThatItIsReady) {
  start();
  const Ran ran = smtptape({"status", store_, "--ready"});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.out + ran.err, "");
  const Ran json = smtptape({"status", "--ready", "--json", store_});
  EXPECT_EQ(json.exit, 0);
  EXPECT_EQ(json.out, "{\"schema\":\"smtptape.ready/1\",\"ready\":true,\"reasons\":[]}\n");
}

TEST_F(RunningRecorder, ThatIsNotReadySaysWhyInOneLine) {
  handlers_.status = [] { return troubled_status(); };
  start();
  const Ran ran = smtptape({"status", store_, "--ready"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, StartsWith("smtptape: not ready: mta2: not connected (connecting to "));
  EXPECT_THAT(ran.err, HasSubstr("; mta3: not writing (No space left on device)\n"));
  EXPECT_EQ(lines_of(ran.err).size(), 1U);
  const Ran json = smtptape({"status", "--ready", "--json", store_});
  EXPECT_EQ(json.exit, 1);
  EXPECT_EQ(json.err, "");
  EXPECT_THAT(json.out, HasSubstr("\"ready\":false,\"reasons\":[\"mta2: not connected"));
}

TEST_F(RunningRecorder, WithoutOneNothingIsReady) {
  const Ran ran = smtptape({"status", store_, "--ready"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, StartsWith("smtptape: not ready: no recorder answers at "));
  EXPECT_EQ(smtptape({"status", "--ready"}).exit, 2);
}

TEST_F(RunningRecorder, WithoutOneTheLastTapeSpeaks) {
  add_tape(1, frame(std::chrono::seconds(100), "250 one"));
  add_tape(2, frame(std::chrono::seconds(50), "250 two"));
  const Ran text = smtptape({"status", store_});
  EXPECT_EQ(text.exit, 1);
  EXPECT_EQ(text.err,
            "smtptape: no recorder answers at " + control_path(store_).string() +
                "; start one with smtptape capture, or name its --socket\n");
  EXPECT_THAT(text.out,
              StartsWith("last tape of mta1: mta1-00000002-20260101T000000Z.tape, sealed "));
  EXPECT_THAT(text.out, HasSubstr("; 1 received = 1 stored + 0 not selected + 0 lost\n"));
  const Ran json = smtptape({"status", store_, "--json"});
  EXPECT_EQ(json.exit, 1);
  EXPECT_THAT(json.out, StartsWith("{\"schema\":\"smtptape.status/1\",\"running\":false,"));
  EXPECT_THAT(json.out, HasSubstr("\"state\":\"sealed\""));
  EXPECT_EQ(lines_of(json.out).size(), 1U);
}

TEST_F(RunningRecorder, ALastTapeThatIsNotSealedOrNoTapeIsCalledSo) {
  add_tape(1, frame(std::chrono::seconds(100), "250 one"));
  const std::string sealed = read_file(store_ + "/mta1-00000001-20260101T000000Z.tape");
  write_file(store_ + "/mta1-00000002-20260101T000000Z.tape", sealed.substr(0, sealed.size() - 1));
  write_file(store_ + "/mta2-00000001-20260101T000000Z.tape", "rubbish");
  std::filesystem::create_directory(store_ + "/mta3-00000001-20260101T000000Z.tape");
  const Ran ran = smtptape({"status", store_});
  EXPECT_EQ(ran.exit, 1);
  const auto lines = lines_of(ran.out);
  ASSERT_EQ(lines.size(), 2U) << ran.out;
  EXPECT_THAT(lines[0], HasSubstr("mta1-00000002-20260101T000000Z.tape, not sealed, written to"));
  EXPECT_THAT(lines[1], HasSubstr("mta2-00000001-20260101T000000Z.tape, unreadable"));
}

TEST_F(RunningRecorder, Rotates) {
  start();
  const Ran ran = smtptape({"rotate", store_});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out + ran.err, "");
  EXPECT_EQ(rotations_, 1);
}

TEST_F(RunningRecorder, ThatCannotRotateSaysWhy) {
  trouble_ = "no space";
  start();
  const Ran ran = smtptape({"rotate", store_});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, EndsWith("smtptape.sock: no space\n"));
  EXPECT_EQ(lines_of(ran.err).size(), 1U);
}

TEST_F(RunningRecorder, WithoutOneNothingRotates) {
  const Ran ran = smtptape({"rotate", store_});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("no recorder answers at "));
  EXPECT_EQ(smtptape({"rotate"}).exit, 2);
  EXPECT_EQ(smtptape({"status"}).exit, 2);
  EXPECT_EQ(smtptape({"status", directory_ / "none"}).exit, 1);
}

TEST_F(RunningRecorder, ASnapshotHoldsTheLastMinutesUpToNow) {
  const std::string old = frame(std::chrono::minutes(20), "220 old");
  const std::string recent = frame(std::chrono::minutes(5), "250 recent");
  const std::string newest = frame(std::chrono::seconds(1), "250 newest");
  add_tape(1, old + recent);
  unwritten_ = newest;
  start();
  const Ran ran = smtptape({"snapshot", store_, "--last", "15m", "-o", output_});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("tenants inside: acme"));
  EXPECT_EQ(smtptape({"export", output_}).out, recent + newest);
  EXPECT_EQ(smtptape({"verify", output_}).exit, 0);
  EXPECT_EQ(std::filesystem::status(output_).permissions(), std::filesystem::perms(0600));
}

TEST_F(RunningRecorder, ASnapshotNeedsNone) {
  const std::string recent = frame(std::chrono::minutes(5), "250 recent");
  add_tape(1, recent);
  const Ran ran = smtptape({"snapshot", store_, "-o", output_});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(ran.err, HasSubstr("no recorder answers at "));
  EXPECT_EQ(smtptape({"export", output_}).out, recent);
  EXPECT_EQ(smtptape({"snapshot", store_, "-o", output_}).exit, 1) << "it was there";
  EXPECT_EQ(smtptape({"snapshot", store_, "-o", output_, "--force"}).exit, 0);
}

TEST_F(RunningRecorder, ASnapshotWithoutAFlushIsIncomplete) {
  add_tape(1, frame(std::chrono::minutes(5), "250 recent"));
  trouble_ = "the disk is slow";
  start();
  const Ran ran = smtptape({"snapshot", store_, "-o", output_});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("the disk is slow; what came last may be missing"));
  EXPECT_TRUE(std::filesystem::exists(output_));
}

TEST_F(RunningRecorder, ASnapshotOfNothingIsNotWritten) {
  add_tape(1, frame(std::chrono::minutes(20), "220 old"));
  const Ran ran = smtptape({"snapshot", store_, "--last", "1m", "-o", output_});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_FALSE(std::filesystem::exists(output_));
  EXPECT_EQ(smtptape({"snapshot", store_, "--last", "0s", "-o", output_}).exit, 2);
  EXPECT_EQ(smtptape({"snapshot", store_}).exit, 2);
}

}  // namespace
}  // namespace smtptape::testing
