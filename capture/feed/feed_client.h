// The live connection: connects to a feed, sends the request, and hands over what arrives, as one
// coroutine.  It reads 256 KiB at a time and costs neither a copy nor an allocation per frame.
//
// Only kumod's first read matters to it: it never answers pings nor notices a Close (which is why
// we ask TCP to find out whether the peer is still there).  Pings that a proxy sends are answered
// as far as the socket takes it at once: an answer must never hold up reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "capture/feed/feed.h"

namespace smtptape {

// Used for one connection.
class FeedClient {
 public:
  FeedClient(const boost::asio::any_io_executor& executor, FeedOptions options);
  ~FeedClient();
  FeedClient(const FeedClient&) = delete;
  FeedClient& operator=(const FeedClient&) = delete;

  // Once.  The client and the sink outlive it.
  boost::asio::awaitable<FeedEnd> run(FrameSink& sink);
  // From any thread, at any time while the executor's context exists: run() ends at once.
  void stop();
  // The server's clock when it accepted the request, ns since 1970, in whole seconds; nothing: it
  // did not say.  From on_open() on.
  [[nodiscard]] std::optional<std::int64_t> server_time() const;
  // Bytes that a message takes which is being put together; on the executor's thread.
  [[nodiscard]] std::size_t bytes_held() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace smtptape
