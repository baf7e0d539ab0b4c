// Requests that are none, over real sockets.
#include <array>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/replay/serve_clients.h"
#include "tests/replay/serve_fixture.h"

namespace smtptape {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

// The connection ends without a word, and the line says why.
struct BadRequest {
  Opcode opcode = Opcode::Text;
  std::string payload;
  std::string why;
};

TEST_F(ServeTest, EndsWithoutAWordAfterABadRequest) {
  frames_ = frames_of({"{}"});
  start();
  const std::vector<BadRequest> all = {
      {Opcode::Text, "not json", "expected ident at line 1"},
      {Opcode::Text, "", "EOF while parsing"},
      {Opcode::Text, R"({"tenant":"acme"})", "invalid type: string"},
      {Opcode::Text, R"({"mx_addr":["127.0.0.1/8"]})", "host part of address was not zero"},
      {Opcode::Text, "{\"a\":\"\xff\"}", "not valid UTF-8"},
      {Opcode::Text, std::string(2U << 20U, ' '), "too large"},
      {Opcode::Binary, "{}", "no text"},
      {Opcode::Ping, "", "no text"},
      {Opcode::Pong, "", "no text"},
      {Opcode::Close, "", "no text"},
  };
  for (const BadRequest& bad : all) {
    RawClient client(*server_);
    client.upgrade();
    client.send_frame(bad.opcode, bad.payload);
    EXPECT_EQ(client.read_to_end(), "") << bad.why;
  }
  RawClient unmasked(*server_);
  unmasked.upgrade();
  unmasked.send(std::string("\x81\x02{}", 4));
  EXPECT_EQ(unmasked.read_to_end(), "");

  EXPECT_EQ(stop().clients, 0U);
  ASSERT_THAT(lines(), SizeIs(all.size() + 1));
  for (const BadRequest& bad : all)
    EXPECT_THAT(lines(), Contains(HasSubstr(bad.why)));
  EXPECT_THAT(lines(), Contains(HasSubstr("not WebSocket")));
}

TEST_F(ServeTest, RefusesHandshakesAsKumodDoes) {
  start();
  const std::string path(kPath);
  const std::string rest = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const std::vector<std::array<std::string, 3>> all = {
      {"GET " + path + " HTTP/1.1\r\nHost: x\r\n", "400", "Connection header did not include"},
      {"GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n",
       "400",
       "`Upgrade` header"},
      {"GET " + path + " HTTP/1.1\r\n" + rest, "400", "`Sec-WebSocket-Version` header"},
      {"GET " + path + " HTTP/1.1\r\n" + rest + version, "400", "Key` header missing"},
      {"POST " + path + " HTTP/1.1\r\n" + rest, "405", ""},
      {"GET / HTTP/1.1\r\n" + rest, "404", ""},
  };
  for (const auto& [head, status, body] : all) {
    RawClient client(*server_);
    client.send(head + "\r\n");
    EXPECT_THAT(client.read_to_end(),
                AllOf(StartsWith("HTTP/1.1 " + status + " "), HasSubstr(body)));
  }
  stop();
  EXPECT_THAT(lines(), SizeIs(all.size()));
}

// Any web page could otherwise read the night.
TEST_F(ServeTest, RefusesBrowsers) {
  start();
  for (const std::string origin : {"Origin: https://evil.example", "origin:", "ORIGIN: null"}) {
    std::string request = upgrade_request("127.0.0.1", kPath, "dGhlIHNhbXBsZSBub25jZQ==");
    request.insert(request.size() - 2, origin + "\r\n");
    RawClient page(*server_);
    page.send(request);
    EXPECT_THAT(page.read_to_end(), StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  }
  stop();
  EXPECT_THAT(lines(), AllOf(SizeIs(3), Each(HasSubstr("a web page asked"))));
}

}  // namespace
}  // namespace smtptape
