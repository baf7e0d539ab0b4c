#include "capture/capture.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/error.h"
#include "base/service_manager.h"
#include "base/time_spec.h"
#include "capture/capture_clock.h"
#include "capture/control.h"
#include "capture/event_queue.h"
#include "capture/last_tape.h"
#include "capture/status_server.h"
#include "capture/store.h"
#include "capture/subscription.h"
#include "capture/writer_thread.h"

namespace smtptape {

namespace asio = boost::asio;

namespace {

std::string plural(std::uint64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

const Loss& loss_of(const std::array<Loss, kGapCauses>& losses, GapCause cause) {
  return losses[static_cast<std::size_t>(cause) - 1];
}

// " (queue full 3, oversize 1)", or nothing.
std::string lost_by_cause(const Ledger& ledger) {
  std::string out;
  for (const GapCause cause : {GapCause::QueueFull, GapCause::Disk, GapCause::Oversize}) {
    const Loss& loss = loss_of(ledger.lost, cause);
    if (loss.count == 0) continue;
    out += (out.empty() ? " (" : ", ") + std::string(gap_cause_name(cause)) + " " +
           std::to_string(loss.count);
  }
  return out.empty() ? out : out + ")";
}

// The recorder tells its trouble in words; these two mean that room is all it wants.
bool is_want_of_room(const std::string& trouble) {
  const auto ends_with = [&trouble](int error) {
    return trouble.ends_with(std::generic_category().message(error));
  };
  return ends_with(ENOSPC) || ends_with(EDQUOT);
}

// The tapes that are being written grow until they are full: room for them is kept, so that the
// store is never larger than it may be.
RetentionLimits with_headroom(const StoreLimits& limits, std::uint64_t sources) {
  RetentionLimits retention = limits.retention;
  if (!retention.max_bytes) return retention;
  const std::uint64_t last_batch_and_end = limits.rotate_size / 8 + kMiB / 4;
  const std::uint64_t headroom = sources * (limits.rotate_size + last_batch_and_end);
  retention.max_bytes = std::max(*retention.max_bytes - std::min(*retention.max_bytes, headroom),
                                 *retention.max_bytes / 4);
  return retention;
}

void choose_names(CaptureOptions& options) {
  for (SourceOptions& source : options.sources) {
    if (source.name.empty()) source.name = default_source_name(source.endpoint);
  }
  for (std::size_t i = 0; i < options.sources.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (options.sources[i].name != options.sources[j].name) continue;
      throw UsageError("two sources are called " + options.sources[i].name +
                       ": give each a name of its own");
    }
  }
}

// ---- the daemon ----

class Daemon {
 public:
  Daemon(CaptureOptions options, const StopSignal& stop, const SayLine& say);
  ~Daemon() = default;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  CaptureTotals run();

 private:
  struct Source {
    UniqueFd lock;
    std::optional<LastTape> last;
    std::unique_ptr<AllowList> filter;
    std::unique_ptr<Subscription> subscription;
  };

  void add_source(std::size_t index);
  [[nodiscard]] RecorderOptions recorder_options(std::size_t index) const;
  [[nodiscard]] KeeperHooks keeper_hooks();
  void begin(std::size_t index, std::int64_t now);

  // on the network thread
  void open_servers();
  void open_control();
  void wait_for_stop();
  void wait_for_hangup();
  void wait_to_be_alive();
  void on_first_open(std::size_t index, std::int64_t now);
  void start_time();
  void ask_to_stop();
  void hang_up();
  void tell_service();
  void follow_all();
  void source_ended(std::exception_ptr failure);
  [[nodiscard]] RecorderStatus status() const;
  [[nodiscard]] std::string connected_text() const;

  // from any thread
  void on_writer(std::function<void(Recorder&, std::int64_t)> work, OrderDone done);
  [[nodiscard]] bool disk_is_full() const;

  void tell_ledger() const;
  [[nodiscard]] CaptureTotals totals() const;

