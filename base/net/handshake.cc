#include "base/net/handshake.h"

#include <array>
#include <random>
#include <string_view>
#include <utility>

#include <boost/asio/error.hpp>

namespace smtptape {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kBuffer = 4096;

template <std::size_t kSize>
std::array<char, kSize> random_bytes() {
  std::random_device random;
  std::array<char, kSize> bytes{};
  for (char& byte : bytes)
    byte = static_cast<char>(random() & 0xff);
  return bytes;
}

}  // namespace

WsMask random_mask() {
  return random_bytes<4>();
}

asio::awaitable<ClientHandshake> upgrade_as_client(Connection& connection,
                                                   std::string authority,
                                                   std::string path,
                                                   std::string authorization) {
  ClientHandshake handshake;
  const std::string key = websocket_key(random_bytes<16>());
  const std::string request = upgrade_request(authority, path, key, authorization);
  const Transfer sent = co_await connection.write(request);
  handshake.error = sent.error;

  UpgradeAnswerReader reader(key);
  std::array<char, kBuffer> buffer{};
  while (!reader.done() && !handshake.error) {
    const Transfer got = co_await connection.read_some(buffer);
    const std::string_view bytes(buffer.data(), got.size);
    handshake.rest = bytes.substr(reader.feed(bytes));
    if (!got.error) continue;
    // Of a refusal the headers are enough; without them only the end of the stream is an answer.
    const bool ended = got.error == asio::error::eof && !reader.untouched();
    if (ended || reader.has_status()) {
      reader.feed_end();
    } else {
      handshake.error = got.error;
    }
  }
  if (!handshake.error) handshake.answer = reader.answer();
  co_return handshake;
}

asio::awaitable<ServerHandshake> upgrade_as_server(Connection& connection, std::string path) {
  ServerHandshake handshake;
  UpgradeRequestReader reader(std::move(path));
  std::array<char, kBuffer> buffer{};
  while (!reader.done() && !handshake.error) {
    const Transfer got = co_await connection.read_some(buffer);
    const std::string_view bytes(buffer.data(), got.size);
    handshake.rest = bytes.substr(reader.feed(bytes));
    handshake.error = got.error;
  }
  if (!reader.done()) co_return handshake;
  const UpgradeVerdict verdict = reader.verdict();
  const Transfer sent = co_await connection.write(verdict.response);
  handshake.error = sent.error;
  handshake.status = verdict.status;
  co_return handshake;
}

}  // namespace smtptape
