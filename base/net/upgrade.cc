#include "base/net/upgrade.h"

#include <algorithm>
#include <ctime>
#include <iomanip>
#include <locale>
#include <optional>
#include <sstream>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/net/sha1.h"
#include "base/wall_time.h"

namespace smtptape {

namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;
using boost::system::error_code;

// A record of TLS that says what is wrong begins so.
constexpr std::string_view kTlsAlert = "\x15\x03";

// boost::string_view, which Beast speaks, and ours.
std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

bool contains_ignoring_case(std::string_view text, std::string_view lower_word) {
  const auto same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
  };
  return std::search(text.begin(), text.end(), lower_word.begin(), lower_word.end(), same) !=
         text.end();
}

}  // namespace

std::string printable_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool white = c == ' ' || (c >= '\t' && c <= '\r');
    if (white && (line.empty() || line.back() == ' ')) continue;
    line.push_back(white ? ' ' : c > ' ' && c < 0x7f ? c : '?');
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

// ---- client ----

std::string websocket_key(const std::array<char, 16>& random) {
  return base64({random.data(), random.size()});
}

std::string websocket_accept(std::string_view key) {
  const auto digest = sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  return base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string upgrade_request(std::string_view authority,
                            std::string_view path,
                            std::string_view key,
                            std::string_view authorization) {
  std::string out;
  out.append("GET ").append(path).append(" HTTP/1.1\r\nHost: ").append(authority);
  out += "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
  out.append("\r\nSec-WebSocket-Key: ").append(key).append("\r\n");
  if (!authorization.empty()) out.append("Authorization: ").append(authorization).append("\r\n");
  return out.append("\r\n");
}

struct UpgradeAnswerReader::Impl {
  explicit Impl(std::string_view key) : accept(websocket_accept(key)) {
    parser.header_limit(kMaxUpgradeHeader);
    parser.body_limit(boost::none);
    parser.get().body().data = body.data();
    parser.get().body().size = body.size();
    parser.get().body().more = false;
  }

  // Bytes that the parser has not taken stay in `held`, as it wants them again with more.
  void parse(std::string_view bytes);
  void note(const error_code& error);
  [[nodiscard]] std::string_view body_text() const {
    return {body.data(), body.size() - parser.get().body().size};
  }
  [[nodiscard]] UpgradeAnswer switched() const;

  std::string accept;
  http::response_parser<http::buffer_body> parser;
  std::array<char, kMaxAnswerBody> body{};
  std::string held;
  std::string beginning;  // of the answer
  std::string error;      // why it isn't HTTP
  bool finished = false;
};

UpgradeAnswerReader::UpgradeAnswerReader(std::string_view key)
    : impl_(std::make_unique<Impl>(key)) {
}

UpgradeAnswerReader::~UpgradeAnswerReader() = default;

void UpgradeAnswerReader::Impl::note(const error_code& why) {
  if (!why || why == http::error::need_more) return;
  finished = true;
  if (!parser.is_header_done()) error = why.message();
}

void UpgradeAnswerReader::Impl::parse(std::string_view bytes) {
  beginning.append(
      bytes.substr(0, kTlsAlert.size() - std::min(kTlsAlert.size(), beginning.size())));
  held.append(bytes);
  while (!finished && !held.empty()) {
    error_code why;
    const std::size_t taken = parser.put(boost::asio::buffer(held), why);
    held.erase(0, taken);
    note(why);
    if (parser.is_header_done() && parser.get().result() == http::status::switching_protocols) {
      finished = true;
    }
    if (parser.is_done()) finished = true;
    if (taken == 0) return;
  }
}

std::size_t UpgradeAnswerReader::feed(std::string_view bytes) {
  if (impl_->finished) return 0;
  impl_->parse(bytes);
  if (!impl_->finished) return bytes.size();
  return bytes.size() - std::min(bytes.size(), impl_->held.size());
}

void UpgradeAnswerReader::feed_end() {
  error_code why;
  if (!impl_->finished && impl_->parser.got_some()) impl_->parser.put_eof(why);
  impl_->note(why);
  impl_->finished = true;
}

bool UpgradeAnswerReader::done() const {
  return impl_->finished;
}

bool UpgradeAnswerReader::untouched() const {
  return !impl_->parser.got_some() && impl_->held.empty();
}

bool UpgradeAnswerReader::has_status() const {
  return impl_->parser.is_header_done();
}

namespace {

// As HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT".  Nothing for what is none.
std::optional<std::int64_t> nanos_of_http_date(std::string_view text) {
  std::istringstream stream{std::string(text)};
  stream.imbue(std::locale::classic());
  std::tm date{};
  stream >> std::get_time(&date, "%a, %d %b %Y %H:%M:%S GMT");
  if (stream.fail()) return std::nullopt;
  return to_unix_nanos({::timegm(&date), 0});
}

}  // namespace

UpgradeAnswer UpgradeAnswerReader::answer() const {
  UpgradeAnswer answer;
  if (!impl_->parser.is_header_done()) {
    answer.reason = "the answer is not HTTP";
    if (!impl_->error.empty()) answer.reason += " (" + printable_line(impl_->error) + ")";
    if (impl_->beginning == kTlsAlert) answer.kind = UpgradeAnswer::Kind::Tls;
    return answer;
  }
  if (impl_->parser.get().result() == http::status::switching_protocols) return impl_->switched();
  answer.status = impl_->parser.get().result_int();
  const http::status known = impl_->parser.get().result();
  if (known != http::status::unknown) answer.phrase = view(http::obsolete_reason(known));
  if (answer.status >= 300) {
    answer.kind = UpgradeAnswer::Kind::Refused;
    answer.reason = printable_line(impl_->body_text());
  } else {
    answer.reason = "an ordinary page came instead of a WebSocket";
  }
  return answer;
}

UpgradeAnswer UpgradeAnswerReader::Impl::switched() const {
  const auto& response = parser.get();
  UpgradeAnswer answer;
  answer.status = 101;
  answer.phrase = "Switching Protocols";
  answer.date = nanos_of_http_date(view(response[http::field::date]));
  if (!iequals(response[http::field::upgrade], "websocket")) {
    answer.reason = "it switched to another protocol than websocket";
  } else if (!contains_ignoring_case(view(response[http::field::connection]), "upgrade")) {
    answer.reason = "its Connection header did not include 'upgrade'";
  } else if (view(response[http::field::sec_websocket_accept]) != accept) {
    answer.reason = "its Sec-WebSocket-Accept does not belong to our key";
  } else {
    answer.kind = UpgradeAnswer::Kind::Accepted;
  }
  return answer;
}

// ---- server ----

namespace {

std::string response_text(unsigned status, std::string_view phrase, std::string_view body) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out.append(phrase).append("\r\ncontent-type: text/plain; charset=utf-8\r\n");
  if (status == 405) out += "allow: GET\r\n";
  out += "content-length: " + std::to_string(body.size()) + "\r\nconnection: close\r\n\r\n";
  return out.append(body);
}

UpgradeVerdict refusal(http::status status, std::string_view body) {
  const auto number = static_cast<unsigned>(status);
  return {number, response_text(number, view(http::obsolete_reason(status)), body)};
}

UpgradeVerdict judge(const http::request<http::empty_body>& request, std::string_view path) {
  // Browsers send it with every handshake, and no other client does: any web page could read us.
  if (request.count(http::field::origin) > 0) {
    return refusal(http::status::forbidden, "Requests with an `Origin` are refused");
  }
  const std::string_view target = view(request.target());
  if (target.substr(0, target.find('?')) != path) return refusal(http::status::not_found, "");
  if (request.method() != http::verb::get) {
    return refusal(http::status::method_not_allowed, "Request method must be `GET`");
  }
  if (!contains_ignoring_case(view(request[http::field::connection]), "upgrade")) {
    return refusal(http::status::bad_request, "Connection header did not include 'upgrade'");
  }
  if (!iequals(request[http::field::upgrade], "websocket")) {
    return refusal(http::status::bad_request, "`Upgrade` header did not include 'websocket'");
  }
  if (request[http::field::sec_websocket_version] != "13") {
    return refusal(http::status::bad_request,
                   "`Sec-WebSocket-Version` header did not include '13'");
  }
  if (request.count(http::field::sec_websocket_key) == 0) {
    return refusal(http::status::bad_request, "`Sec-WebSocket-Key` header missing");
  }
  if (request.version() < 11) {
    return refusal(http::status::upgrade_required,
                   "WebSocket request couldn't be upgraded since no upgrade state was present");
  }
  const std::string accept = websocket_accept(view(request[http::field::sec_websocket_key]));
  return {101,
          "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
          "sec-websocket-accept: " +
              accept + "\r\n\r\n"};
}

}  // namespace

