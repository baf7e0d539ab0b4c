// Files of credentials that come, go and change while a recorder runs.
#include <algorithm>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/feed/access_files.h"
#include "capture/watch/control_client.h"
#include "capture/watch/status_json.h"
#include "tests/capture/capture_options.h"
#include "tests/capture/record/stored.h"
#include "tests/support/certificates.h"
#include "tests/support/fake_kumod.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using ::smtptape::testing::write_file;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string event_number(int number) {
  return R"({"conn_meta":{"id":"A"},"payload":{"Read":"250 )" + std::to_string(number) +
         R"("},"when":"2026-08-04T13:54:50.123Z"})";
}

class RenewedCredentials : public ::testing::Test {
 protected:
  RenewedCredentials() {
    options_.shortest_pause = std::chrono::milliseconds(1);
    options_.longest_pause = std::chrono::milliseconds(5);
    options_.flush_interval = std::chrono::milliseconds(5);
  }

  void add(const std::string& name, const std::string& url, AccessSettings access) {
    add_source(options_, name, url);
    const auto files = std::make_shared<AccessFiles>(access, parse_endpoint(url));
    options_.sources.back().access = [files] { return files->read(); };
  }
  void add_with_token(const std::string& name, const std::string& url, const std::string& file) {
    AccessSettings access;
    access.bearer_token_file = directory_ / file;
    add(name, url, access);
  }
  void write(const std::string& file, const std::string& text) {
    write_file(directory_ / (file + ".new"), text);
    std::filesystem::rename(directory_ / (file + ".new"), directory_ / file);
  }
  void start() {
    running_ = std::async(std::launch::async, [this] {
      return run_capture(options_, stop_, [this](std::string_view line) {
        const std::lock_guard lock(mutex_);
        said_.emplace_back(line);
      });
    });
  }
  void stop() {
    stop_.request();
    ASSERT_EQ(running_.wait_for(std::chrono::seconds(10)), std::future_status::ready);
    running_.get();
  }
  [[nodiscard]] std::size_t times_said(const std::string& part) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(said_.begin(), said_.end(), [&](const std::string& line) {
          return line.find(part) != std::string::npos;
        }));
  }
  [[nodiscard]] SourceStatus status_of(std::size_t source) const {
    const auto answer = ask_recorder(control_path(options_.store), Order::Status);
    return answer ? read_status_json(*answer).sources.at(source) : SourceStatus();
  }
  // Bounded.
  template <class Condition>
  void wait_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  TemporaryDirectory directory_;
  CaptureOptions options_ = recording_into(directory_.path() / "store");
  StopSignal stop_;
  mutable std::mutex mutex_;
  std::vector<std::string> said_;
  std::future<CaptureTotals> running_;
};

Dialogue refusal() {
  return answer_with("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
}

TEST_F(RenewedCredentials, ATokenThatWasRenewedIsSentAtTheNextAttempt) {
  const FakeKumod server({refusal(), upgrade_then({stay_silent()})});
  write("token", "old\n");
  add_with_token("mta", server.url(), "token");
  options_.shortest_pause = options_.longest_pause = std::chrono::milliseconds(200);
  start();
  EXPECT_THAT(server.head(0), EndsWith("Authorization: Bearer old\r\n\r\n"));
  write("token", "new\n");
  EXPECT_THAT(server.head(1), EndsWith("Authorization: Bearer new\r\n\r\n"));
  stop();
}

TEST_F(RenewedCredentials, ASourceWithoutItsTokenIsInTroubleAndTheOthersRecord) {
  const FakeKumod well({upgrade_then({send_text(event_number(1)), stay_silent()})});
  const FakeKumod locked({upgrade_then({send_text(event_number(2)), stay_silent()})});
  add_with_token("locked", locked.url(), "token");
  add_source(options_, "well", well.url());
  start();
  wait_until([this] { return times_said("well: connected to") == 1; });
  std::vector<ReconnectCount> reconnects;
  wait_until([&] {
    reconnects = status_of(0).reconnects;
    return !reconnects.empty() && reconnects[0].count > 2;
  });
  ASSERT_THAT(reconnects, SizeIs(1));
  EXPECT_EQ(reconnects[0].reason, "credentials");
  EXPECT_EQ(times_said("locked: connecting to "), 1U);
  EXPECT_EQ(times_said("--bearer-token-file: opening " + (directory_ / "token") +
                       ": No such file or directory; trying again"),
            1U);
  write("token", "");  // as one that is being written
  wait_until([this] { return times_said("token: it is empty; trying again") == 1; });
  write("token", "s3cret");
  wait_until([this] { return status_of(0).ledger.stored + status_of(1).ledger.stored == 2; });
  stop();
  EXPECT_THAT(frames_of(read_store(Store(options_.store), "well")), ElementsAre(event_number(1)));
  EXPECT_THAT(frames_of(read_store(Store(options_.store), "locked")), ElementsAre(event_number(2)));
  EXPECT_EQ(times_said("s3cret"), 0U);
}

TEST_F(RenewedCredentials, ACertificateThatIsTrustedLaterIsReadAtTheNextAttempt) {
  const Identity identity = self_signed();
  TlsServerSettings tls;
  tls.identity = identity;
  const FakeKumod server({upgrade_then({}), upgrade_then({stay_silent()})}, tls);
  write("ca.pem", self_signed().certificate);
  AccessSettings access;
  access.cacert = directory_ / "ca.pem";
  add("mta", server.url(), access);
  options_.shortest_pause = options_.longest_pause = std::chrono::milliseconds(200);
  start();
  wait_until([this] { return times_said("its certificate is not trusted") == 1; });
  write("ca.pem", identity.certificate);
  wait_until([this] { return times_said("connected to ") == 1; });
  stop();
}

}  // namespace
}  // namespace smtptape
