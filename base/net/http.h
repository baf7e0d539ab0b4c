// The little of HTTP that answers a scraper or a load balancer: one request without a body, one
// answer, and the connection ends.  Without a socket; Beast parses, this header doesn't show it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace smtptape {

inline constexpr std::size_t kMaxHttpRequest = 8 << 10;  // bytes of its head
inline constexpr std::string_view kHttpHeadEnd = "\r\n\r\n";

struct HttpRequest {
  unsigned status = 0;  // not 0: to be refused with this; 403: it has an Origin, of a web page
  std::string method;   // "GET"
  std::string path;     // of the target: without the query
};
// `head` is everything up to the empty line, and this line.
[[nodiscard]] HttpRequest parse_http_request(std::string_view head);

struct HttpAnswer {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string allow;  // the methods, for 405
};
enum class HttpBody : bool { LeaveOut, Send };  // the answer to HEAD has none
[[nodiscard]] std::string to_text(const HttpAnswer& answer, HttpBody body);

// An answer that is nothing but its status: "404 Not Found".
[[nodiscard]] HttpAnswer plain_answer(unsigned status);

}  // namespace smtptape