  CaptureOptions options_;
  const SayLine& say_;
  const std::int64_t started_ = read_clocks().realtime;
  const CaptureClock clock_;
  const Store store_;
  SyncThread sync_;
  EventQueue queue_;
  std::vector<Source> sources_;
  WriterThread::Recorders recorders_;
  asio::io_context context_{1};
  asio::posix::stream_descriptor stop_;
  asio::signal_set hangup_;
  asio::steady_timer time_is_up_;
  asio::steady_timer alive_;
  ServiceManager service_;
  std::optional<StatusServer> status_server_;
  std::optional<ControlServer> control_;
  std::unique_ptr<WriterThread> writer_;
  std::unique_ptr<Keeper> keeper_;
  std::size_t running_ = 0;  // sources that are followed
  bool time_runs_ = false;
  std::exception_ptr failure_;
};

Daemon::Daemon(CaptureOptions options, const StopSignal& stop, const SayLine& say)
    : options_(std::move(options)),
      say_(say),
      store_(options_.store,
             system_file_calls(),
             options_.group_readable ? WhoReads::Group : WhoReads::Owner),
      sync_(options_.sync_interval),
      queue_(std::max(options_.queue_bytes, 2 * options_.max_frame + kMiB),
             options_.sources.size()),
      stop_(context_, ::dup(stop.fd())),
      hangup_(context_, SIGHUP),
      time_is_up_(context_),
      alive_(context_) {
  for (std::size_t index = 0; index < options_.sources.size(); ++index)
    add_source(index);
  writer_ = std::make_unique<WriterThread>(
      recorders_, queue_, clock_, [this] { asio::post(context_, [this] { ask_to_stop(); }); });
  KeeperOptions keeper;
  keeper.limits = with_headroom(options_.limits, options_.sources.size());
  keeper.on_full = options_.limits.on_full;
  keeper_ = std::make_unique<Keeper>(options_.store, keeper, keeper_hooks());
}

void Daemon::add_source(std::size_t index) {
  const SourceOptions& from = options_.sources[index];
  Source& source = sources_.emplace_back();
  source.lock = store_.lock_source(from.name);
  source.last = find_last_tape(store_, from.name);
  source.filter = std::make_unique<AllowList>(from.request, from.honour);
  AllowList* const filter = source.filter->needs_local_help() ? source.filter.get() : nullptr;
  recorders_.push_back(std::make_unique<Recorder>(store_, sync_, recorder_options(index), filter));
  source.subscription = std::make_unique<Subscription>(context_, options_, index, queue_, clock_);
  source.subscription->set_hooks({[this, index](std::int64_t now) { on_first_open(index, now); },
                                  [this] { tell_service(); },
                                  say_});
}

RecorderOptions Daemon::recorder_options(std::size_t index) const {
  const SourceOptions& source = options_.sources[index];
  RecorderOptions to;
  to.source = source.name;
  to.url = source.endpoint.url();
  to.request = to_json(source.request);
  to.writer = "smtptape " + options_.version;
  to.levels = source.levels;
  to.batch_bytes = options_.batch_bytes;
  to.group_bytes = options_.group_bytes;
  to.rotate_size = options_.limits.rotate_size;
  to.rotate_interval = options_.limits.rotate_interval.count();
  to.rotate_aligned = options_.limits.rotate_aligned;
  to.flush_interval = options_.flush_interval.count();
  if (options_.most_events) to.most_events = *options_.most_events;
  to.say = [this, name = source.name](std::string_view line) {
    say_(options_.sources.size() > 1 ? name + ": " + std::string(line) : std::string(line));
    keeper_->look_now();  // perhaps it can make room
  };
  to.on_new_tape = [this] { keeper_->look_now(); };
  return to;
}

KeeperHooks Daemon::keeper_hooks() {
  KeeperHooks hooks;
  hooks.now = [this] { return clock_.now(); };
  hooks.disk_is_full = [this] { return disk_is_full(); };
  hooks.pause = [this](const std::string& why) {
    on_writer([why](Recorder& recorder, std::int64_t now) { recorder.pause(now, why); }, {});
  };
  hooks.resume = [this] {
    on_writer([](Recorder& recorder, std::int64_t now) { recorder.resume(now); }, {});
  };
  hooks.stop = [this](const std::string& why) {
    asio::post(context_, [this, why] {
      if (!failure_) failure_ = std::make_exception_ptr(Error("stopped: " + why));
      ask_to_stop();
    });
  };
  hooks.say = say_;
  return hooks;
}

bool Daemon::disk_is_full() const {
  const std::vector<RecorderReport> reports = writer_->reports();
  return std::any_of(reports.begin(), reports.end(), [](const RecorderReport& report) {
    return is_want_of_room(report.trouble);
  });
}

// ---- the network thread ----

CaptureTotals Daemon::run() {
  if (options_.at_the_end == AtTheEnd::TryAgain) {
    for (std::size_t index = 0; index < sources_.size(); ++index)
      begin(index, clock_.now());
    start_time();
  }
  keeper_->start();
  open_servers();
  wait_for_stop();
  wait_for_hangup();
  writer_->start();
  service_.ready(connected_text());
  wait_to_be_alive();
  follow_all();
  context_.run();

  service_.stopping();
  keeper_->stop();
  const std::exception_ptr writing = writer_->join();
  if (control_) control_->stop();
  if (status_server_) status_server_->stop();
  tell_ledger();
  if (writing) std::rethrow_exception(writing);
  if (failure_) std::rethrow_exception(failure_);
  return totals();
}

void Daemon::begin(std::size_t index, std::int64_t now) {
  recorders_[index]->begin(sources_[index].last, now);
}

void Daemon::on_first_open(std::size_t index, std::int64_t now) {
  if (options_.at_the_end == AtTheEnd::Stop) {
    writer_->post(
        [this, index, now](WriterThread::Recorders&, std::int64_t) { begin(index, now); });
  }
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
    status_server_.emplace(context_.get_executor(), at, [this] { return status(); });
    say_("metrics on " + status_server_->url() + "/metrics" +
         (at.loopback ? "" : ": other machines can read them"));
  }
  open_control();
}

void Daemon::open_control() {
  ControlHandlers handlers;
  handlers.status = [this] { return status(); };
  handlers.rotate = [this](OrderDone done) {
    on_writer([](Recorder& recorder, std::int64_t now) { recorder.rotate(now); }, std::move(done));
  };
  handlers.flush = [this](OrderDone done) {
    on_writer([](Recorder& recorder, std::int64_t now) { recorder.flush(now); }, std::move(done));
  };
  const auto path = options_.socket.value_or(control_path(options_.store));
  try {
    control_.emplace(context_.get_executor(), path, std::move(handlers));
  } catch (const Error& error) {
    if (options_.socket) throw;
    say_(std::string(error.what()) + "; going on without: `smtptape status` can't ask this one");
  }
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

// Reads the configuration on the keeper's thread: files can be slow.
void Daemon::hang_up() {
  say_("SIGHUP: changing tapes");
  service_.reloading();
  keeper_->post([this] {
    try {
      if (options_.reload) {
        const StoreLimits limits = options_.reload();
        keeper_->set_limits(with_headroom(limits, sources_.size()), limits.on_full);
        on_writer(
            [limits](Recorder& recorder, std::int64_t) {
              recorder.set_rotation(
                  limits.rotate_size, limits.rotate_interval.count(), limits.rotate_aligned);
            },
            {});
      }
    } catch (const Error& error) {
      say_(std::string(error.what()) + "\nthe configuration of before stays in force");
    }
    on_writer([](Recorder& recorder, std::int64_t now) { recorder.rotate(now); },
              [this](const std::string&) {
                asio::post(context_, [this] { service_.ready(connected_text()); });
              });
  });
}

void Daemon::wait_to_be_alive() {
  const auto interval = service_.alive_interval();
  if (!interval) return;
  alive_.expires_after(*interval);
  alive_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    service_.alive();
    service_.status(connected_text());
    wait_to_be_alive();
  });
}

