#include "tests/support/fake_kumod.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "base/net/upgrade.h"
#include "base/net/ws_frames.h"

namespace smtptape {

namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::string_view kPath = "/api/admin/trace-smtp-client/v1";
constexpr std::uint64_t kLargestFrame = 1 << 20;

// Ends the dialogue: the client is gone, patience is at its end, or the test is.
struct DialogueOver : std::runtime_error {
  using std::runtime_error::runtime_error;
};

UniqueFd bind_loopback() {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw system_error("binding to 127.0.0.1", errno);
  }
  return socket;
}

std::uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw system_error("asking for a port", errno);
  }
  return ntohs(address.sin_port);
}

std::string loopback_url(int socket, const std::string& scheme = "http") {
  return scheme + "://127.0.0.1:" + std::to_string(port_of(socket));
}

// ---- what a client sent ----

class Notes {
 public:
  void add_client() {
    const std::lock_guard lock(mutex_);
    clients_.emplace_back();
  }
  void add_head(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    clients_.back().head += bytes;
  }
  void end_head() {
    const std::lock_guard lock(mutex_);
    clients_.back().head_whole = true;
    changed_.notify_all();
  }
  void add_greeting(std::string text) {
    const std::lock_guard lock(mutex_);
    clients_.back().greeting = std::move(text);
    changed_.notify_all();
  }
  void add_frame(ReceivedFrame frame) {
    const std::lock_guard lock(mutex_);
    clients_.back().frames.push_back(std::move(frame));
    changed_.notify_all();
  }
  void end_all() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  std::string head(std::size_t client) {
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return clients_.size() > client && clients_[client].head_whole; });
    return clients_[client].head;
  }
  std::string greeting(std::size_t client) {
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return clients_.size() > client && !clients_[client].greeting.empty(); });
    return clients_[client].greeting;
  }
  ReceivedFrame frame(std::size_t index, std::size_t client) {
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return clients_.size() > client && clients_[client].frames.size() > index; });
    return clients_[client].frames[index];
  }
  void join() {
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return ended_; });
  }

 private:
  struct Client {
    std::string greeting;  // of TLS
    std::string head;
    bool head_whole = false;
    std::vector<ReceivedFrame> frames;
  };

  void wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& until) {
    if (!changed_.wait_for(lock, kPatience, until)) {
      throw std::runtime_error("the client did not do what was waited for");
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Client> clients_;
  bool ended_ = false;
};

// One client's dialogue, on the server's thread.
class Performance {
 public:
  Performance(int socket, int stop, Notes& notes) : socket_(socket), stop_(stop), notes_(notes) {}

  void begin_tls(const TlsServer& server) {
    tls_.emplace(server, socket_, [this](short events) { await(events); });
    if (!tls_->shake_hands()) throw DialogueOver("there is no TLS with this client");
    notes_.add_greeting(tls_->greeting());
  }

  void perform(const Dialogue& dialogue) {
    if (dialogue.kind != Dialogue::Answer::None) shake_hands(dialogue);
    if (dialogue.kind == Dialogue::Answer::Upgrade) read_frame();
    for (const Step& step : dialogue.steps) {
      if (!perform(step)) return;
    }
    // In order: what was sent arrives, whatever of the client's we have not read.
    ::shutdown(socket_, SHUT_WR);
    drain(kPatience);
  }

 private:
  // False when the connection has ended with this step.
  bool perform(const Step& step) {
    switch (step.kind) {
      case Step::Kind::Send: write(step.bytes); return true;
      case Step::Kind::Trickle:
        for (const char& byte : step.bytes)
          write({&byte, 1});
        return true;
      case Step::Kind::AwaitFrame: read_frame(); return true;
      case Step::Kind::Await: step.wait(); return true;
      case Step::Kind::Reset: {
        const linger at_once{1, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        return false;
      }
      case Step::Kind::StaySilent: drain(step.at_most); return false;
      case Step::Kind::SayGoodbye: tls_.value().say_goodbye(); return true;
    }
    throw std::logic_error("unknown step");
  }

  void shake_hands(const Dialogue& dialogue) {
    UpgradeRequestReader reader{std::string(kPath)};
    while (!reader.done()) {
      const std::string_view bytes = read();
      const std::size_t taken = reader.feed(bytes);
      notes_.add_head(bytes.substr(0, taken));
      early_ = bytes.substr(taken);
    }
    notes_.end_head();
    const bool upgrade = dialogue.kind == Dialogue::Answer::Upgrade;
    std::string answer = upgrade ? reader.verdict().response : dialogue.answer;
    if (upgrade) answer.insert(answer.size() - 2, dialogue.headers).append(dialogue.early);
    write(answer);
    frames_.feed(early_);
  }

  void read_frame() {
    for (;;) {
      if (const std::optional<WsMessage> message = frames_.next()) {
        notes_.add_frame({message->opcode, std::string(message->payload)});
        return;
      }
      if (!frames_.protocol_error().empty()) throw DialogueOver("the client broke the protocol");
      frames_.feed(read());
    }
  }

  void drain(std::chrono::seconds at_most) {
    try {
      for (;;)
        static_cast<void>(read(at_most));
    } catch (const DialogueOver&) {
      return;
    }
  }

  std::string_view read(std::chrono::seconds at_most = kPatience) {
    if (tls_) {
      const std::size_t got = tls_->read(buffer_);
      if (got == 0) throw DialogueOver("the client is gone");
      return {buffer_.data(), got};
    }
    await(POLLIN, at_most);
    const ssize_t size = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (size <= 0) throw DialogueOver("the client is gone");
    return {buffer_.data(), static_cast<std::size_t>(size)};
  }

  void write(std::string_view bytes) {
    if (tls_) {
      if (!tls_->write(bytes)) throw DialogueOver("the client is gone");
      return;
    }
    while (!bytes.empty()) {
      await(POLLOUT);
      const ssize_t size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (size < 0 && errno == EAGAIN) continue;
      if (size < 0) throw DialogueOver("the client is gone");
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }

  void await(short events, std::chrono::seconds at_most = kPatience) const {
    std::array<pollfd, 2> waits{pollfd{socket_, events, 0}, pollfd{stop_, POLLIN, 0}};
    const auto timeout = static_cast<int>(std::chrono::milliseconds(at_most).count());
    const int ready = ::poll(waits.data(), waits.size(), timeout);
    if (ready <= 0) throw DialogueOver("the client does nothing");
    if (waits[1].revents != 0) throw DialogueOver("the test is over");
  }

  int socket_;
  int stop_;
  Notes& notes_;
  std::optional<TlsPeer> tls_;
  std::array<char, 1 << 16> buffer_{};
  std::string early_;  // frames that came with the handshake
  WsFrameReader frames_{WsRole::Server, kLargestFrame};
};

}  // namespace

// ---- server ----

struct FakeKumod::Impl {
  Impl(std::vector<Dialogue> all, const TlsServerSettings* settings) : dialogues(std::move(all)) {
    if (settings != nullptr) tls.emplace(*settings);
    if (::listen(listener.get(), SOMAXCONN) != 0) throw system_error("listening", errno);
    thread = std::thread([this] { serve(); });
  }
  ~Impl() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop.get(), &one, sizeof one);
    thread.join();
  }

  void serve() {
    for (const Dialogue& dialogue : dialogues) {
      const std::optional<int> client = accept();
      if (!client) break;
      const UniqueFd socket(*client);
      const int on = 1;
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      notes.add_client();
      try {
        Performance performance(socket.get(), stop.get(), notes);
        if (tls) performance.begin_tls(*tls);
        performance.perform(dialogue);
      } catch (const DialogueOver&) {
        continue;  // what was missing, the test will miss
      }
    }
    notes.end_all();
  }

  [[nodiscard]] std::optional<int> accept() const {
    std::array<pollfd, 2> waits{pollfd{listener.get(), POLLIN, 0}, pollfd{stop.get(), POLLIN, 0}};
    const int ready =
        ::poll(waits.data(), waits.size(), std::chrono::milliseconds(kPatience).count());
    if (ready <= 0 || waits[1].revents != 0) return std::nullopt;
    const int client = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return std::nullopt;
    return client;
  }

  std::vector<Dialogue> dialogues;
  std::optional<TlsServer> tls;
  UniqueFd listener = bind_loopback();
  UniqueFd stop{eventfd(0, EFD_CLOEXEC)};
  mutable Notes notes;
  std::thread thread;
};

FakeKumod::FakeKumod(std::vector<Dialogue> dialogues)
    : impl_(std::make_unique<Impl>(std::move(dialogues), nullptr)) {
}

FakeKumod::FakeKumod(std::vector<Dialogue> dialogues, const TlsServerSettings& tls)
    : impl_(std::make_unique<Impl>(std::move(dialogues), &tls)) {
}

FakeKumod::~FakeKumod() = default;

std::uint16_t FakeKumod::port() const {
  return port_of(impl_->listener.get());
}
std::string FakeKumod::url() const {
  return loopback_url(impl_->listener.get(), impl_->tls ? "https" : "http");
}
std::string FakeKumod::head(std::size_t client) const {
  return impl_->notes.head(client);
}

std::string FakeKumod::tls_greeting(std::size_t client) const {
  return impl_->notes.greeting(client);
}

ReceivedFrame FakeKumod::frame(std::size_t index, std::size_t client) const {
  return impl_->notes.frame(index, client);
}

void FakeKumod::join() const {
  impl_->notes.join();
}

ClosedPort::ClosedPort() : socket_(bind_loopback()) {
}
std::string ClosedPort::url() const {
  return loopback_url(socket_.get());
}

}  // namespace smtptape
