// What the daemon is told while it runs: through its socket, and by SIGHUP.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/error.h"
#include "capture/daemon.h"

namespace smtptape {

namespace asio = boost::asio;

void Daemon::open_control() {
  ControlHandlers handlers;
  handlers.status = [this] { return status(); };
  handlers.rotate = [this](OrderDone done) {
    in_turn([](TapeSeries& tapes, Now now) { tapes.rotate(now); }, std::move(done));
  };
  handlers.flush = [this](OrderDone done) {
    for (const Source& source : sources_)
      source.subscription->tell_outage();
    in_turn([](TapeSeries& tapes, Now now) { tapes.flush(now); }, std::move(done));
  };
  const auto path = options_.socket.value_or(control_path(options_.store));
  try {
    control_.emplace(context_.get_executor(), path, std::move(handlers));
  } catch (const Error& error) {
    if (options_.socket) throw Error("--socket: " + std::string(error.what()));
    say_(std::string(error.what()) + "; going on without: `smtptape status` can't ask this one");
  }
}

void Daemon::renew_control() {
  std::error_code error;
  const auto path = options_.socket.value_or(control_path(options_.store));
  if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) return;
  if (control_) control_->stop();
  open_control();
}

// Reads the configuration on the keeper's thread: files can be slow.
void Daemon::hang_up() {
  say_("SIGHUP: changing tapes");
  service_.reloading();
  keeper_->post([this] {
    try {
      if (options_.reload) {
        const StoreLimits limits = options_.reload();
        options_.limits = limits;
        keeper_->set_limits(with_headroom(limits, sources_.size()), limits.on_full);
        on_each([limits](TapeSeries& tapes, Now) {
          tapes.set_rotation(
              limits.rotate_size, limits.rotate_interval.count(), limits.rotate_aligned);
        });
      }
    } catch (const Error& error) {
      say_(std::string(error.what()) + "\nthe configuration of before stays in force");
    }
    in_turn([](TapeSeries& tapes, Now now) { tapes.rotate(now); },
            [this](const std::string&) {
              asio::post(context_, [this] { service_.ready(told_ = connected_text()); });
            });
  });
}

void Daemon::on_each(const Work& work) {
  for (std::size_t index = 0; index < recorders_.size(); ++index) {
    workers_->post(index, [work](Recorder& recorder, Now now) { work(recorder.tapes(), now); });
  }
}

namespace {

// An order to all sources: done when the last of them is.
struct SharedOrder {
  std::mutex mutex;
  std::size_t left = 0;
  std::string trouble;
};

}  // namespace

// About everything that has arrived up to now.
void Daemon::in_turn(const Work& work, const OrderDone& done) {
  const auto order = std::make_shared<SharedOrder>();
  order->left = recorders_.size();
  const auto task = [order, work, done](Recorder& recorder, Now now) {
    work(recorder.tapes(), now);
    const std::string trouble = recorder.report().tapes.trouble;
    {
      const std::lock_guard lock(order->mutex);
      if (!trouble.empty()) order->trouble = trouble;
      if (--order->left > 0) return;
    }
    done(order->trouble);
  };
  for (std::size_t index = 0; index < recorders_.size(); ++index)
    workers_->post(index, task, EventQueue::When::InTurn);
}

}  // namespace smtptape