void Daemon::tell_service() {
  service_.status(connected_text());
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

void Daemon::on_writer(std::function<void(Recorder&, std::int64_t)> work, OrderDone done) {
  writer_->post([work = std::move(work), done = std::move(done)](WriterThread::Recorders& recorders,
                                                                 std::int64_t now) {
    for (const auto& recorder : recorders)
      work(*recorder, now);
    std::string trouble;
    for (const auto& recorder : recorders) {
      if (!recorder->is_writing()) trouble = recorder->report().trouble;
    }
    if (done) done(trouble);
  });
}

std::string Daemon::connected_text() const {
  const auto connected = std::count_if(sources_.begin(), sources_.end(), [](const Source& source) {
    return source.subscription->is_connected();
  });
  std::string text =
      std::to_string(connected) + " of " + plural(sources_.size(), "source") + " connected";
  for (const RecorderReport& report : writer_->reports()) {
    if (!report.trouble.empty()) return text + "; " + report.trouble;
  }
  return text;
}

RecorderStatus Daemon::status() const {
  RecorderStatus status;
  status.version = options_.version;
  status.started = started_;
  status.now = clock_.now();
  const std::vector<RecorderReport> reports = writer_->reports();
  for (std::size_t index = 0; index < sources_.size(); ++index) {
    SourceStatus& source = status.sources.emplace_back();
    sources_[index].subscription->tell(source);
    const RecorderReport& report = reports[index];
    source.ledger = report.ledger;
    source.received_bytes = report.bytes;
    source.last_event_at = report.last_event_at;
    source.receive_delay = report.delay;
    source.open_sessions = report.open_sessions;
    source.writing = report.trouble.empty();
    source.disk_trouble = report.trouble;
    source.write_errors = report.write_errors;
    source.tape = report.tape;
    source.tape_bytes = report.tape_bytes;
    source.tapes_sealed = report.tapes_sealed;
  }
  const KeeperReport kept = keeper_->report();
  status.store = options_.store.string();
  status.store_bytes = kept.totals.bytes;
  status.store_free_bytes = kept.free_bytes;
  status.store_oldest = kept.totals.oldest;
  for (const auto& [reason, bytes] : kept.pruned_bytes)
    status.pruned.push_back({reason, bytes});
  status.queue_limit = queue_.most_bytes();
  status.syncs = sync_.durations();
  for (const RecorderReport& report : reports)
    status.flushes += report.flushes;
  return status;
}

// ---- the end ----

CaptureTotals Daemon::totals() const {
  CaptureTotals all;
  for (const auto& recorder : recorders_) {
    all.ledger += recorder->totals().ledger;
    all.tapes += recorder->totals().tapes;
    all.bytes += recorder->totals().bytes;
  }
  return all;
}

void Daemon::tell_ledger() const {
  const bool any_open = std::any_of(sources_.begin(), sources_.end(), [](const Source& source) {
    return source.subscription->was_open();
  });
  if (!any_open && options_.at_the_end == AtTheEnd::Stop) return;
  if (sources_.size() > 1) {
    for (std::size_t index = 0; index < sources_.size(); ++index)
      say_(options_.sources[index].name + ": " +
           ledger_line(recorders_[index]->totals(), store_.directory()));
  }
  say_(ledger_line(totals(), store_.directory()));
}

}  // namespace

