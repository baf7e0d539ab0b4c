#include "capture/doctor/probe.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/error.h"
#include "base/io.h"
#include "base/time_spec.h"
#include "base/wall_time.h"
#include "capture/feed/feed_client.h"
#include "format/tape/tape_lock.h"
#include "format/tape/tape_name.h"
#include "format/wire/wire.h"
#include "store/keep/prune.h"

#include <time.h>  // strptime, timegm: not in <ctime>

namespace smtptape {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using std::chrono::steady_clock;

namespace {

constexpr std::int64_t kDay = 86'400 * std::int64_t{kNanosPerSecond};

// Counts what comes, from the moment when the request was accepted until the time is over.
class Watcher : public FrameSink {
 public:
  Watcher(FeedFacts& facts, asio::steady_timer& timer, std::chrono::milliseconds watch)
      : facts_(facts), timer_(timer), watch_(watch) {}

  void on_open() override {
    opened_ = steady_clock::now();
    if (const auto time = client_->server_time()) facts_.server_ahead = *time - now_unix_nanos();
    timer_.expires_after(watch_);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) client_->stop();
    });
  }
  Flow on_frames(std::span<const WsMessage> frames) override {
    for (const WsMessage& frame : frames) {
      if (frame.opcode != Opcode::Text && frame.opcode != Opcode::Binary) continue;
      ++facts_.frames;
      facts_.bytes += frame.size;
      if (!facts_.events_ahead) look_at_clock(frame);
    }
    return Flow::Continue;
  }
  void stops(FeedClient& client) { client_ = &client; }
  [[nodiscard]] std::chrono::nanoseconds watched() const {
    return opened_ ? steady_clock::now() - *opened_ : std::chrono::nanoseconds(0);
  }

 private:
  void look_at_clock(const WsMessage& frame) {
    EventBatch batch;
    const Event& event = decoder_.decode(frame.payload, frame.opcode, batch);
    if (event.verbatim != nullptr && !event.verbatim->when_known) return;
    if (const auto when = to_unix_nanos(event.when)) {
      facts_.events_ahead = *when - now_unix_nanos();
    }
  }

  FeedFacts& facts_;
  asio::steady_timer& timer_;
  std::chrono::milliseconds watch_;
  FeedClient* client_ = nullptr;
  std::optional<steady_clock::time_point> opened_;
  WireDecoder decoder_;
};

void look_at_locks(StoreFacts& facts) {
  std::error_code error;
  fs::directory_iterator entry(facts.directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code unknown;
    const fs::path& path = entry->path();
    if (path.extension() != ".lock" || !fs::is_regular_file(entry->symlink_status(unknown)))
      continue;
    try {
      const UniqueFd fd = open_for_reading(path, Links::Refuse);
      if (is_byte_locked(fd.get(), kLiveByte)) facts.recorded.push_back(path.stem().string());
    } catch (const Error&) {  // nobody can tell; whether the store is ours says another line
    }
  }
  std::sort(facts.recorded.begin(), facts.recorded.end());
}

// As its name says.
std::optional<std::int64_t> start_of(const StoredFile& file) {
  const auto name = parse_tape_name(file.path.filename().string());
  std::tm time{};
  if (!name || ::strptime(name->start.c_str(), "%Y%m%dT%H%M%SZ", &time) == nullptr) {
    return std::nullopt;
  }
  return to_unix_nanos({::timegm(&time), 0});
}

void look_at_last_day(StoreFacts& facts, std::int64_t now) {
  std::int64_t first = now;
  std::int64_t last = now - kDay;
  for (const StoredFile& file : facts.files) {
    const bool live = file.hold == Hold::Live;
    const bool recent = live || (file.time && now - *file.time < kDay);
    if (file.kind != StoredFile::Kind::Tape || !recent) continue;
    facts.bytes_of_last_day += file.bytes;
    last = std::max(last, live ? now : *file.time);
    const std::int64_t start = start_of(file).value_or(now);
    first = std::min(first, std::max(start, now - kDay));
  }
  facts.span_of_last_day = std::chrono::nanoseconds(std::max<std::int64_t>(last - first, 0));
}

}  // namespace

FeedFacts probe_feed(const FeedOptions& options, std::chrono::milliseconds watch) {
  FeedFacts facts;
  facts.endpoint = options.endpoint;
  asio::io_context context(1);
  asio::steady_timer timer(context);
  FeedClient client(context.get_executor(), options);
  Watcher watcher(facts, timer, watch);
  watcher.stops(client);
  std::exception_ptr failure;
  asio::co_spawn(context, client.run(watcher), [&](std::exception_ptr thrown, FeedEnd end) {
    failure = std::move(thrown);
    facts.end = std::move(end);
    facts.watched = watcher.watched();
    timer.cancel();
  });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return facts;
}

StoreFacts look_at_store(const fs::path& directory, std::int64_t now) {
  StoreFacts facts;
  facts.directory = directory;
  struct stat found {};
  const bool missing = ::stat(directory.c_str(), &found) != 0;
  if (missing && errno != ENOENT) {
    facts.kind = StoreFacts::Kind::Unreachable;
    facts.why = system_error("opening", errno).what();
    return facts;
  }
  if (!missing && !S_ISDIR(found.st_mode)) {
    facts.kind = StoreFacts::Kind::Other;
    return facts;
  }
  const fs::path place = missing ? (directory / "..").lexically_normal() : directory;
  std::error_code unknown;
  if (missing && !fs::exists(place, unknown)) {
    facts.kind = StoreFacts::Kind::Unreachable;
    facts.why = "the directory above it is missing, too; make that";
    return facts;
  }
  facts.writable = ::access(place.c_str(), W_OK | X_OK) == 0;
  try {
    facts.space = space_of(place);
    if (missing) return facts;
    facts.kind = StoreFacts::Kind::Directory;
    facts.ours = found.st_uid == ::geteuid();
    facts.mode = found.st_mode & 07777U;
    facts.files = StoreLister(directory).list(now);
  } catch (const Error& error) {
    facts.kind = StoreFacts::Kind::Unreachable;
    facts.why = error.what();
    return facts;
  }
  look_at_locks(facts);
  look_at_last_day(facts, now);
  return facts;
}

}  // namespace smtptape
