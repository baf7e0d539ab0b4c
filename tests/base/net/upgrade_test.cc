#include "base/net/upgrade.h"

#include <cstddef>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/net/sha1.h"

namespace smtptape {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kPath = "/api/admin/trace-smtp-client/v1";
// Key and answer of RFC 6455, section 1.3.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// ---- hash ----

std::string hex_sha1(std::string_view bytes) {
  std::string hex;
  for (const std::uint8_t byte : sha1(bytes)) {
    hex.push_back("0123456789abcdef"[byte >> 4]);
    hex.push_back("0123456789abcdef"[byte & 15]);
  }
  return hex;
}

TEST(Sha1, HashesTheStandardsSamples) {
  EXPECT_EQ(hex_sha1(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex_sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(hex_sha1(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST(Base64, EncodesTheStandardsSamples) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xfb\xff\xbf"), "+/+/");
}

TEST(Upgrade, AnswersAKeyAsTheStandardShows) {
  EXPECT_EQ(websocket_accept(kKey), kAccept);
}

TEST(Upgrade, MakesKeysOf24Characters) {
  EXPECT_EQ(websocket_key(
                {'t', 'h', 'e', ' ', 's', 'a', 'm', 'p', 'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e'}),
            kKey);
}

TEST(Upgrade, SendsTheHeadersOfKcliAndNoOthers) {
  EXPECT_EQ(upgrade_request("mta:8000", kPath, kKey),
            "GET /api/admin/trace-smtp-client/v1 HTTP/1.1\r\n"
            "Host: mta:8000\r\n"
            "Connection: Upgrade\r\n"
            "Upgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "\r\n");
}

TEST(Upgrade, SendsAuthorizationBehindThem) {
  const std::string without = upgrade_request("mta:8000", kPath, kKey);
  EXPECT_EQ(upgrade_request("mta:8000", kPath, kKey, "Basic am9lOng="),
            without.substr(0, without.size() - 2) + "Authorization: Basic am9lOng=\r\n\r\n");
}

// ---- answers ----

std::string accepting(std::string_view accept = kAccept) {
  return "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
         "sec-websocket-accept: " +
         std::string(accept) + "\r\nvary: x\r\n\r\n";
}

enum class Ending { StaysOpen, Closes };

UpgradeAnswer read_answer(std::string_view bytes,
                          Ending ending = Ending::Closes,
                          std::size_t piece = 1) {
  UpgradeAnswerReader reader(kKey);
  for (std::size_t at = 0; at < bytes.size() && !reader.done(); at += piece) {
    static_cast<void>(reader.feed(bytes.substr(at, piece)));
  }
  if (ending == Ending::Closes) reader.feed_end();
  EXPECT_TRUE(reader.done()) << bytes;
  return reader.answer();
}

TEST(UpgradeAnswer, AcceptsKumodsAnswerInAnyPieces) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{10'000}}) {
    EXPECT_EQ(read_answer(accepting(), Ending::StaysOpen, piece).kind,
              UpgradeAnswer::Kind::Accepted);
  }
}

TEST(UpgradeAnswer, HasTheServersTimeWhenItSaysSo) {
  const auto date_in = [](const std::string& header) {
    std::string answer = accepting();
    answer.insert(answer.size() - 2, header);
    const UpgradeAnswer read = read_answer(answer, Ending::StaysOpen);
    EXPECT_EQ(read.kind, UpgradeAnswer::Kind::Accepted);
    return read.date;
  };
  EXPECT_EQ(date_in("date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 784'111'777'000'000'000);
  EXPECT_EQ(date_in(""), std::nullopt);
  EXPECT_EQ(date_in("date: yesterday\r\n"), std::nullopt);
  EXPECT_EQ(date_in("date: Sun, 06 Nov 9994 08:49:37 GMT\r\n"), std::nullopt) << "beyond 2262";
}

TEST(UpgradeAnswer, IsReadWithoutRegardToCase) {
  const std::string answer =
      "HTTP/1.1 101 x\r\nCONNECTION: keep-alive, UPGRADE\r\nUPGRADE: WebSocket\r\n"
      "SEC-WEBSOCKET-ACCEPT: " +
      std::string(kAccept) + "\r\n\r\n";
  EXPECT_EQ(read_answer(answer, Ending::StaysOpen).kind, UpgradeAnswer::Kind::Accepted);
}

TEST(UpgradeAnswer, LeavesTheFramesThatFollowIt) {
  const std::string answer = accepting();
  UpgradeAnswerReader reader(kKey);
  EXPECT_TRUE(reader.untouched());
  EXPECT_EQ(reader.feed(answer.substr(0, 10)), 10U);
  EXPECT_FALSE(reader.untouched());
  EXPECT_EQ(reader.feed(answer.substr(10) + "\x81\x02{}"), answer.size() - 10);
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.feed("more"), 0U);
}

TEST(UpgradeAnswer, GivesTheReasonOfARefusal) {
  const std::string body =
      "<Unauthenticated>@ ip=203.0.113.7 not permitted GET on http_listener/127.0.0.1:8000";
  const std::string head = "HTTP/1.1 401 Nope\r\ncontent-type: text/plain\r\n";
  const std::string counted =
      head + "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const std::string until_end = head + "\r\n" + body;
  const std::string chunked = head + "transfer-encoding: chunked\r\n\r\n10\r\n" +
                              body.substr(0, 16) + "\r\n" + "43\r\n" + body.substr(16) +
                              "\r\n0\r\n\r\n";
  ASSERT_EQ(body.size(), 16U + 0x43U);
  for (const std::string& answer : {counted, chunked}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
      const UpgradeAnswer read = read_answer(answer, Ending::StaysOpen, piece);
      EXPECT_EQ(read.kind, UpgradeAnswer::Kind::Refused);
      EXPECT_EQ(read.status, 401U);
      EXPECT_EQ(read.phrase, "Unauthorized");
      EXPECT_EQ(read.reason, body);
    }
  }
  EXPECT_EQ(read_answer(until_end).reason, body);
}

TEST(UpgradeAnswer, ShowsAReasonThatWasCut) {
  const UpgradeAnswer read = read_answer("HTTP/1.1 500 x\r\ncontent-length: 100\r\n\r\ntry again");
  EXPECT_EQ(read.status, 500U);
  EXPECT_EQ(read.reason, "try again");
}

TEST(UpgradeAnswer, KeepsAReasonShortAndPrintable) {
  const std::string head = "HTTP/1.1 403 x\r\ncontent-length: 1000000000000\r\n\r\n";
  const UpgradeAnswer endless =
      read_answer(head + std::string(10'000, 'x'), Ending::StaysOpen, 700);
  EXPECT_EQ(endless.reason, std::string(kMaxAnswerBody, 'x'));
  EXPECT_EQ(read_answer("HTTP/1.1 403 x\r\n\r\n  no\r\n\t\x1b[31mred\xc2\x9b\x7f\n").reason,
            "no ?[31mred???");
}

TEST(UpgradeAnswer, WithoutAnyBodyIsStillARefusal) {
  const UpgradeAnswer read =
      read_answer("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", Ending::StaysOpen);
  EXPECT_EQ(read.kind, UpgradeAnswer::Kind::Refused);
  EXPECT_EQ(read.phrase, "Not Found");
  EXPECT_THAT(read.reason, IsEmpty());
  EXPECT_EQ(read_answer("HTTP/1.1 477 Odd\r\n\r\n").phrase, "");
}

TEST(UpgradeAnswer, TellsWhatIsNotAWebSocket) {
  const std::string html = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>";
  const std::string other = "HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n";
  const std::string no_connection = "HTTP/1.1 101 x\r\nupgrade: websocket\r\n\r\n";
  EXPECT_THAT(read_answer(html).reason, HasSubstr("ordinary page"));
  EXPECT_EQ(read_answer(html).status, 200U);
  EXPECT_THAT(read_answer(other).reason, HasSubstr("another protocol"));
  EXPECT_THAT(read_answer(no_connection).reason, HasSubstr("Connection"));
  EXPECT_THAT(read_answer(accepting("AAAA")).reason, HasSubstr("Sec-WebSocket-Accept"));
  for (const std::string& answer : {html, other, no_connection, accepting("AAAA")}) {
    EXPECT_EQ(read_answer(answer).kind, UpgradeAnswer::Kind::NotWebSocket) << answer;
  }
}

TEST(UpgradeAnswer, TellsWhatIsNotHttp) {
  for (const std::string& bytes : {std::string("220 mta ESMTP ready\r\n"),
                                   std::string("HTTP/1.1 101 Swi"),
                                   std::string("HTTP/1.1 101 x\r\n") + std::string(20'000, 'h')}) {
    const UpgradeAnswer read = read_answer(bytes);
    EXPECT_EQ(read.kind, UpgradeAnswer::Kind::NotWebSocket);
    EXPECT_EQ(read.status, 0U);
    EXPECT_THAT(read.reason, StartsWith("the answer is not HTTP"));
  }
}

TEST(UpgradeAnswer, KnowsTlsWhateverThePacketsAre) {
  const std::string alert("\x15\x03\x01\x00\x02\x02\x46", 7);
  EXPECT_EQ(read_answer(alert).kind, UpgradeAnswer::Kind::Tls);
  EXPECT_THAT(read_answer(alert).reason, StartsWith("the answer is not HTTP"));
  UpgradeAnswerReader reader(kKey);
  for (const char& byte : alert)
    static_cast<void>(reader.feed({&byte, 1}));
  reader.feed_end();
  EXPECT_EQ(reader.answer().kind, UpgradeAnswer::Kind::Tls);
  EXPECT_EQ(read_answer("\x15 is not TLS\r\n\r\n").kind, UpgradeAnswer::Kind::NotWebSocket);
}

// ---- requests ----

std::string with_header(std::string_view name, std::string_view replacement) {
  std::string request = upgrade_request("mta", kPath, kKey);
  const std::size_t start = request.find(name);
  request.replace(start, request.find("\r\n", start) + 2 - start, replacement);
  return request;
}

UpgradeVerdict judge(std::string_view bytes, std::size_t piece = 1) {
  UpgradeRequestReader reader{std::string(kPath)};
  for (std::size_t at = 0; at < bytes.size() && !reader.done(); at += piece) {
    static_cast<void>(reader.feed(bytes.substr(at, piece)));
  }
  EXPECT_TRUE(reader.done()) << bytes;
  return reader.done() ? reader.verdict() : UpgradeVerdict{};
}

TEST(UpgradeRequest, OfKcliIsAnswered101) {
  EXPECT_EQ(judge(upgrade_request("mta", kPath, kKey)).response,
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

TEST(UpgradeRequest, IsReadWithoutRegardToCase) {
  EXPECT_EQ(judge(with_header("Connection:", "CONNECTION: close, UPGRADEd\r\n")).status, 101U);
  EXPECT_EQ(judge(with_header("Upgrade: w", "UPGRADE: WebSocket\r\n")).status, 101U);
  EXPECT_EQ(judge(upgrade_request("mta", std::string(kPath) + "?x=y", kKey)).status, 101U);
}

struct Wrong {
  std::string request;
  unsigned status;
  std::string_view body;
};

TEST(UpgradeRequest, IsRefusedInKumodsWords) {
  std::string old = upgrade_request("mta", kPath, kKey);
  old.replace(old.find("HTTP/1.1"), 8, "HTTP/1.0");
  std::string post = upgrade_request("mta", kPath, kKey);
  post.replace(0, 3, "POST");
  const std::vector<Wrong> table{
      {with_header("Connection:", ""), 400, "Connection header did not include 'upgrade'"},
      {with_header("Connection:", "Connection: close\r\n"),
       400,
       "Connection header did not include 'upgrade'"},
      {with_header("Upgrade: w", ""), 400, "`Upgrade` header did not include 'websocket'"},
      {with_header("Upgrade: w", "Upgrade: websocket, h2c\r\n"),
       400,
       "`Upgrade` header did not include 'websocket'"},
      {with_header("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n"),
       400,
       "`Sec-WebSocket-Version` header did not include '13'"},
      {with_header("Sec-WebSocket-Version", ""),
       400,
       "`Sec-WebSocket-Version` header did not include '13'"},
      {with_header("Sec-WebSocket-Key", ""), 400, "`Sec-WebSocket-Key` header missing"},
      {old, 426, "WebSocket request couldn't be upgraded since no upgrade state was present"},
      {post, 405, "Request method must be `GET`"},
      {upgrade_request("mta", "/metrics", kKey), 404, ""},
      {upgrade_request("mta", std::string(kPath) + "/", kKey), 404, ""},
      {with_header("Host:", "Host: mta\r\nOrigin: https://evil.example\r\n"),
       403,
       "Requests with an `Origin` are refused"},
      {with_header("Host:", "origin:\r\nHost: mta\r\n"),
       403,
       "Requests with an `Origin` are refused"},
      {"GET / HTTP/1.1\r\nOrigin: null\r\n\r\n", 403, "Requests with an `Origin` are refused"},
      {"EHLO mta\r\n\r\n", 400, ""},
      {"GET / HTTP/2.0\r\n\r\n", 400, ""},
      {"GET / HTTP/1.1\r\nx: " + std::string(20'000, 'x'), 431, ""},
  };
  for (const Wrong& row : table) {
    const UpgradeVerdict verdict = judge(row.request, 11);
    EXPECT_EQ(verdict.status, row.status) << row.request.substr(0, 300);
    EXPECT_THAT(verdict.response, StartsWith("HTTP/1.1 " + std::to_string(row.status) + " "));
    EXPECT_THAT(verdict.response,
                AllOf(HasSubstr("content-length: " + std::to_string(row.body.size()) + "\r\n"),
                      HasSubstr("connection: close\r\n")));
    EXPECT_THAT(verdict.response, testing::EndsWith("\r\n\r\n" + std::string(row.body)));
  }
}

TEST(UpgradeRequest, LeavesTheFramesThatFollowIt) {
  const std::string request = upgrade_request("mta", kPath, kKey);
  UpgradeRequestReader reader{std::string(kPath)};
  EXPECT_EQ(reader.feed(request.substr(0, 50)), 50U);
  EXPECT_EQ(reader.feed(request.substr(50) + "frames"), request.size() - 50);
  EXPECT_EQ(reader.verdict().status, 101U);
}

TEST(UpgradeRequest, IsNotJudgedBeforeItIsWhole) {
  UpgradeRequestReader reader{std::string(kPath)};
  const std::string request = upgrade_request("mta", kPath, kKey);
  for (const char& byte : std::string_view(request).substr(0, request.size() - 1)) {
    static_cast<void>(reader.feed({&byte, 1}));
    ASSERT_FALSE(reader.done());
  }
}

}  // namespace
}  // namespace smtptape