std::string default_source_name(const Endpoint& endpoint) {
  const std::string& host = endpoint.host;
  if (!endpoint.is_loopback()) return host;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return host;
  return name.data();
}

CaptureTotals run_capture(CaptureOptions options, const StopSignal& stop, const SayLine& say) {
  choose_names(options);
  return Daemon(std::move(options), stop, say).run();
}

std::string ledger_line(const CaptureTotals& totals, const std::filesystem::path& store) {
  const Ledger& ledger = totals.ledger;
  std::string out =
      std::to_string(ledger.received) + " received = " + std::to_string(ledger.stored) +
      " stored + " + std::to_string(ledger.not_selected) + " not selected + " +
      std::to_string(ledger.total_lost().count) + " lost" + lost_by_cause(ledger) + "; ";
  const Loss& lag = loss_of(ledger.upstream, GapCause::Lag);
  if (lag.gaps > 0) out += "lag: " + std::to_string(lag.count) + " missed upstream; ";
  const Loss& off = loss_of(ledger.upstream, GapCause::Disconnected);
  if (off.gaps > 0) out += "disconnected " + plural(off.gaps, "time") + "; ";
  return out + plural(totals.tapes, "tape") + ", " + show_size(totals.bytes) + " in " +
         store.string();
}

}  // namespace smtptape
