#include "capture/watch/status_server.h"

#include <exception>
#include <utility>

#include "base/error.h"
#include "base/net/upgrade.h"
#include "capture/watch/metrics.h"

namespace smtptape {

namespace {

HttpAnswer text_answer(std::string body) {
  HttpAnswer answer;
  answer.body = std::move(body);
  return answer;
}

HttpAnswer readiness(const RecorderStatus& status) {
  if (status.is_ready()) return text_answer("ok\n");
  HttpAnswer answer;
  answer.status = 503;
  for (const SourceStatus& source : status.sources) {
    if (!source.is_ready()) {
      answer.body += printable_line(source.name + ": " + why_not_ready(source)) + "\n";
    }
  }
  return answer;
}

HttpAnswer metrics(const RecorderStatus& status) {
  HttpAnswer answer = text_answer(metrics_text(status));
  answer.content_type = std::string(kMetricsContentType);
  return answer;
}

HttpRequest request_of(const Request& request) {
  switch (request.end) {
    case Request::End::Complete: return parse_http_request(request.text);
    case Request::End::TooLong: return {431, {}, {}};
    case Request::End::TooSlow: return {408, {}, {}};
  }
  return {400, {}, {}};
}

std::string respond(const Request& bytes, const StatusProvider& provider) {
  const HttpRequest request = request_of(bytes);
  const HttpBody body = request.method == "HEAD" ? HttpBody::LeaveOut : HttpBody::Send;
  try {
    return to_text(answer_status_request(request, provider), body);
  } catch (const std::exception& error) {
    HttpAnswer answer = plain_answer(500);
    answer.body = printable_line(error.what()) + "\n";
    return to_text(answer, body);
  }
}

RequestServerOptions server_options(const StatusServerLimits& limits) {
  RequestServerOptions options;
  options.end_mark = kHttpHeadEnd;
  options.most_bytes = kMaxHttpRequest;
  options.most_connections = limits.most_connections;
  options.request_within = limits.request_within;
  options.sent_within = limits.request_within;
  return options;
}

}  // namespace

HttpAnswer answer_status_request(const HttpRequest& request, const StatusProvider& provider) {
  if (request.status != 0) return plain_answer(request.status);
  const bool metrics_wanted = request.path == "/metrics";
  const bool readiness_wanted = request.path == "/readyz";
  if (!metrics_wanted && !readiness_wanted && request.path != "/healthz") return plain_answer(404);
  if (request.method != "GET" && request.method != "HEAD") {
    HttpAnswer answer = plain_answer(405);
    answer.allow = "GET, HEAD";
    return answer;
  }
  if (metrics_wanted) return metrics(provider());
  return readiness_wanted ? readiness(provider()) : text_answer("ok\n");
}

StatusServer::StatusServer(const boost::asio::any_io_executor& executor,
                           const ListenAddress& at,
                           StatusProvider provider,
                           const StatusServerLimits& limits)
    : StatusServer(executor, listen_on(at), std::move(provider), limits) {
}

StatusServer::StatusServer(const boost::asio::any_io_executor& executor,
                           Listener listener,
                           StatusProvider provider,
                           const StatusServerLimits& limits)
    : host_(std::move(listener.host)),
      port_(listener.port),
      server_(executor,
              std::move(listener.socket),
              server_options(limits),
              [provider = std::move(provider)](const Request& request, const Reply& reply) {
                reply(respond(request, provider));
              }) {
}

std::string StatusServer::url() const {
  return "http://" + host_ + ":" + std::to_string(port_);
}

}  // namespace smtptape
