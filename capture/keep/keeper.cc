#include "capture/keep/keeper.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/thread_name.h"
#include "base/time_spec.h"

namespace smtptape {

Keeper::Keeper(std::filesystem::path store,
               KeeperOptions options,
               KeeperHooks hooks,
               FileCalls& calls)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      calls_(calls),
      lister_(std::move(store)) {
}

Keeper::~Keeper() {
  stop();
}

void Keeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Keeper::start() {
  look_now_ = true;
  thread_ = std::thread([this] { work(); });
}

void Keeper::look_now() {
  {
    const std::lock_guard lock(mutex_);
    look_now_ = true;
  }
  changed_.notify_all();
}

void Keeper::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    look_now_ = true;
  }
  changed_.notify_all();
}

void Keeper::set_limits(const RetentionLimits& limits, OnFull on_full) {
  options_.limits = limits;
  options_.on_full = on_full;
}

KeeperReport Keeper::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

void Keeper::work() {
  name_this_thread("tape-keeper");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, options_.interval, [this] { return stopped_ || look_now_; });
    if (stopped_) return;
    look_now_ = false;
    const std::vector<std::function<void()>> tasks = std::move(tasks_);
    tasks_.clear();
    lock.unlock();
    for (const std::function<void()>& task : tasks)
      task();
    look();
    lock.lock();
  }
}

namespace {

const Unmet* lacks_room(const PruneReport& report) {
  const auto& unmet = report.plan.unmet;
  const auto found = std::find_if(unmet.begin(), unmet.end(), [](const Unmet& limit) {
    return limit.limit == Reason::KeepFree;
  });
  return found == unmet.end() ? nullptr : &*found;
}

}  // namespace

void Keeper::look() {
  try {
    look_and_prune();
  } catch (const Error& error) {
    tell_troubles({error.what()});
  }
}

void Keeper::look_and_prune() {
  PruneReport report = prune(lister_, options_.limits, hooks_.now(), DryRun::No, calls_);
  account(report);
  std::set<std::string> troubles(report.removal.failed.begin(), report.removal.failed.end());
  const bool full = !paused_ && hooks_.disk_is_full();
  if (options_.on_full == OnFull::DeleteOldest && (full || lacks_room(report))) {
    make_room(report, full);
    troubles.insert(report.removal.failed.begin(), report.removal.failed.end());
  }
  tell_troubles(std::move(troubles));
  if (const Unmet* const unmet = lacks_room(report)) return without_room(text_of(*unmet));
  if (options_.on_full == OnFull::Stop && full) return without_room("the disk is full");
  if (std::exchange(paused_, false)) hooks_.resume();
}

// Each once, and again when it was over and has come back.
void Keeper::tell_troubles(std::set<std::string> troubles) {
  for (const std::string& trouble : troubles) {
    if (!troubles_.contains(trouble)) hooks_.say(trouble);
  }
  troubles_ = std::move(troubles);
}

void Keeper::look_for_the_last_time(RetentionLimits limits) {
  limits.keep_free.reset();
  if (!limits.any()) return;
  try {
    const PruneReport report = prune(lister_, limits, hooks_.now(), DryRun::No, calls_);
    account(report);
    tell_troubles({report.removal.failed.begin(), report.removal.failed.end()});
  } catch (const Error& error) {
    hooks_.say(error.what());
  }
}

// However young.  For a disk that is full whatever keep-free says (a quota), one tape a look.
void Keeper::make_room(PruneReport& report, bool full) {
  RetentionLimits limits = options_.limits;
  limits.keep_at_least = std::chrono::nanoseconds(0);
  if (full && report.plan.after.tapes > 0) {
    limits.max_tapes =
        std::min(limits.max_tapes.value_or(report.plan.after.tapes), report.plan.after.tapes - 1);
  }
  report = prune(lister_, limits, hooks_.now(), DryRun::No, calls_);
  for (Deletion& deletion : report.removal.deleted)
    deletion.reason = Reason::OnFull;
  account(report);
  if (full) hooks_.resume();  // there is room: let it try at once
}

void Keeper::without_room(const std::string& why) {
  switch (options_.on_full) {
    case OnFull::Stop:
      if (!std::exchange(stop_asked_, true)) hooks_.stop(why);
      return;
    case OnFull::Drop:
    case OnFull::DeleteOldest:
      if (!std::exchange(paused_, true)) hooks_.pause(why);
      return;
  }
}

void Keeper::account(const PruneReport& report) {
  for (const Deletion& deletion : report.removal.deleted) {
    hooks_.say("deleted " + deletion.path.filename().string() + ", " + show_size(deletion.bytes) +
               ", " + show_age(deletion.age) + " old: " + std::string(name_of(deletion.reason)) +
               (deletion.read ? "; somebody is reading it" : ""));
  }
  const std::lock_guard lock(mutex_);
  for (const Deletion& deletion : report.removal.deleted)
    report_.pruned_bytes[std::string(name_of(deletion.reason))] += deletion.bytes;
  report_.totals = report.plan.after;
  report_.free_bytes = report.space.free;
  report_.wanted_free_bytes = wanted_free(options_.limits, report.space);
}

}  // namespace smtptape
