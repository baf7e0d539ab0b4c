#include "base/net/http.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

namespace smtptape {

namespace {

namespace http = boost::beast::http;

// boost::string_view, which Beast speaks, and ours.
std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

std::string_view phrase_of(unsigned status) {
  return view(http::obsolete_reason(http::int_to_status(status)));
}

}  // namespace

HttpRequest parse_http_request(std::string_view head) {
  HttpRequest request;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kMaxHttpRequest);
  parser.body_limit(boost::none);  // a body is not read at all
  boost::system::error_code why;
  parser.put(boost::asio::buffer(head.data(), head.size()), why);
  if (!parser.is_header_done()) {
    request.status = why == http::error::header_limit ? 431 : 400;
    return request;
  }
  if (parser.get().count(http::field::origin) > 0) request.status = 403;
  request.method = view(parser.get().method_string());
  const std::string_view target = view(parser.get().target());
  request.path = target.substr(0, target.find('?'));
  return request;
}

std::string to_text(const HttpAnswer& answer, HttpBody body) {
  std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " ";
  out.append(phrase_of(answer.status)).append("\r\ncontent-type: ").append(answer.content_type);
  if (!answer.allow.empty()) out.append("\r\nallow: ").append(answer.allow);
  out += "\r\ncontent-length: " + std::to_string(answer.body.size());
  out += "\r\ncache-control: no-store\r\nconnection: close\r\n\r\n";
  return body == HttpBody::Send ? out + answer.body : out;
}

HttpAnswer plain_answer(unsigned status) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = std::to_string(status) + " ";
  answer.body.append(phrase_of(status)).push_back('\n');
  return answer;
}

}  // namespace smtptape
