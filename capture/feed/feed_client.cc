#include "capture/feed/feed_client.h"

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/error.h"
#include "base/net/connection.h"
#include "base/net/handshake.h"

namespace smtptape {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kReadBuffer = 256 * kKiB;
// Tiny frames are handed over before their list takes more room than the buffer they came in.
constexpr std::size_t kMostFramesAtOnce = 4096;
// kumod writes each event by itself.
constexpr int kEnough = 192 << 10;
constexpr std::chrono::milliseconds kGatherFor{9};

FeedEnd::Kind kind_of(const error_code& error, FeedEnd::Kind otherwise) {
  if (error == asio::error::operation_aborted) return FeedEnd::Kind::Stopped;
  if (error == asio::error::eof) return FeedEnd::Kind::Closed;
  if (error == asio::error::timed_out) return FeedEnd::Kind::TimedOut;
  if (error == asio::error::connection_refused) return FeedEnd::Kind::Refused;
  return otherwise;
}

FeedEnd end_by(const error_code& error, FeedEnd::Kind otherwise) {
  FeedEnd end;
  end.kind = kind_of(error, otherwise);
  if (end.kind == FeedEnd::Kind::Stopped) return end;
  if (error.category() == boost::system::system_category()) end.os_error = error.value();
  end.reason = error.message();
  return end;
}

FeedEnd end_by(const ConnectOutcome& outcome) {
  if (outcome.kind == ConnectOutcome::Kind::Failed) {
    return end_by(outcome.error, FeedEnd::Kind::Unreachable);
  }
  FeedEnd end;
  end.kind = outcome.kind == ConnectOutcome::Kind::NameNotFound ? FeedEnd::Kind::NotFound
                                                                : FeedEnd::Kind::LookupFailed;
  end.reason = outcome.why;
  return end;
}

FeedEnd end_by(TlsErrc error, TlsTrouble trouble) {
  FeedEnd end;
  switch (error) {
    case TlsErrc::Untrusted: end.kind = FeedEnd::Kind::TlsUntrusted; break;
    case TlsErrc::NotTls: end.kind = FeedEnd::Kind::TlsNotSpoken; break;
    case TlsErrc::Failed: end.kind = FeedEnd::Kind::TlsFailed; break;
  }
  end.reason = std::move(trouble.why);
  end.fingerprint = std::move(trouble.fingerprint);
  end.expected_fingerprint = std::move(trouble.expected);
  end.self_signed = trouble.self_signed;
  end.certificate_missing = trouble.certificate_missing;
  return end;
}

FeedEnd::Kind kind_of(UpgradeAnswer::Kind answer) {
  switch (answer) {
    case UpgradeAnswer::Kind::Refused: return FeedEnd::Kind::Rejected;
    case UpgradeAnswer::Kind::Tls: return FeedEnd::Kind::TlsExpected;
    case UpgradeAnswer::Kind::NotWebSocket:
    case UpgradeAnswer::Kind::Accepted: break;
  }
  return FeedEnd::Kind::NotWebSocket;
}

FeedEnd end_by(const UpgradeAnswer& answer, const FeedAccess& access) {
  FeedEnd end;
  end.kind = kind_of(answer.kind);
  end.status = answer.status;
  end.phrase = answer.phrase;
  end.reason = without_secrets(answer.reason, access.credentials);
  end.with_credentials = !access.credentials.header.empty();
  return end;
}

}  // namespace

struct FeedClient::Impl {
  Impl(const asio::any_io_executor& executor, FeedOptions wanted)
      : options(std::move(wanted)),
        connection(executor),
        reader(WsRole::Client, {options.max_frame, kMostAnnounced}) {}

  // Nothing: `access` holds what is to be used.
  std::optional<FeedEnd> get_access();
  // Nothing: it is connected, with TLS where the endpoint has it.
  asio::awaitable<std::optional<FeedEnd>> connect();
  // Nothing: the request is sent and `early` holds the frames that came with the answer.
  asio::awaitable<std::optional<FeedEnd>> open();
  asio::awaitable<FeedEnd> follow();

  [[nodiscard]] FeedEnd broken_by(const error_code& error) const;

  void watch_for_stalls();
  // Nothing: go on.
  std::optional<FeedEnd> deliver(std::string_view bytes);
  std::optional<FeedEnd> take(const WsMessage& message);
  FrameSink::Flow hand_over();
  void reply(Opcode opcode, std::string_view payload);
  void send_replies();

  FeedOptions options;
  FeedAccess access;
  Connection connection;
  WsFrameReader reader;
  FrameSink* sink = nullptr;
  bool watching = false;  // for stalls
  std::string early;
  std::optional<std::int64_t> server_time;
  std::string replies;  // begun or waiting; never more than one of each kind
  std::vector<char> buffer = std::vector<char>(kReadBuffer);
  std::vector<WsMessage> frames;
};

std::optional<FeedEnd> FeedClient::Impl::get_access() {
  try {
    if (options.access) access = options.access();
    if (!access.tls && options.endpoint.tls) {
      access.tls = std::make_shared<const TlsContext>(TlsSettings());
    }
    return std::nullopt;
  } catch (const Error& error) {
    FeedEnd end;
    end.kind = FeedEnd::Kind::NoAccess;
    end.reason = error.what();
    return end;
  }
}

asio::awaitable<std::optional<FeedEnd>> FeedClient::Impl::connect() {
  const Endpoint& to = options.endpoint;
  const ConnectOutcome outcome =
      co_await connection.connect(to.host, to.port, options.connect_within);
  if (outcome.kind != ConnectOutcome::Kind::Connected) co_return end_by(outcome);
  if (!to.tls) co_return std::nullopt;
  const Transfer begun = co_await connection.start_tls(access.tls, to.host);
  if (begun.error) co_return broken_by(begun.error);
  co_return std::nullopt;
}

