// Where to listen, as it is written.
#include "base/net/listener.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace smtptape {
namespace {

using ::testing::AnyOf;

Listener listener_at(const std::string& address) {
  return listen_on(parse_listen_address(address, "--listen"));
}

TEST(Listener, ListensWhereItIsTold) {
  const Listener listener = listener_at("127.0.0.1:0");
  EXPECT_EQ(listener.host, "127.0.0.1");
  EXPECT_NE(listener.port, 0);
  EXPECT_EQ(listener_at("0.0.0.0:0").host, "127.0.0.1") << "where this machine reaches it";
  const ListenAddress given = parse_listen_address("[::1]:65535", "--listen");
  EXPECT_TRUE(given.loopback);
  EXPECT_EQ(given.text, "[::1]:65535");
  EXPECT_FALSE(parse_listen_address("[::]:1", "--listen").loopback);
}

TEST(Listener, KnowsThisMachineByItsName) {
  EXPECT_TRUE(parse_listen_address("localhost:0", "--listen").loopback);
  EXPECT_THAT(listener_at("localhost:0").host, AnyOf("127.0.0.1", "[::1]"));
}

TEST(Listener, RefusesWhatIsNoAddress) {
  for (const char* const wrong :
       {"", "localhost", ":1", "[]:1", "[::1", "::1:1", "a:", "a:x", "a:65536", "a:-1", "a:123456"})
    EXPECT_THROW(static_cast<void>(parse_listen_address(wrong, "--listen")), UsageError) << wrong;
}

}  // namespace
}  // namespace smtptape
