#include "capture/daemon.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "base/error.h"

#include <malloc.h>

namespace smtptape {

namespace asio = boost::asio;

namespace {

// The recorder tells its trouble in words; these two mean that room is all it wants.
bool is_want_of_room(const std::string& trouble) {
  const auto ends_with = [&trouble](int error) {
    return trouble.ends_with(std::generic_category().message(error));
  };
  return ends_with(ENOSPC) || ends_with(EDQUOT);
}

std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "failed";
  }
}

// Of the compressors of all sources together, and of a group at least.
constexpr std::uint64_t kMostWindowBytes = 64 * kMiB;
constexpr std::uint64_t kLeastGroupBytes = kMiB / 2;

// A group is also the window of its compressor: what all of them take together is bounded.
std::uint64_t group_bytes_for(std::uint64_t wanted, std::size_t sources) {
  const std::uint64_t share = std::bit_floor(kMostWindowBytes / sources);
  return std::min(wanted, std::max(share, kLeastGroupBytes));
}

// Large blocks go back to the system as soon as they are free, and few arenas keep small ones: a
// few MiB of them, or each network read would be copied into pages that must be made first.
void give_back_large_blocks() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 512 << 10);
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
#endif
}

}  // namespace

Daemon::Daemon(CaptureOptions options, const StopSignal& stop, const SayLine& say)
    : options_(std::move(options)),
      say_(say),
      store_(options_.store,
             *options_.files,
             options_.group_readable ? WhoReads::Group : WhoReads::Owner),
      queue_(std::max(options_.queue_bytes, 2 * options_.max_frame + kMiB),
             options_.sources.size()),
      disk_(options_.sync_interval),
      locks_(std::make_shared<SourceLocks>(store_)),
      stop_(context_, ::dup(stop.fd())),
      hangup_(context_, SIGHUP),
      time_is_up_(context_),
      alive_(context_),
      health_(context_) {
  queue_.set_hooks({[this](std::size_t index) { tell_first_drop(index); },
                    [this](std::size_t index, const EventQueue::Dropped& dropped) {
                      tell_last_drop(index, dropped);
                    }});
  const Store::NewestTapes newest = store_.newest_tapes();
  last_written_ = Store::last_written(newest);
  for (std::size_t index = 0; index < options_.sources.size(); ++index)
    add_source(index, newest);
  workers_ = std::make_unique<Workers>(
      recorders_, queue_, [this] { asio::post(context_, [this] { ask_to_stop(); }); });
  KeeperOptions keeper;
  keeper.limits = with_headroom(options_.limits, options_.sources.size());
  keeper.on_full = options_.limits.on_full;
  keeper_ = std::make_unique<Keeper>(options_.store, keeper, keeper_hooks(), *options_.files);
}

void Daemon::add_source(std::size_t index, const Store::NewestTapes& newest) {
  const SourceOptions& from = options_.sources[index];
  Source& source = sources_.emplace_back();
  source.last_alive = store_.last_alive(from.name);
  locks_->add(from.name);
  if (const auto found = newest.find(file_name_of_source(from.name)); found != newest.end()) {
    source.newest = found->second;
  }
  source.filter = std::make_unique<AllowList>(from.request, from.honour);
  AllowList* const filter = source.filter->needs_local_help() ? source.filter.get() : nullptr;
  recorders_.push_back(std::make_unique<Recorder>(store_, disk_, recorder_options(index), filter));
  source.subscription = std::make_unique<Subscription>(context_, options_, index, queue_);
  source.subscription->set_hooks({[this, index](Now now) { on_first_open(index, now); },
                                  [this] { tell_service(); },
                                  [this] { watch_health(); },
                                  say_});
}

RecorderOptions Daemon::recorder_options(std::size_t index) {
  const SourceOptions& source = options_.sources[index];
  RecorderOptions to;
  to.source = source.name;
  to.url = source.endpoint.url();
  to.request = to_json(source.request);
  to.writer = "smtptape " + options_.version;
  to.levels = source.levels;
  to.batch_bytes = options_.batch_bytes;
  to.group_bytes = group_bytes_for(options_.group_bytes, options_.sources.size());
  to.rotate_size = options_.limits.rotate_size;
  to.rotate_interval = options_.limits.rotate_interval.count();
  to.rotate_aligned = options_.limits.rotate_aligned;
  to.flush_interval = options_.flush_interval.count();
  if (options_.most_events) to.most_events = *options_.most_events;
  to.say = [this, index](std::string_view line) { say_of(index, std::string(line)); };
  to.on_trouble = [this, index](const std::string& trouble) {
    asio::post(context_, [this] { watch_health(); });
    if (sources_[index].wants_room.exchange(is_want_of_room(trouble))) return;
    if (!trouble.empty()) keeper_->look_now();  // perhaps it can make room
  };
  to.on_new_tape = [this] { keeper_->look_now(); };
  to.before_new_tape = [this, index] { keep_lock(index); };
  to.wake = [this, index] { queue_.post(index, [] {}); };
  const std::vector<Store::Tape>& newest = sources_[index].newest;
  to.first_number = newest.empty() ? 1 : newest.back().name.number + 1;
  return to;
}

