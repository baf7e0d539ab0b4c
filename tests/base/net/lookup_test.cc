// Names, by a name server on loopback that does what the test says.
#include "base/net/lookup.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/net/connection.h"
#include "tests/base/net/fake_name_server.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

#include <stdlib.h>  // setenv: not in <cstdlib>

namespace smtptape {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using Reply = FakeNameServer::Reply;

constexpr milliseconds kPatience{10'000};

std::optional<Reply> no_reply(const std::string& /*name*/, unsigned /*type*/) {
  return std::nullopt;
}

std::optional<Reply> both_loopbacks(const std::string& /*name*/, unsigned type) {
  return Reply{0, {type == FakeNameServer::kA ? "127.0.0.1" : "::1"}};
}

std::vector<std::string> texts(const LookupAnswer& answer) {
  std::vector<std::string> all;
  for (const auto& endpoint : answer.addresses)
    all.push_back(endpoint.address().to_string());
  return all;
}

std::size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

class LookupTest : public ::testing::Test {
 protected:
  void ask_at(const FakeNameServer& server) { look_up_at(context_, {server.where(), true}); }

  // Each of its own.
  void ask(const std::string& host) {
    auto lookup = std::make_shared<Lookup>(context_.get_executor(), host);
    asio::co_spawn(context_, lookup->wait(), [this, lookup](std::exception_ptr thrown, bool came) {
      ASSERT_FALSE(thrown);
      if (came) answers_.push_back(lookup->answer());
    });
  }
  LookupAnswer answer_for(const std::string& host) {
    answers_.clear();
    ask(host);
    run();
    return answers_.empty() ? LookupAnswer{{}, false, "nothing came"} : answers_.front();
  }
  void run() {
    context_.restart();
    context_.run_for(kPatience);
  }

  TemporaryDirectory directory_;
  asio::io_context context_{1};
  std::vector<LookupAnswer> answers_;
};

TEST_F(LookupTest, FindsTheAddressesOfBothFamilies) {
  const FakeNameServer server(both_loopbacks);
  ask_at(server);
  EXPECT_THAT(texts(answer_for("mta.example")), UnorderedElementsAre("::1", "127.0.0.1"));
}

// Of two that can be reached IPv6 goes first, whatever came first.
TEST_F(LookupTest, OrdersThemAsTheStandardSays) {
  if (!std::filesystem::exists("/proc/net/if_inet6")) GTEST_SKIP() << "no IPv6 here";
  const FakeNameServer server(both_loopbacks);
  ask_at(server);
  EXPECT_THAT(texts(answer_for("mta.example")), ElementsAre("::1", "127.0.0.1"));
}

TEST_F(LookupTest, HasEnoughOfOneFamily) {
  const FakeNameServer server([](const std::string&, unsigned type) {
    return type == FakeNameServer::kA ? Reply{0, {"127.0.0.2", "127.0.0.3"}} : Reply{};
  });
  ask_at(server);
  EXPECT_THAT(texts(answer_for("mta.example")), UnorderedElementsAre("127.0.0.2", "127.0.0.3"));
}

TEST_F(LookupTest, TellsAnUnknownNameFromTroubleWithAsking) {
  unsigned code = FakeNameServer::kNoSuchName;
  const FakeNameServer server([&](const std::string&, unsigned) { return Reply{code, {}}; });
  ask_at(server);
  const LookupAnswer unknown = answer_for("no-such.example");
  EXPECT_TRUE(unknown.name_is_unknown);
  EXPECT_EQ(unknown.why, "Name or service not known");
  code = FakeNameServer::kServerFailed;
  const LookupAnswer failed = answer_for("mta.example");
  EXPECT_THAT(failed.addresses, IsEmpty());
  EXPECT_FALSE(failed.name_is_unknown);
  EXPECT_EQ(failed.why, "Temporary failure in name resolution");
  EXPECT_FALSE(no_answer().name_is_unknown);
}

// A label over 63 letters can't exist: no name server is asked.
TEST_F(LookupTest, BlamesANameThatCannotExist) {
  const FakeNameServer server(no_reply);
  ask_at(server);
  EXPECT_TRUE(answer_for(std::string(64, 'x') + ".example").name_is_unknown);
  EXPECT_EQ(server.questions(), 0);
}

TEST_F(LookupTest, RespectsTheHostsFile) {
  const FakeNameServer server(no_reply);
  ask_at(server);
  testing::write_file(directory_ / "hosts", "127.0.0.7 mta.example mta\n");
  ASSERT_EQ(::setenv("CARES_HOSTS", (directory_ / "hosts").c_str(), 1), 0);
  EXPECT_THAT(texts(answer_for("mta")), ElementsAre("127.0.0.7"));
  testing::write_file(directory_ / "hosts", "127.0.0.8 mta.example mta\n");
  EXPECT_THAT(texts(answer_for("mta.example")), ElementsAre("127.0.0.8")) << "read anew";
  ASSERT_EQ(::unsetenv("CARES_HOSTS"), 0);
  EXPECT_EQ(server.questions(), 0);
}

TEST_F(LookupTest, KnowsThisMachineWithoutAsking) {
  const FakeNameServer server(no_reply);
  ask_at(server);
  EXPECT_THAT(texts(answer_for("localhost")), ::testing::Contains(AnyOf("127.0.0.1", "::1")));
  EXPECT_EQ(server.questions(), 0);
}

TEST_F(LookupTest, KnowsThisMachineWithoutAHostsFile) {
  const FakeNameServer server(both_loopbacks);
  ask_at(server);
  ASSERT_EQ(::setenv("CARES_HOSTS", (directory_ / "none").c_str(), 1), 0);
  for (const std::string name : {"localhost", "LocalHost.", "mta.localhost"})
    EXPECT_THAT(texts(answer_for(name)), UnorderedElementsAre("127.0.0.1", "::1")) << name;
  answer_for("notlocalhost");
  EXPECT_GT(server.questions(), 0);
  ASSERT_EQ(::unsetenv("CARES_HOSTS"), 0);
}

TEST_F(LookupTest, AHundredWhoAskForAHostShareOneLookup) {
  const FakeNameServer server(both_loopbacks);
  ask_at(server);
  for (int i = 0; i < 100; ++i)
    ask("mta.example");
  run();
  ASSERT_EQ(answers_.size(), 100U);
  for (const LookupAnswer& answer : answers_)
    EXPECT_EQ(answer.addresses.size(), 2U);
  EXPECT_EQ(server.questions(), 2) << "A and AAAA";
  static_cast<void>(answer_for("mta.example"));
  EXPECT_EQ(server.questions(), 4) << "nothing is kept: the next one asks anew";
}

TEST_F(LookupTest, GoesOnForTheOtherWhenOneGivesUp) {
  const FakeNameServer server(both_loopbacks);
  ask_at(server);
  auto hasty = std::make_unique<Lookup>(context_.get_executor(), "mta.example");
  ask("mta.example");
  hasty->cancel();
  hasty.reset();
  run();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].addresses.size(), 2U);
  EXPECT_EQ(server.questions(), 2);
}

