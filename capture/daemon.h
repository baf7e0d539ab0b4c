// The recorder as one process: the sources' feeds, the queue, the writer, the keeper of the store,
// and those who ask it; put together, run, and ended in order.
//
// Threads: the caller's is the network thread and runs everything here that is not said to be from
// any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/service_manager.h"
#include "capture/capture.h"
#include "capture/feed/subscription.h"
#include "capture/keep/keeper.h"
#include "capture/keep/last_tape.h"
#include "capture/keep/store.h"
#include "capture/record/clocks.h"
#include "capture/record/event_queue.h"
#include "capture/record/sync_thread.h"
#include "capture/record/writer_thread.h"
#include "capture/watch/control.h"
#include "capture/watch/status_server.h"

namespace smtptape {

class Daemon {
 public:
  // Locks the sources.  Throws Error when another recorder has one.
  Daemon(CaptureOptions options, const StopSignal& stop, const SayLine& say);
  ~Daemon() = default;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Once, until it is told to stop or all sources have ended.  Throws as run_capture() does.
  CaptureTotals run();

 private:
  struct Source {
    UniqueFd lock;
    std::optional<LastTape> last;
    std::unique_ptr<AllowList> filter;
    std::unique_ptr<Subscription> subscription;
    // Its tape can't be written for want of room.
    std::atomic<bool> wants_room = false;
  };

  void add_source(std::size_t index);
  [[nodiscard]] RecorderOptions recorder_options(std::size_t index);
  [[nodiscard]] KeeperHooks keeper_hooks();
  void begin(std::size_t index, Moment now);

  // on the network thread
  void run_network();
  void open_servers();
  void open_control();
  void wait_for_stop();
  void wait_for_hangup();
  void wait_to_be_alive();
  void on_first_open(std::size_t index, Moment now);
  void start_time();
  void ask_to_stop();
  void hang_up();
  void tell_service();
  void follow_all();
  void source_ended(std::exception_ptr failure);
  [[nodiscard]] RecorderStatus status() const;
  [[nodiscard]] std::string connected_text() const;

  // from any thread
  using Work =
      std::function<void(Recorder&, Moment)>;  // done to each recorder, on the writer thread
  void on_writer(Work work);
  void in_turn(Work work, OrderDone done);
  [[nodiscard]] bool disk_is_full() const;

  void tell_ledger() const;
  [[nodiscard]] CaptureTotals totals() const;

  CaptureOptions options_;
  const SayLine& say_;
  const std::int64_t started_ = this_moment().real;
  const Store store_;
  SyncThread sync_;
  EventQueue queue_;
  boost::asio::io_context context_{1};  // outlives whatever has a timer or a socket
  std::deque<Source> sources_;
  WriterThread::Recorders recorders_;
  boost::asio::posix::stream_descriptor stop_;
  boost::asio::signal_set hangup_;
  boost::asio::steady_timer time_is_up_;
  boost::asio::steady_timer alive_;
  ServiceManager service_;
  std::optional<StatusServer> status_server_;
  std::optional<ControlServer> control_;
  std::unique_ptr<WriterThread> writer_;
  std::unique_ptr<Keeper> keeper_;
  std::size_t running_ = 0;  // sources that are followed
  bool time_runs_ = false;
  std::exception_ptr failure_;
};

}  // namespace smtptape
