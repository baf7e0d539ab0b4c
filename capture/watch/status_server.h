// Tells over HTTP how the recorder is: what a scraper and a supervisor ask.
//
//   GET /metrics   the series of capture/watch/metrics.h
//   GET /healthz   200: the process lives
//   GET /readyz    200: every source is connected and written; 503: one line for each that is not
//
// On the network thread, beside the feed; bounds are those of base/net/request_server.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "base/net/http.h"
#include "base/net/listener.h"
#include "base/net/request_server.h"
#include "capture/watch/status.h"

namespace smtptape {

using StatusProvider = std::function<RecorderStatus()>;

// What is answered to a request; pure but for the provider, which is asked only where it is needed.
[[nodiscard]] HttpAnswer answer_status_request(const HttpRequest& request,
                                               const StatusProvider& provider);

// Bounds that a test makes smaller.
struct StatusServerLimits {
  std::chrono::milliseconds request_within{5'000};
  std::size_t most_connections = 16;
};

class StatusServer {
 public:
  // Listens from here on; throws Error when it can't.  The provider is called on the context's
  // thread, until stop().
  StatusServer(const boost::asio::any_io_executor& executor,
               const ListenAddress& at,
               StatusProvider provider,
               const StatusServerLimits& limits = {});

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const;  // http://127.0.0.1:9925
  void stop() { server_.stop(); }

 private:
  StatusServer(const boost::asio::any_io_executor& executor,
               Listener listener,
               StatusProvider provider,
               const StatusServerLimits& limits);

  std::string host_;
  std::uint16_t port_;
  RequestServer server_;
};

}  // namespace smtptape