// ---- a name server that hangs ----

class HangingLookup : public LookupTest {
 protected:
  void connect(const std::string& host, milliseconds within) {
    connections_.push_back(std::make_unique<Connection>(context_.get_executor()));
    asio::co_spawn(context_,
                   connections_.back()->connect(host, 80, within),
                   [this](std::exception_ptr thrown, ConnectOutcome outcome) {
                     ASSERT_FALSE(thrown);
                     outcomes_.push_back(std::move(outcome));
                   });
  }

  FakeNameServer server_{no_reply};
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<ConnectOutcome> outcomes_;
};

TEST_F(HangingLookup, IsALookupThatFailedWhenTheTimeIsOver) {
  ask_at(server_);
  connect("mta.example", milliseconds(50));
  run();
  ASSERT_EQ(outcomes_.size(), 1U);
  EXPECT_EQ(outcomes_[0].kind, ConnectOutcome::Kind::LookupFailed);
  EXPECT_EQ(outcomes_[0].why, "Temporary failure in name resolution");
}

TEST_F(HangingLookup, IsNotWaitedForByOneWhoStarts) {
  const LookupAnswer answer = look_up_now("mta.example", milliseconds(50), {server_.where(), true});
  EXPECT_THAT(answer.addresses, IsEmpty());
  EXPECT_EQ(answer.why, "Temporary failure in name resolution");
}

TEST_F(LookupTest, IsWaitedForByOneWhoStarts) {
  const FakeNameServer server(both_loopbacks);
  EXPECT_THAT(texts(look_up_now("mta.example", kPatience, {server.where(), true})),
              UnorderedElementsAre("127.0.0.1", "::1"));
  EXPECT_THAT(texts(look_up_now("localhost", kPatience)), Not(IsEmpty()));
}

TEST_F(HangingLookup, CostsNoThreadHoweverManyWait) {
  ask_at(server_);
  const std::size_t before = threads();
  for (int i = 0; i < 100; ++i)
    connect("mta-" + std::to_string(i % 50) + ".example", kPatience);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (server_.questions() < 100 && std::chrono::steady_clock::now() < deadline)
    context_.run_for(milliseconds(1));
  EXPECT_EQ(server_.questions(), 100);
  EXPECT_EQ(threads(), before);
  for (const auto& connection : connections_)
    connection->stop();
  context_.poll();
  ASSERT_EQ(outcomes_.size(), 100U) << "at once";
  EXPECT_EQ(outcomes_[0].kind, ConnectOutcome::Kind::Failed);
  EXPECT_EQ(outcomes_[0].error, asio::error::operation_aborted);
}

TEST(Lookup, TakesAnAddressAsItIs) {
  for (const std::string address : {"::1", "127.0.0.1", "fe80::1%1"}) {
    const auto found = addresses_written_out(address);
    ASSERT_EQ(found.size(), 1U) << address;
    EXPECT_EQ(found.front().address().is_v6(), address != "127.0.0.1");
  }
  EXPECT_EQ(addresses_written_out("fe80::1%1").front().address().to_v6().scope_id(), 1U);
  EXPECT_EQ(addresses_written_out("fe80::1%lo").front().address().to_v6().scope_id(), 1U);
  EXPECT_EQ(addresses_written_out("127.1").front().address().to_string(), "127.0.0.1");
  for (const std::string name : {"mta.example", "", "127.0.0.1 x", "127.0.0.256", "::1::", "[::1]"})
    EXPECT_THAT(addresses_written_out(name), IsEmpty()) << name;
}

}  // namespace
}  // namespace smtptape
