#include "base/net/lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <map>
#include <utility>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.h"

#include <ares.h>

namespace smtptape {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::posix::stream_descriptor;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

void append_address(std::vector<tcp::endpoint>& all, const sockaddr* address, std::size_t size) {
  tcp::endpoint endpoint;
  if (address == nullptr || size > endpoint.capacity()) return;
  std::memcpy(endpoint.data(), address, size);
  endpoint.resize(size);
  endpoint.port(0);
  all.push_back(endpoint);
}

void must(int status, const char* doing) {
  if (status != ARES_SUCCESS) throw Error(std::string(doing) + ": " + ares_strerror(status));
}

// Whatever name servers say of it (RFC 6761).  Its addresses may stand in the hosts file.
bool is_localhost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return boost::iequals(host, "localhost") || boost::iends_with(host, ".localhost");
}

std::vector<tcp::endpoint> loopbacks() {
  return {{asio::ip::address_v4::loopback(), 0}, {asio::ip::address_v6::loopback(), 0}};
}

struct DestroyChannel {
  void operator()(ares_channeldata* channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, DestroyChannel>;

}  // namespace

LookupAnswer answer_of_status(int ares_status) {
  LookupAnswer answer;
  switch (ares_status) {
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
    case ARES_EFORMERR:
      answer.name_is_unknown = true;
      answer.why = ::gai_strerror(EAI_NONAME);
      break;
    case ARES_ENODATA:
    case ARES_SUCCESS:
      answer.name_is_unknown = true;
      answer.why = ::gai_strerror(EAI_NODATA);
      break;
    case ARES_ENOMEM: answer.why = ::gai_strerror(EAI_MEMORY); break;
    default: answer.why = ::gai_strerror(EAI_AGAIN);
  }
  return answer;
}

LookupAnswer no_answer() {
  return answer_of_status(ARES_ETIMEOUT);
}

// Not getaddrinfo(): in a program without shared libraries it is only there where those of the C
// library are, in the same version.
std::vector<tcp::endpoint> addresses_written_out(const std::string& host) {
  error_code none;
  in_addr v4{};
  const bool all_of_it = host.find_first_not_of("0123456789abcdefABCDEFxX.") == std::string::npos;
  if (all_of_it && ::inet_aton(host.c_str(), &v4) != 0) {
    return {{asio::ip::address_v4(ntohl(v4.s_addr)), 0}};
  }
  const auto v6 = asio::ip::make_address_v6(host, none);
  return none ? std::vector<tcp::endpoint>() : std::vector<tcp::endpoint>{{v6, 0}};
}

// ---- one look-up ----

class Lookup::Query : public std::enable_shared_from_this<Query> {
 public:
  using Waiter = std::weak_ptr<asio::steady_timer>;

  explicit Query(const asio::any_io_executor& executor) : executor_(executor), timer_(executor) {}
  // What c-ares still says while it is destroyed finds the members in place.
  ~Query() { channel_.reset(); }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  void begin(const std::string& host, const LookupPlaces& places);
  void tell(Waiter waiter) { waiters_.push_back(std::move(waiter)); }
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] const LookupAnswer& answer() const { return answer_; }

 private:
  // Of c-ares, as we wait for it.
  struct Socket {
    explicit Socket(const asio::any_io_executor& executor, int fd) : descriptor(executor, fd) {}
    stream_descriptor descriptor;
    bool wanted[2] = {false, false};  // to read, to write
    bool waiting[2] = {false, false};
    bool closed = false;
  };

  static void on_socket(void* query, ares_socket_t fd, int readable, int writable);
  static void on_answer(void* query, int status, int timeouts, ares_addrinfo* found);
  void watch(ares_socket_t fd, bool readable, bool writable);
  void wait_on(const std::shared_ptr<Socket>& socket);
  void process(ares_socket_t readable, ares_socket_t writable);
  void set_timer();
  void finish(int status, const ares_addrinfo* found);

  asio::any_io_executor executor_;
  asio::steady_timer timer_;
  std::map<ares_socket_t, std::shared_ptr<Socket>> sockets_;
  std::vector<Waiter> waiters_;
  LookupAnswer answer_;
  std::vector<tcp::endpoint> otherwise_;  // when there is none
  bool finished_ = false;
  Channel channel_;
};

void Lookup::Query::begin(const std::string& host, const LookupPlaces& places) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  must(library, "setting up c-ares");
  const bool is_this_machine = is_localhost(host);
  char files[] = "f";
  ares_options options{};
  options.lookups = files;
  options.sock_state_cb = on_socket;
  options.sock_state_cb_data = this;
  ares_channel channel = nullptr;
  const int given = ARES_OPT_SOCK_STATE_CB | (is_this_machine ? ARES_OPT_LOOKUPS : 0);
  must(ares_init_options(&channel, &options, given), "setting up a look-up");
  channel_.reset(channel);
  if (!places.name_servers.empty()) {
    must(ares_set_servers_ports_csv(channel, places.name_servers.c_str()), "name servers");
  }
  ares_addrinfo_hints hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = places.hosts_of_tests ? ARES_AI_ENVHOSTS : 0;
  std::string name = host;
  if (is_this_machine && name.ends_with('.')) name.pop_back();
  otherwise_ = is_this_machine ? loopbacks() : std::vector<tcp::endpoint>();
  ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, on_answer, this);
  set_timer();
}

void Lookup::Query::on_socket(void* query, ares_socket_t fd, int readable, int writable) {
  static_cast<Query*>(query)->watch(fd, readable != 0, writable != 0);
}

