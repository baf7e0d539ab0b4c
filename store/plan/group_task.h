// One group of a sealed tape, asked and decoded on a thread of the pool.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/io.h"
#include "format/event.h"
#include "format/tape/group_decoder.h"
#include "format/tape/group_extents.h"
#include "format/tape/tape_reader.h"
#include "store/plan/question.h"

namespace smtptape {

// What a footer says of a tape, kept while a command runs.
struct SealedTape {
  TapeSummary summary;
  std::vector<GroupExtent> extents;
  bool has_hashes = false;  // of sessions; else they are read again where they are asked for
};

// What stands beside the events of a group that is not read is told by its index, or by the footer:
// whether it is.
[[nodiscard]] bool tells_what_is_beside(const GroupIndex& index);
// Its gaps.
[[nodiscard]] EventBatch gaps_of(const std::shared_ptr<const SealedTape>& tape,
                                 const GroupIndex& index);

class GroupTask {
 public:
  struct Where {
    std::shared_ptr<const UniqueFd> fd;
    std::string name;
    std::shared_ptr<const SealedTape> tape;
    std::size_t group = 0;
    RoomPool rooms = {};
  };
  GroupTask(Where where, std::shared_ptr<Question> question, bool may_ask_rows)
      : where_(std::move(where)), question_(std::move(question)), may_ask_rows_(may_ask_rows) {}

  // On a thread of the pool, once.
  void run();

  struct Answer {
    bool damaged = false;  // not as its index says: nothing else counts
    bool by_rows = false;  // nothing of it is wanted, as its rows tell
    std::deque<EventBatch> batches;
    std::unique_ptr<GroupDecoder> all = nullptr;  // instead: everything is wanted, it makes them
    Tally tally;
    LeftOut left_out;
    std::uint64_t bytes_read = 0;
  };
  // Waits for it; rethrows what went wrong.  The answer is the caller's from then on.
  [[nodiscard]] Answer& wait();

  [[nodiscard]] std::size_t group() const { return where_.group; }
  [[nodiscard]] const GroupIndex& index() const {
    return where_.tape->summary.footer.groups[where_.group];
  }

 private:
  // What the columns told of an event that may be wanted.
  struct Looked {
    LeftOut before;  // all that was left out before it
    bool told;       // that it is wanted; else it has to be asked again
  };
  struct Choice {
    std::vector<Looked> looked;  // in order
    LeftOut left_out;            // all of it
  };

  [[nodiscard]] Answer answer();
  [[nodiscard]] bool is_index_sound() const;
  [[nodiscard]] bool rows_answer(Answer& answer) const;
  [[nodiscard]] bool decode(EventChoice& choice, Answer& answer) const;
  [[nodiscard]] ChooseEvents chooser(EventChoice& choice, Choice& made) const;
  [[nodiscard]] bool add_frames(GroupDecoder& decoder,
                                const ChooseEvents& choose,
                                Answer& answer) const;
  static void finish_choice(EventChoice& choice, const Choice& made, Answer& answer);

  const Where where_;
  const std::shared_ptr<Question> question_;
  const bool may_ask_rows_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Answer> answer_;
  std::exception_ptr failure_;
};

}  // namespace smtptape
