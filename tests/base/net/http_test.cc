#include "base/net/http.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

TEST(HttpRequests, HaveAMethodAndAPath) {
  const HttpRequest request =
      parse_http_request("GET /metrics?a=b HTTP/1.1\r\nHost: x:1\r\nAccept: */*\r\n\r\n");
  EXPECT_EQ(request.status, 0U);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.path, "/metrics");
  EXPECT_EQ(parse_http_request("BREW /pot HTTP/1.0\r\n\r\n").method, "BREW");
}

TEST(HttpRequests, WithABodyAreReadUpToIt) {
  for (const std::string header : {"Content-Length: 99999999999", "Transfer-Encoding: chunked"}) {
    const HttpRequest request = parse_http_request("POST /x HTTP/1.1\r\n" + header + "\r\n\r\n");
    EXPECT_EQ(request.status, 0U) << header;
    EXPECT_EQ(request.path, "/x");
  }
}

TEST(HttpRequests, OfWebPagesAreRefused) {
  for (const std::string method : {"GET", "HEAD", "POST", "OPTIONS"}) {
    for (const std::string origin : {"Origin: http://127.0.0.1:9100", "origin:", "ORIGIN: null"})
      EXPECT_EQ(parse_http_request(method + " /metrics HTTP/1.1\r\n" + origin + "\r\n\r\n").status,
                403U);
  }
}

TEST(HttpRequests, ThatAreNoneAreRefused) {
  for (const std::string head : {"\r\n\r\n",
                                 "hello\r\n\r\n",
                                 "GET /\r\n\r\n",
                                 "GET / HTTP/2.0\r\n\r\n",
                                 "GET  / HTTP/1.1\r\n\r\n",
                                 "GET / HTTP/1.1\r\nno colon\r\n\r\n",
                                 "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                                 "GET / HTTP/1.1\r\nHost: x\r\n"}) {
    EXPECT_EQ(parse_http_request(head).status, 400U) << head;
  }
}

// What is cut off is no request, wherever.
TEST(HttpRequests, CutAnywhereAreRefused) {
  const std::string whole = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(parse_http_request(whole.substr(0, size)).status, 400U) << size;
}

TEST(HttpAnswers, SayHowLongTheyAreAndEnd) {
  EXPECT_EQ(to_text(plain_answer(404), HttpBody::Send),
            "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain; charset=utf-8\r\n"
            "content-length: 14\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
            "404 Not Found\n");
  HttpAnswer answer = plain_answer(405);
  answer.allow = "GET";
  EXPECT_EQ(to_text(answer, HttpBody::LeaveOut),
            "HTTP/1.1 405 Method Not Allowed\r\ncontent-type: text/plain; charset=utf-8\r\n"
            "allow: GET\r\ncontent-length: 23\r\ncache-control: no-store\r\n"
            "connection: close\r\n\r\n");
}

}  // namespace
}  // namespace smtptape
