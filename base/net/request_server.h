// Answers requests on a socket that listens, TCP or Unix: each connection brings one request that
// ends in a mark, gets one answer, and ends.  What a request is, others know.
//
// Everything has a bound: the bytes of a request, the connections, each wait.  A peer that is slow
// or rude costs its own connection.  When the process has no descriptor left, accepting pauses.
//
// Not thread-safe but for Reply: everything happens on the executor's one thread, which never
// waits.  Nothing is left running unknown: stop() ends every task in the next turns of the context,
// and nothing is asked of the handler any more.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "base/io.h"

namespace smtptape {

struct Request {
  enum class End : std::uint8_t {
    Complete,
    TooLong,
    TooSlow,
  };
  End end = End::Complete;
  std::string text;  // Complete: all of it, the mark included
};

// The bytes of the answer.  Once; more have no effect.  From any thread, as long as the context
// lives, also when the server is gone.
using Reply = std::function<void(std::string)>;

struct RequestServerOptions {
  std::string end_mark;
  std::size_t most_bytes = 8 << 10;
  // When there are more, the oldest goes whose request has not come yet, else the oldest that does
  // not take its answer; those who are owed an answer stay, and then the next one waits.
  std::size_t most_connections = 16;
  std::chrono::milliseconds request_within{5'000};
  std::chrono::milliseconds answer_within{30'000};  // by the handler; then `no_answer` is sent
  std::chrono::milliseconds sent_within{5'000};     // until the peer has it and ends, too
  std::string no_answer;
};

class RequestServer {
 public:
  // Called on the context's thread; what it throws leaves the context's run().
  using Handler = std::function<void(Request, Reply)>;

  RequestServer(const boost::asio::any_io_executor& executor,
                UniqueFd listening,
                RequestServerOptions options,
                Handler handler);
  ~RequestServer();
  RequestServer(const RequestServer&) = delete;
  RequestServer& operator=(const RequestServer&) = delete;

  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its tasks, which may end a little later
};

}  // namespace smtptape