void Lookup::Query::on_answer(void* query, int status, int /*timeouts*/, ares_addrinfo* found) {
  static_cast<Query*>(query)->finish(status, found);
  ares_freeaddrinfo(found);
}

// With neither it is about to be closed, by c-ares, whose descriptor it is.
void Lookup::Query::watch(ares_socket_t fd, bool readable, bool writable) {
  auto at = sockets_.find(fd);
  if (at == sockets_.end()) {
    if (!readable && !writable) return;
    at = sockets_.emplace(fd, std::make_shared<Socket>(executor_, fd)).first;
  }
  const std::shared_ptr<Socket> socket = at->second;
  socket->wanted[0] = readable;
  socket->wanted[1] = writable;
  socket->closed = !readable && !writable;
  if (socket->closed) {
    sockets_.erase(at);
    socket->descriptor.release();
  } else if (weak_from_this().lock()) {
    wait_on(socket);
  }
}

void Lookup::Query::wait_on(const std::shared_ptr<Socket>& socket) {
  constexpr stream_descriptor::wait_type kFor[] = {stream_descriptor::wait_read,
                                                   stream_descriptor::wait_write};
  for (const std::size_t way : {std::size_t{0}, std::size_t{1}}) {
    if (!socket->wanted[way] || std::exchange(socket->waiting[way], true)) continue;
    const auto ready = [weak = weak_from_this(), socket, way](const error_code& error) {
      socket->waiting[way] = false;
      const std::shared_ptr<Query> query = weak.lock();
      if (error || !query || socket->closed) return;
      const ares_socket_t fd = socket->descriptor.native_handle();
      query->process(way == 0 ? fd : ARES_SOCKET_BAD, way == 1 ? fd : ARES_SOCKET_BAD);
      if (!socket->closed) query->wait_on(socket);
    };
    socket->descriptor.async_wait(kFor[way], ready);
  }
}

void Lookup::Query::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_.get(), readable, writable);
  set_timer();
}

// When c-ares wants to ask again, or give up.
void Lookup::Query::set_timer() {
  timeval left{};
  if (finished_ || ares_timeout(channel_.get(), nullptr, &left) == nullptr) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const std::shared_ptr<Query> query = weak.lock();
    if (error || !query) return;
    query->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

void Lookup::Query::finish(int status, const ares_addrinfo* found) {
  if (status == ARES_EDESTRUCTION) return;  // nobody waits any more
  finished_ = true;
  for (const ares_addrinfo_node* node = found == nullptr ? nullptr : found->nodes; node != nullptr;
       node = node->ai_next) {
    append_address(answer_.addresses, node->ai_addr, node->ai_addrlen);
  }
  if (answer_.addresses.empty()) answer_.addresses = std::move(otherwise_);
  if (answer_.addresses.empty()) answer_ = answer_of_status(status);
  for (const Waiter& waiter : waiters_) {
    if (const std::shared_ptr<asio::steady_timer> timer = waiter.lock()) timer->cancel();
  }
}

// ---- those under way ----

namespace {

// Of one io_context.
class Lookups : public asio::execution_context::service {
 public:
  using key_type = Lookups;
  static asio::execution_context::id id;

  explicit Lookups(asio::execution_context& context) : asio::execution_context::service(context) {}

  std::shared_ptr<Lookup::Query> query(const asio::any_io_executor& executor,
                                       const std::string& host) {
    std::erase_if(under_way_, [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<Lookup::Query>& known = under_way_[host];
    const std::shared_ptr<Lookup::Query> joined = known.lock();
    if (joined && !joined->finished()) return joined;
    auto query = std::make_shared<Lookup::Query>(executor);
    query->begin(host, places);
    known = query;
    return query;
  }

  LookupPlaces places;

 private:
  void shutdown() override {}

  std::map<std::string, std::weak_ptr<Lookup::Query>> under_way_;
};

asio::execution_context::id Lookups::id;

}  // namespace

void look_up_at(asio::execution_context& context, LookupPlaces places) {
  asio::use_service<Lookups>(context).places = std::move(places);
}

Lookup::Lookup(const asio::any_io_executor& executor, const std::string& host)
    : query_(asio::use_service<Lookups>(executor.context()).query(executor, host)),
      come_(std::make_shared<asio::steady_timer>(executor, steady_clock::time_point::max())) {
  query_->tell(come_);
}

Lookup::~Lookup() = default;

asio::awaitable<bool> Lookup::wait() {
  while (!query_->finished() && !cancelled_) {
    auto [woken] = co_await come_->async_wait(kNoThrow);
    static_cast<void>(woken);  // the answer is there, or we gave up
  }
  co_return !cancelled_;
}

void Lookup::cancel() {
  cancelled_ = true;
  come_->cancel();
}

const LookupAnswer& Lookup::answer() const {
  return query_->answer();
}

LookupAnswer look_up_now(const std::string& host,
                         std::chrono::milliseconds within,
                         const LookupPlaces& places) {
  asio::io_context context(1);
  look_up_at(context, places);
  Lookup lookup(context.get_executor(), host);
  bool answered = false;
  asio::co_spawn(context, lookup.wait(), [&](const std::exception_ptr&, bool good) {
    answered = good;
    context.stop();
  });
  context.run_for(within);
  if (answered) return lookup.answer();
  lookup.cancel();
  context.restart();
  context.poll();  // then nobody waits for it any more
  return no_answer();
}

}  // namespace smtptape
