// A tape of what was chosen, in a nameless file: before it is known how much of it goes out, and
// with what beside it.  It is read several times, and the same each time, though a store may grow.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/followed_file.h"
#include "cli/options/selection_options.h"
#include "cli/run/company.h"
#include "cli/run/extraction.h"

namespace smtptape {

// Which sessions: what was asked for, and what stands beside it.
struct Chosen {
  Selection selection;
  Company company;
};
[[nodiscard]] Chosen choose(const SelectionOptions& options,
                            const Selection& selection,
                            const CompanyWishes& company);

// As a tape of its own, straight to where it goes.  Throws Error when nothing is there; `name`: of
// the result, for messages.
[[nodiscard]] Extraction copy_chosen(const Levels& levels,
                                     const SelectionOptions& options,
                                     const Chosen& chosen,
                                     ByteSink& to,
                                     const std::string& name);

class Draft {
 public:
  // Reads what was chosen.  `wishes` outlives it.
  Draft(const ExtractWishes& wishes,
        const SelectionOptions& options,
        const Chosen& chosen,
        const std::string& name);

  // Makes the tape of as many sessions as fit, from the front of their order; `size` tells how
  // large what goes out becomes of it.  Throws Error when the first session alone is too much, or
  // when something would leak.
  void fit(const std::function<std::uint64_t()>& size);

  [[nodiscard]] const TemporaryFile& tape() const;
  // Without its output's name.
  [[nodiscard]] const Extraction& extraction() const { return extraction_; }
  // Null: it is not redacted.
  [[nodiscard]] const RedactedTape* redacted() const {
    return redacted_.tape ? &redacted_ : nullptr;
  }
  // If one is asked for.
  void write_map() const;

 private:
  void make(std::size_t sessions);
  void copy_part();
  void redact();
  [[nodiscard]] TapeHeader header_of_part(const Digest& digest) const;
  void find_order();
  [[nodiscard]] const TemporaryFile& part() const {
    if (part_) return *part_;
    return original_;
  }

  const ExtractWishes& wishes_;
  FollowedFile original_;
  std::shared_ptr<Learned> learned_;
  std::optional<Follower> learning_;  // reads the original while it is written; null: nobody asks
  Extraction extraction_;
  std::optional<PseudonymKey> key_;
  std::vector<std::string> order_;       // of the sessions; may be found when it is needed
  std::size_t beside_;                   // the last of these
  bool all_ = true;                      // of them are in it
  std::size_t taken_ = 0;                // else so many
  std::unique_ptr<TemporaryFile> part_;  // null: the original
  RedactedTape redacted_;
};

// Everything, however much it is.
std::uint64_t copy_bytes(ByteSource& from, ByteSink& to);

}  // namespace smtptape