struct UpgradeRequestReader::Impl {
  explicit Impl(std::string wanted_path) : path(std::move(wanted_path)) {
    parser.header_limit(kMaxUpgradeHeader);
    parser.body_limit(boost::none);
  }
  std::string path;
  http::request_parser<http::empty_body> parser;
  std::string held;
  std::optional<UpgradeVerdict> verdict;
};

UpgradeRequestReader::UpgradeRequestReader(std::string path)
    : impl_(std::make_unique<Impl>(std::move(path))) {
}

UpgradeRequestReader::~UpgradeRequestReader() = default;

std::size_t UpgradeRequestReader::feed(std::string_view bytes) {
  if (impl_->verdict) return 0;
  impl_->held.append(bytes);
  error_code why;
  impl_->held.erase(0, impl_->parser.put(boost::asio::buffer(impl_->held), why));
  if (impl_->parser.is_header_done()) {
    impl_->verdict = judge(impl_->parser.get(), impl_->path);
  } else if (why == http::error::header_limit) {
    impl_->verdict = refusal(http::status::request_header_fields_too_large, "");
  } else if (why && why != http::error::need_more) {
    impl_->verdict = refusal(http::status::bad_request, "");
  }
  if (!impl_->verdict) return bytes.size();
  return bytes.size() - std::min(bytes.size(), impl_->held.size());
}

bool UpgradeRequestReader::done() const {
  return impl_->verdict.has_value();
}

UpgradeVerdict UpgradeRequestReader::verdict() const {
  return impl_->verdict.value();
}

}  // namespace smtptape
