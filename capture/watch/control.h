// Takes orders on a Unix socket in the store: one line of JSON in, one line of JSON out.
//
//   {"do":"status"}   the status (capture/watch/status_json.h)
//   {"do":"rotate"}   ends the tapes and begins new ones
//   {"do":"flush"}    what came so far can be read in the tapes when the answer comes
//
// The answer to the latter two is {"schema":"smtptape.control/1","done":"flush"}; to what is no
// order, or has failed, {"schema":"smtptape.control/1","error":"…"}.
//
// Only who runs the recorder, and root, can connect: the socket has mode 0600 before anybody can.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

#include "base/net/request_server.h"
#include "capture/watch/order.h"
#include "capture/watch/status.h"

namespace smtptape {

inline constexpr std::size_t kMostControlRequest = 4 << 10;

// How an order ended: empty: well; else why not, in one line.  To be called once, from any thread,
// as long as the context lives.
using OrderDone = std::function<void(std::string trouble)>;

// Called on the context's thread; they return at once.
struct ControlHandlers {
  std::function<RecorderStatus()> status;
  std::function<void(OrderDone)> rotate;
  std::function<void(OrderDone)> flush;
};

// A socket file that listens and is removed with the object.  One that a dead process left is
// replaced; throws Error when a live one, or something that is no socket, is in its place.
class ControlSocket {
 public:
  explicit ControlSocket(std::filesystem::path path);
  ~ControlSocket() { remove(); }
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  [[nodiscard]] UniqueFd take() { return std::move(socket_); }
  // Unless somebody else's stands there by now.
  void remove();

 private:
  std::filesystem::path path_;
  UniqueFd socket_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool bound_ = false;
};

// Bounds that a test makes smaller.
struct ControlServerLimits {
  std::chrono::milliseconds request_within{5'000};
  std::chrono::milliseconds answer_within{30'000};
};

class ControlServer {
 public:
  // Listens from here on.
  ControlServer(const boost::asio::any_io_executor& executor,
                const std::filesystem::path& path,
                ControlHandlers handlers,
                const ControlServerLimits& limits = {});

  // No handler is called any more; the socket file is gone.
  void stop();

 private:
  ControlSocket socket_;
  RequestServer server_;
};

}  // namespace smtptape
