// The WebSocket handshake of base/net/upgrade.h carried out over a Connection, from both ends.
// How long it may take is the Connection's deadline.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/net/connection.h"
#include "base/net/upgrade.h"
#include "base/net/ws_frames.h"

namespace smtptape {

// Unpredictable, as RFC 6455 wants it, so that a peer's page can't choose the bytes on the wire.
[[nodiscard]] WsMask random_mask();

struct ClientHandshake {
  boost::system::error_code error;  // the connection failed before there was an answer
  UpgradeAnswer answer;
  std::string rest;  // frames that came with it
};

[[nodiscard]] boost::asio::awaitable<ClientHandshake> upgrade_as_client(
    Connection& connection,
    std::string authority,
    std::string path,
    std::string authorization = {});

struct ServerHandshake {
  boost::system::error_code error;  // the connection failed before the answer was sent
  unsigned status = 0;              // what was answered; 101: go on with frames
  std::string rest;                 // frames that came with the request
};

[[nodiscard]] boost::asio::awaitable<ServerHandshake> upgrade_as_server(Connection& connection,
                                                                        std::string path);

}  // namespace smtptape