// A connection's own trouble, or that of the TLS on it.
FeedEnd FeedClient::Impl::broken_by(const error_code& error) const {
  if (error.category() != tls_category()) return end_by(error, FeedEnd::Kind::Reset);
  return end_by(static_cast<TlsErrc>(error.value()), connection.tls_trouble());
}

asio::awaitable<std::optional<FeedEnd>> FeedClient::Impl::open() {
  std::optional<FeedEnd> unconnected = get_access();
  if (unconnected) co_return unconnected;
  unconnected = co_await connect();
  if (unconnected) co_return unconnected;

  const std::string& authorization = access.credentials.header;
  ClientHandshake handshake = co_await upgrade_as_client(
      connection, options.endpoint.authority, options.path, authorization);
  if (handshake.error) co_return broken_by(handshake.error);
  const bool accepted = handshake.answer.kind == UpgradeAnswer::Kind::Accepted;
  if (!accepted) co_return end_by(handshake.answer, access);
  early = std::move(handshake.rest);
  server_time = handshake.answer.date;

  std::string request;
  append_masked_frame(request, Opcode::Text, options.request, random_mask());
  const Transfer sent = co_await connection.write(request);
  if (sent.error) co_return broken_by(sent.error);
  connection.expires_never();
  co_return std::nullopt;
}

asio::awaitable<FeedEnd> FeedClient::Impl::follow() {
  std::optional<FeedEnd> end = deliver(early);
  while (!end) {
    watch_for_stalls();
    const Transfer got = co_await connection.read_gathered(buffer, kEnough, kGatherFor);
    end = deliver(std::string_view(buffer.data(), got.size));
    if (!end && got.error) end = broken_by(got.error);
  }
  end->opened = true;
  end->mid_message = reader.mid_message();
  co_return std::move(*end);
}

void FeedClient::Impl::watch_for_stalls() {
  if (reader.mid_message()) {
    connection.expires_after(options.goes_on_within);
  } else if (watching) {
    connection.expires_never();
  }
  watching = reader.mid_message();
}

std::optional<FeedEnd> FeedClient::Impl::deliver(std::string_view bytes) {
  reader.feed(bytes);
  std::optional<FeedEnd> end;
  while (!end) {
    const std::optional<WsMessage> message = reader.next();
    if (!message) break;
    end = take(*message);
  }
  if (hand_over() == FrameSink::Flow::Stop) end = FeedEnd{};
  send_replies();
  if (end || reader.protocol_error().empty()) return end;
  end.emplace();
  end->kind = FeedEnd::Kind::ProtocolError;
  end->reason = reader.protocol_error();
  return end;
}

std::optional<FeedEnd> FeedClient::Impl::take(const WsMessage& message) {
  frames.push_back(message);
  if (message.opcode == Opcode::Ping) reply(Opcode::Pong, message.payload);
  if (message.opcode == Opcode::Close) {
    reply(Opcode::Close, message.payload);
    FeedEnd end;
    end.kind = FeedEnd::Kind::CloseFrame;
    return end;
  }
  // What the reader holds itself must be looked at before its next message.
  const bool now = message.held == WsMessage::Held::InReader || frames.size() >= kMostFramesAtOnce;
  if (now && hand_over() == FrameSink::Flow::Stop) return FeedEnd{};
  return std::nullopt;
}

FrameSink::Flow FeedClient::Impl::hand_over() {
  if (frames.empty()) return FrameSink::Flow::Continue;
  const FrameSink::Flow flow = sink->on_frames(frames);
  frames.clear();
  return flow;
}

// Of many pings only the first is answered while its answer waits, as the standard allows.
void FeedClient::Impl::reply(Opcode opcode, std::string_view payload) {
  if (opcode == Opcode::Pong && !replies.empty()) return;
  append_masked_frame(replies, opcode, payload, random_mask());
}

void FeedClient::Impl::send_replies() {
  if (replies.empty()) return;
  replies.erase(0, connection.write_now(replies));
}

FeedClient::FeedClient(const asio::any_io_executor& executor, FeedOptions options)
    : impl_(std::make_shared<Impl>(executor, std::move(options))) {
}

FeedClient::~FeedClient() = default;

asio::awaitable<FeedEnd> FeedClient::run(FrameSink& sink) {
  impl_->sink = &sink;
  impl_->reader.ask_before_growing([&sink](std::uint64_t more) { return sink.may_take(more); });
  std::optional<FeedEnd> end = co_await impl_->open();
  if (!end) {
    sink.on_open();
    end = co_await impl_->follow();
  }
  impl_->connection.close();
  co_return std::move(*end);
}

void FeedClient::stop() {
  asio::post(impl_->connection.executor(), [weak = std::weak_ptr(impl_)] {
    if (const std::shared_ptr<Impl> self = weak.lock()) self->connection.stop();
  });
}

std::optional<std::int64_t> FeedClient::server_time() const {
  return impl_->server_time;
}

std::size_t FeedClient::bytes_held() const {
  return impl_->reader.bytes_held();
}

FeedEnd follow_feed(const FeedOptions& options, FrameSink& sink, std::stop_token stop) {
  asio::io_context context(1);
  FeedClient client(context.get_executor(), options);
  FeedEnd result;
  std::exception_ptr failure;
  asio::co_spawn(context, client.run(sink), [&](std::exception_ptr thrown, FeedEnd end) {
    failure = std::move(thrown);
    result = std::move(end);
  });
  const std::stop_callback on_stop(std::move(stop), [&client] { client.stop(); });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return result;
}

}  // namespace smtptape
