// The plug is pulled at every moment of a recording: what was synced is there, and nothing that is
// read is wrong.
#include "tests/support/power_loss.h"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"
#include "capture/record/recorder.h"
#include "format/tape/tape_reader.h"
#include "format/wire/wire.h"
#include "tests/capture/record/numbered_frames.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/trial_figures.h"

namespace smtptape {
namespace {

constexpr std::size_t kEvents = 33;
constexpr std::int64_t kStep = 250'000'000;

// A recording with three tapes, several groups each, and what was done to the disk meanwhile.
class RecordedNight {
 public:
  RecordedNight() {
    const TemporaryDirectory directory;
    const Store store(directory.path(), disk_);
    DiskThreads sync(std::chrono::hours(1), 0);  // by hand, below
    RecorderOptions options;
    options.source = "mta";
    options.batch_bytes = 4000;
    options.group_bytes = 12'000;
    options.rotate_interval = 11 * kStep;
    Recorder recorder(store, sync, options, nullptr);
    recorder.begin(LastTape{}, arriving(at(kStart)));
    for (std::size_t i = 0; i < kEvents; ++i) {
      const std::int64_t now = kStart + static_cast<std::int64_t>(i) * kStep;
      frames_.push_back(event_of_size(1800));
      record_on_time(recorder, chunk_of({frames_.back()}, now));
      recorder.tick(at(now));
      if (i % 5 == 4) {
        sync.sync_all();
        note_synced(i);
      }
    }
    recorder.finish(at(kStart + kEvents * kStep));
    operations_ = disk_.operations();
    synced_.emplace_back(operations_.size(), kEvents);
  }

  [[nodiscard]] const std::vector<DiskOperation>& operations() const { return operations_; }
  [[nodiscard]] const std::string& frame(std::uint64_t sequence) const {
    return frames_.at(sequence - 1);
  }
  // How many events are on the disk for certain after that many operations: P2 allows the flush
  // interval (4 events of a second) before the last sync.
  [[nodiscard]] std::uint64_t certain_after(std::size_t operations) const {
    std::uint64_t certain = 0;
    for (const auto& [at, events] : synced_) {
      if (at <= operations) certain = events;
    }
    return certain;
  }

 private:
  void note_synced(std::size_t last) {
    constexpr std::size_t kFlushInterval = 4;
    const std::size_t events = last + 1 > kFlushInterval ? last + 1 - kFlushInterval : 0;
    synced_.emplace_back(disk_.operations().size(), events);
  }

  FaultyDisk disk_;
  std::vector<std::string> frames_;
  std::vector<DiskOperation> operations_;
  std::vector<std::pair<std::size_t, std::uint64_t>> synced_;
};

class PowerLossTest : public testing::Test {
 protected:
  // Opens what is on the disk; false after a failure.
  void expect_sound(const DiskContent& content, std::size_t operations) {
    ++states_;
    std::set<std::uint64_t> found;
    for (const auto& [name, bytes] : content) {
      if (bytes.empty()) continue;
      StringSource source(bytes);
      TapeReader reader(source, name);
      EventBatch batch;
      try {
        while (reader.next(batch)) {
          for (const Event& event : batch.events) {
            frame_.clear();
            append_frame(frame_, event);
            if (frame_ != night_.frame(event.sequence)) ++wrong_;
            if (!found.insert(event.sequence).second) ++wrong_;
          }
        }
      } catch (const Error&) {
        ++unreadable_;  // the header and everything behind it are gone: never synced
      }
    }
    const std::uint64_t certain = night_.certain_after(operations);
    for (std::uint64_t sequence = 1; sequence <= certain; ++sequence)
      missing_ += found.contains(sequence) ? 0U : 1U;
    most_lost_ =
        std::max(most_lost_, certain > found.size() ? certain - found.size() : std::uint64_t{0});
  }

  void expect_sound_with(const PowerLoss& loss,
                         const std::vector<std::size_t>& kept,
                         std::size_t operations) {
    for (std::size_t names = 0; names <= loss.unsynced_names(); ++names)
      expect_sound(loss.state(kept, names), operations);
  }

  [[nodiscard]] static std::vector<std::size_t> everything(const PowerLoss& loss) {
    return std::vector<std::size_t>(loss.unsynced().size(), PowerLoss::kPage);
  }

  void finish(const char* trial) {
    EXPECT_EQ(wrong_, 0U) << "events that were never sent so, or twice";
    EXPECT_EQ(missing_, 0U) << "events that were synced";
    TrialFigures figures(trial);
    figures.add("states opened", states_);
    figures.add("wrong events shown", wrong_);
    figures.add("synced events missing", missing_);
  }

  RecordedNight night_;
  std::string frame_;
  std::uint64_t states_ = 0;
  std::uint64_t wrong_ = 0;
  std::uint64_t missing_ = 0;
  std::uint64_t unreadable_ = 0;
  std::uint64_t most_lost_ = 0;
};

TEST_F(PowerLossTest, AtEveryMomentWithEachPieceOrPairMissingOrTorn) {
  const std::span<const DiskOperation> operations = night_.operations();
  for (std::size_t count = 0; count <= operations.size(); ++count) {
    const PowerLoss loss(operations.first(count));
    const std::vector<std::size_t> all = everything(loss);
    expect_sound_with(loss, all, count);
    expect_sound_with(loss, std::vector<std::size_t>(all.size(), 0), count);
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::vector<std::size_t> kept = all;
      for (std::size_t torn = 0; torn < PowerLoss::kPage; torn += PowerLoss::kSector) {
        kept[i] = torn;
        expect_sound_with(loss, kept, count);
      }
      kept[i] = 0;
      for (std::size_t j = i + 1; j < all.size(); ++j) {
        kept[j] = 0;
        expect_sound_with(loss, kept, count);
        kept[j] = all[j];
      }
    }
  }
  finish("power_loss");
}

TEST_F(PowerLossTest, WithAnyPiecesMissing) {
  const std::span<const DiskOperation> operations = night_.operations();
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const std::size_t count = random() % (operations.size() + 1);
    const PowerLoss loss(operations.first(count));
    std::vector<std::size_t> kept = everything(loss);
    for (std::size_t& bytes : kept)
      bytes = random() % 3 == 0 ? random() % 9 * PowerLoss::kSector : bytes;
    expect_sound(loss.state(kept, random() % (loss.unsynced_names() + 1)), count);
  }
  finish("power_loss_subsets");
}

// The model itself: a recorder that didn't sync would not pass.
TEST_F(PowerLossTest, WouldNoticeASyncThatIsNotThere) {
  std::vector<DiskOperation> operations = night_.operations();
  std::erase_if(operations, [](const DiskOperation& operation) {
    return operation.kind == DiskOperation::Kind::Sync;
  });
  const PowerLoss loss(operations);
  expect_sound(loss.state(std::vector<std::size_t>(loss.unsynced().size(), 0), 0),
               night_.operations().size());
  EXPECT_EQ(missing_, kEvents);
}

TEST_F(PowerLossTest, WouldNoticeADirectoryThatIsNotSynced) {
  std::vector<DiskOperation> operations = night_.operations();
  std::erase_if(operations, [](const DiskOperation& operation) {
    return operation.kind == DiskOperation::Kind::SyncDirectory;
  });
  const PowerLoss loss(operations);
  expect_sound(loss.state(everything(loss), 0), night_.operations().size());
  EXPECT_EQ(missing_, kEvents);
}

}  // namespace
}  // namespace smtptape
