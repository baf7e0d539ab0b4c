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
#include <mutex>
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
#include "capture/keep/source_locks.h"
#include "capture/record/clocks.h"
#include "capture/record/disk_threads.h"
#include "capture/record/event_queue.h"
#include "capture/record/workers.h"
#include "capture/watch/control.h"
#include "capture/watch/status_server.h"
#include "store/keep/last_tape.h"
#include "store/keep/store.h"

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
    std::vector<Store::Tape> newest;         // of earlier captures
    std::optional<std::int64_t> last_alive;  // one of them, ns since 1970
    std::unique_ptr<AllowList> filter;
    std::unique_ptr<Subscription> subscription;
    bool told_stalled = false;
    // Its tape can't be written for want of room.
    std::atomic<bool> wants_room = false;
  };

  void add_source(std::size_t index, const Store::NewestTapes& newest);
  [[nodiscard]] RecorderOptions recorder_options(std::size_t index);
  [[nodiscard]] KeeperHooks keeper_hooks();
  void begin(std::size_t index, Now now);

  // on the network thread
  void run_network();
  void open_servers();
  void open_control();
  void renew_control();
  void wait_for_stop();
  void wait_for_hangup();
  void wait_to_be_alive();
  void on_first_open(std::size_t index, Now now);
  void start_time();
  void ask_to_stop();
  void hang_up();
  void tell_service();  // what has changed
  void tell_first_drop(std::size_t index);
  void tell_last_drop(std::size_t index, const EventQueue::Dropped& dropped);
  void say_of(std::size_t index, const std::string& line) const;
  void follow_all();
  void source_ended(std::exception_ptr failure);
  [[nodiscard]] RecorderStatus status() const;
  [[nodiscard]] std::string connected_text() const;
  // While something waits.
  void watch_health();
  void look_at_health();

  // from any thread
  void keep_lock(std::size_t index);
  using Work = std::function<void(TapeSeries&, Now)>;  // done to the tapes of each source
  void on_each(const Work& work);
  void in_turn(const Work& work, const OrderDone& done);
  [[nodiscard]] bool disk_is_full() const;

  void tell_ledger() const;
  [[nodiscard]] CaptureTotals totals() const;

  CaptureOptions options_;
  const SayLine& say_;
  const std::int64_t started_ = this_moment().real;
  const Store store_;
  EventQueue queue_;
  DiskThreads disk_;                    // before the queue it goes: its jobs wake the workers
  boost::asio::io_context context_{1};  // outlives whatever has a timer or a socket
  std::deque<Source> sources_;
  std::shared_ptr<SourceLocks> locks_;        // also of the job that touches them
  std::optional<std::int64_t> last_written_;  // before this one, ns since 1970
  Workers::Recorders recorders_;
  boost::asio::posix::stream_descriptor stop_;
  boost::asio::signal_set hangup_;
  boost::asio::steady_timer time_is_up_;
  boost::asio::steady_timer alive_;
  boost::asio::steady_timer health_;
  bool watches_health_ = false;
  ServiceManager service_;
  std::string told_;  // to it, the last time
  std::optional<StatusServer> status_server_;
  std::optional<ControlServer> control_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Keeper> keeper_;
  std::size_t running_ = 0;  // sources that are followed
  bool time_runs_ = false;
  std::exception_ptr failure_;
};

}  // namespace smtptape
