#include "format/tape/group_output.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>

#include "base/hash.h"
#include "base/task_lane.h"
#include "format/limits.h"
#include "format/tape/part_encoder.h"

namespace smtptape {

namespace {

// The window covers the group: that, not long-distance matching, is what finds templates again.
int window_log_for(std::uint64_t group_bytes) {
  const auto needed = static_cast<int>(std::bit_width(std::max<std::uint64_t>(group_bytes, 1) - 1));
  return std::clamp(needed, 18, kMostWindowLog - 1);
}

// Metadata and columns are a small part of a group and get a small window.  One level less makes
// them 1 % smaller in two thirds of the time: their repetitions are short.
constexpr int kColumnWindowLog = 23;
constexpr int kColumnLevelsLess = 1;

class Interleaved : public GroupOutput {
 public:
  Interleaved(const TapeHeader& header, const TapeOptions& options, GroupPlace& place)
      : place_(place),
        batch_(header.origin),
        encoder_(header, Part::Everything, options.level, window_log_for(options.group_bytes)) {}

  BatchBuilder& batch() override { return batch_; }

  void end_batch(std::uint32_t group, std::uint32_t number) override {
    if (number == 0) {
      began_ = place_.offset();
      encoder_.begin_group(group);
      hashed_.reset();
    }
    encoder_.add(batch_, number, hashed_);
    encoder_.flush(hashed_);
    batch_.clear();
  }

  void end_group(GroupBuilder::Gathered gathered) override {
    encoder_.end(hashed_);
    gathered.index.offset = began_;
    gathered.index.bytes = place_.offset() - began_;
    gathered.index.column_raw_bytes = encoder_.raw_bytes();
    gathered.index.hash = hashed_.value();
    place_.end_group(std::move(gathered));
  }

  void settle() override {}

 private:
  // On the way to the place.
  class Hashed : public ByteSink {
   public:
    explicit Hashed(GroupPlace& place) : place_(place) {}
    void reset() { hasher_.reset(); }
    void write(std::string_view bytes) override {
      hasher_.add(bytes);
      place_.write(bytes);
    }
    [[nodiscard]] std::uint64_t value() const { return hasher_.value(); }

   private:
    GroupPlace& place_;
    Hasher hasher_;
  };

  GroupPlace& place_;
  Hashed hashed_{place_};
  BatchBuilder batch_;
  PartEncoder encoder_;
  std::uint64_t began_ = 0;
};

// One half of the batches of a tape, on a thread of its own.
class PartLane {
 public:
  PartLane(const char* name, const TapeHeader& header, Part part, int level, int window_log)
      : encoder_(header, part, level, window_log), lane_(name) {}

  struct Half {
    std::string bytes;
    std::uint64_t raw_bytes = 0;
  };

  TaskLane::Ticket add(BatchBuilder& batch, std::uint32_t group, std::uint32_t number) {
    return lane_.add([this, &batch, group, number] {
      if (number == 0) encoder_.begin_group(group);
      encoder_.add(batch, number, ready_);
    });
  }
  TaskLane::Ticket end_group(Half& to) {
    return lane_.add([this, &to] {
      encoder_.end(ready_);
      to = {ready_.take(), encoder_.raw_bytes()};
    });
  }
  void wait(TaskLane::Ticket ticket) { lane_.wait(ticket); }

 private:
  PartEncoder encoder_;
  StringSink ready_;
  TaskLane lane_;  // last: it uses the others
};

class TwoFrames : public GroupOutput {
 public:
  TwoFrames(const TapeHeader& header, const TapeOptions& options, GroupPlace& place)
      : place_(place),
        slots_{Slot(header.origin), Slot(header.origin), Slot(header.origin)},
        columns_("columns",
                 header,
                 Part::Columns,
                 std::max(options.level - kColumnLevelsLess, 1),
                 kColumnWindowLog),
        payload_(
            "payload", header, Part::Payload, options.level, window_log_for(options.group_bytes)),
        ends_("group ends") {}

  BatchBuilder& batch() override { return slots_[collecting_].batch; }

  void end_batch(std::uint32_t group, std::uint32_t number) override {
    Slot& slot = slots_[collecting_];
    slot.columns = columns_.add(slot.batch, group, number);
    slot.payload = payload_.add(slot.batch, group, number);
    collecting_ = (collecting_ + 1) % slots_.size();
    Slot& next = slots_[collecting_];
    columns_.wait(next.columns);
    payload_.wait(next.payload);
    next.batch.clear();
  }

  // One group may end while the next is collected, no more.
  void end_group(GroupBuilder::Gathered gathered) override {
    ends_.wait(ended_);
    ending_.gathered = std::move(gathered);
    ending_.columns_ended = columns_.end_group(ending_.columns);
    ending_.payload_ended = payload_.end_group(ending_.payload);
    ended_ = ends_.add([this] { write_group(); });
  }

  void settle() override { ends_.wait(ended_); }

 private:
  struct Slot {
    explicit Slot(const Origin& origin) : batch(origin) {}
    BatchBuilder batch;
    TaskLane::Ticket columns = 0;  // until when they need it
    TaskLane::Ticket payload = 0;
  };
  struct Ending {
    GroupBuilder::Gathered gathered;
    PartLane::Half columns;
    PartLane::Half payload;
    TaskLane::Ticket columns_ended = 0;
    TaskLane::Ticket payload_ended = 0;
  };

  void write_group() {
    columns_.wait(ending_.columns_ended);
    payload_.wait(ending_.payload_ended);
    GroupIndex& index = ending_.gathered.index;
    index.offset = place_.offset();
    index.column_bytes = ending_.columns.bytes.size();
    index.bytes = index.column_bytes + ending_.payload.bytes.size();
    index.column_raw_bytes = ending_.columns.raw_bytes;
    index.payload_raw_bytes = ending_.payload.raw_bytes;
    Hasher hasher;
    for (PartLane::Half* half : {&ending_.columns, &ending_.payload}) {
      hasher.add(half->bytes);
      place_.write(half->bytes);
      half->bytes = {};
    }
    index.hash = hasher.value();
    place_.end_group(std::move(ending_.gathered));
  }

  GroupPlace& place_;
  // In turn: two may wait or be compressed while the third collects records.
  std::array<Slot, 3> slots_;
  std::size_t collecting_ = 0;
  Ending ending_;
  TaskLane::Ticket ended_ = 0;
  PartLane columns_;
  PartLane payload_;
  TaskLane ends_;  // last: it uses the others
};

}  // namespace

std::unique_ptr<GroupOutput> make_group_output(const TapeHeader& header,
                                               const TapeOptions& options,
                                               GroupPlace& place) {
  if (header.layout == Layout::TwoFrames) {
    return std::make_unique<TwoFrames>(header, options, place);
  }
  return std::make_unique<Interleaved>(header, options, place);
}

}  // namespace smtptape