KeeperHooks Daemon::keeper_hooks() {
  KeeperHooks hooks;
  hooks.now = [clock = PatientClock(last_written_)]() mutable { return clock.time(this_moment()); };
  hooks.disk_is_full = [this] { return disk_is_full(); };
  hooks.pause = [this](const std::string& why) {
    on_each([why](TapeSeries& tapes, Now now) { tapes.pause(now, why); });
  };
  hooks.resume = [this] { on_each([](TapeSeries& tapes, Now now) { tapes.resume(now); }); };
  hooks.stop = [this](const std::string& why) {
    asio::post(context_, [this, why] {
      if (!failure_) failure_ = std::make_exception_ptr(Error("stopped: " + why, Exit::NoRoom));
      ask_to_stop();
    });
  };
  hooks.say = say_;
  return hooks;
}

bool Daemon::disk_is_full() const {
  return std::any_of(sources_.begin(), sources_.end(), [](const Source& source) {
    return source.wants_room.load();
  });
}

// ---- the network thread ----

CaptureTotals Daemon::run() {
  give_back_large_blocks();
  if (options_.at_the_end == AtTheEnd::TryAgain) {
    for (std::size_t index = 0; index < sources_.size(); ++index)
      begin(index, this_moment());
    start_time();
  }
  keeper_->start();
  open_servers();
  wait_for_stop();
  wait_for_hangup();
  workers_->start(Workers::usual_count(sources_.size()));
  disk_.set_pulse([locks = locks_] { locks->touch(); });
  service_.ready(told_ = connected_text());
  wait_to_be_alive();
  follow_all();
  run_network();

  service_.stopping();
  const std::exception_ptr writing = workers_->join();
  disk_.set_pulse({});
  disk_.run([locks = locks_] { locks->touch(); });
  keeper_->stop();
  keeper_->look_for_the_last_time(options_.limits.retention);
  if (control_) control_->stop();
  if (status_server_) status_server_->stop();
  tell_ledger();
  if (failure_) {
    if (writing) say_(text_of(writing));
    std::rethrow_exception(failure_);
  }
  if (writing) std::rethrow_exception(writing);
  return totals();
}

// Whatever goes wrong with one connection, recording goes on.
void Daemon::run_network() {
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& error) {
      say_(std::string("going on after this: ") + error.what());
    }
  }
}

// What earlier captures left is read by a worker: connecting doesn't wait for it.
void Daemon::begin(std::size_t index, Now now) {
  workers_->post(index, [this, index, opened = arriving(now)](Recorder& recorder, Now) {
    std::optional<LastTape> last = find_last_tape(sources_[index].newest);
    const std::int64_t alive = sources_[index].last_alive.value_or(opened.real);
    if (last && alive <= opened.real) last->last_received = std::max(last->last_received, alive);
    recorder.begin(last, opened);
  });
}

void Daemon::on_first_open(std::size_t index, Now now) {
  locks_->watch(index);
  if (options_.at_the_end == AtTheEnd::Stop) begin(index, now);
  workers_->post(index, [opened = arriving(now)](Recorder& recorder, Now at) {
    recorder.tapes().watch(opened, at);
  });
  start_time();
}

// Of most_time.
void Daemon::start_time() {
  if (!options_.most_time || std::exchange(time_runs_, true)) return;
  time_is_up_.expires_after(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(*options_.most_time));
  time_is_up_.async_wait([this](const boost::system::error_code& error) {
    if (!error) ask_to_stop();
  });
}

void Daemon::open_servers() {
  if (!options_.listen_metrics.empty()) {
    const ListenAddress at = parse_listen_address(options_.listen_metrics, "--listen-metrics");
    with_context("--listen-metrics", [&] {
      status_server_.emplace(context_.get_executor(), at, [this] { return status(); });
    });
    say_("metrics on " + status_server_->url() + "/metrics" +
         (at.loopback ? "" : ": other machines can read them"));
  }
  open_control();
}

void Daemon::wait_for_stop() {
  stop_.async_wait(asio::posix::stream_descriptor::wait_read,
                   [this](const boost::system::error_code& error) {
                     if (!error) ask_to_stop();
                   });
}

void Daemon::wait_for_hangup() {
  hangup_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    hang_up();
    wait_for_hangup();
  });
}

void Daemon::wait_to_be_alive() {
  const auto interval = service_.alive_interval();
  if (!interval) return;
  alive_.expires_after(*interval);
  alive_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    service_.alive();
    service_.status(told_ = connected_text());
    wait_to_be_alive();
  });
}

void Daemon::tell_service() {
  std::string text = connected_text();
  if (text == told_) return;
  told_ = std::move(text);
  service_.status(told_);
}

void Daemon::ask_to_stop() {
  for (const Source& source : sources_)
    source.subscription->stop();
}

void Daemon::follow_all() {
  running_ = sources_.size();
  for (const Source& source : sources_) {
    asio::co_spawn(context_, source.subscription->run(), [this](std::exception_ptr thrown) {
      source_ended(std::move(thrown));
    });
  }
}

void Daemon::source_ended(std::exception_ptr failure) {
  if (failure && !failure_) failure_ = std::move(failure);
  if (--running_ == 0) context_.stop();
}

// On the worker that has the source in hand.
void Daemon::keep_lock(std::size_t index) {
  try {
    if (!locks_->keep(index)) return;
  } catch (const TakenError& taken) {
    asio::post(context_, [this, why = std::string(taken.what())] {
      if (!failure_) failure_ = std::make_exception_ptr(Error(why + "; this one yields"));
      ask_to_stop();
    });
    throw;
  }
  say_of(index, "the lock of " + store_.directory().string() + " was gone: taken anew");
  asio::post(context_, [this] { renew_control(); });
}

}  // namespace smtptape
