// Batches that come back when nobody holds them any more, so that their memory is used again.  From
// any thread; batches may outlive the pool.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "format/event.h"

namespace smtptape {

class BatchPool {
 public:
  [[nodiscard]] std::shared_ptr<EventBatch> take() {
    std::unique_ptr<EventBatch> batch = spare_->take();
    if (batch == nullptr) batch = std::make_unique<EventBatch>();
    const auto give_back = [spare = spare_](EventBatch* used) {
      used->clear();
      spare->give(std::unique_ptr<EventBatch>(used));
    };
    return {batch.release(), give_back};
  }

 private:
  class Spare {
   public:
    std::unique_ptr<EventBatch> take() {
      const std::lock_guard lock(mutex_);
      if (batches_.empty()) return nullptr;
      std::unique_ptr<EventBatch> batch = std::move(batches_.back());
      batches_.pop_back();
      return batch;
    }
    void give(std::unique_ptr<EventBatch> batch) {
      const std::lock_guard lock(mutex_);
      if (batches_.size() < kMost) batches_.push_back(std::move(batch));
    }

   private:
    static constexpr std::size_t kMost = 4;
    std::mutex mutex_;
    std::vector<std::unique_ptr<EventBatch>> batches_;
  };

  std::shared_ptr<Spare> spare_ = std::make_shared<Spare>();
};

}  // namespace smtptape
