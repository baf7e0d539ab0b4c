#include "format/tape/tape_writer.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "format/tape/footer_bounds.h"
#include "format/tape/group_builder.h"
#include "format/tape/group_output.h"
#include "format/tape/section.h"

namespace smtptape {

// What stands behind the header: groups, each with its index, and the footer.
class TapeWriter::File : public GroupPlace {
 public:
  File(ByteSink& sink, const TapeHeader& header) : sink_(sink), header_(header) {
    write(section_frame(SectionKind::Header, header.tape_id, header.flags, to_message(header)));
  }

  void write(std::string_view bytes) override {
    sink_.write(bytes);
    offset_ += bytes.size();
  }
  [[nodiscard]] std::uint64_t offset() const override { return offset_; }

  void end_group(GroupBuilder::Gathered gathered) override {
    session_hashes_.add(finish_index(gathered));
    GroupIndex& index = gathered.index;
    for (const Origin& origin : index.origins) {
      const bool full = origins_.size() == kMostFooterOrigins;
      if (!full && std::find(origins_.begin(), origins_.end(), origin) == origins_.end()) {
        origins_.push_back(origin);
      }
    }
    write(section_frame(SectionKind::Index, header_.tape_id, header_.flags, to_message(index)));
    index.rows.clear();
    // From here on for the footer only.
    index.gaps.resize(std::min<std::uint64_t>(index.gaps.size(), kMostFooterGaps - footer_gaps_));
    footer_gaps_ += index.gaps.size();
    shorten_for_footer(index, footer_room_);
    groups_.push_back(std::move(index));
  }

  void end(TapeFooter footer) {
    footer.groups = groups_;
    session_hashes_.write(footer);
    footer.origins = origins_;
    if (footer.origins.empty()) footer.origins.push_back(header_.origin);
    write(footer_frame(header_.tape_id, header_.flags, to_message(footer), offset_));
  }

  [[nodiscard]] const std::vector<GroupIndex>& groups() const { return groups_; }

 private:
  ByteSink& sink_;
  const TapeHeader& header_;
  std::uint64_t offset_ = 0;
  std::vector<GroupIndex> groups_;  // ended, without rows
  std::vector<Origin> origins_;
  SessionHashes session_hashes_;
  std::uint64_t footer_gaps_ = 0;  // in groups_
  FooterRoom footer_room_;         // that they take
};

struct TapeWriter::Impl {
  Impl(ByteSink& sink, TapeHeader the_header, TapeOptions the_options)
      : header(flagged(std::move(the_header))),
        options(std::move(the_options)),
        file(sink, header),
        group(header, options),
        output(make_group_output(header, options, file)) {}

  // A program that knows no order of payload would give texts to the wrong events.
  static TapeHeader flagged(TapeHeader header) {
    if (header.layout == Layout::TwoFrames) header.flags.incompatible |= kPayloadOrderFlag;
    return header;
  }

  TapeHeader header;
  TapeOptions options;
  File file;
  GroupBuilder group;
  std::unique_ptr<GroupOutput> output;  // its threads use what stands before it
  std::uint32_t groups = 0;             // ended
  std::uint64_t events = 0;
  std::uint64_t gaps = 0;
  std::uint64_t last_sequence = 0;
  FlushedPart flushed;
  std::vector<Note> notes;

  void add(const Event& event) {
    group.open_if_closed(groups);
    group.add(event, output->batch());
    ++events;
    last_sequence = event.sequence;
    end_what_is_full();
  }

  void add(Gap gap) {
    gap.detail.resize(std::min(gap.detail.size(), kMostDetailBytes));
    group.open_if_closed(groups);
    group.add(gap, output->batch());
    ++gaps;
    end_what_is_full();
  }

  void add(const ClockReading& clock) {
    group.open_if_closed(groups);
    group.add(clock, output->batch());
    end_what_is_full();
  }

  void add_foreign(std::string_view record) {
    group.open_if_closed(groups);
    group.add_foreign(record, output->batch());
    end_what_is_full();
  }

  void add(Note note) {
    note.key.resize(std::min(note.key.size(), kMostDetailBytes));
    note.value.resize(std::min(note.value.size(), kMostDetailBytes));
    group.open_if_closed(groups);
    group.add(note, output->batch());
    if (notes.size() < kMostFooterNotes) notes.push_back(std::move(note));
    end_what_is_full();
  }

  void end_what_is_full() {
    if (group.is_batch_full(output->batch())) end_batch();
    if (group.is_full()) end_group();
  }

  void end_batch() {
    if (output->batch().empty()) return;
    output->end_batch(groups, group.end_batch());
    if (header.layout == Layout::Interleaved)
      flushed = {events, gaps, last_sequence, file.offset()};
  }

  void end_group() {
    end_batch();
    if (!group.is_open()) return;
    output->end_group(group.end());
    ++groups;
  }

  void seal(Ledger ledger, std::int64_t now) {
    end_group();
    output->settle();
    TapeFooter footer;
    footer.ledger = ledger;
    footer.ledger.stored = events;
    footer.notes = notes;
    footer.sealed_at = now;
    file.end(std::move(footer));
  }
};

TapeWriter::TapeWriter(ByteSink& sink, TapeHeader header, TapeOptions options)
    : impl_(std::make_unique<Impl>(sink, std::move(header), std::move(options))) {
}
TapeWriter::~TapeWriter() = default;

void TapeWriter::add(const Event& event) {
  impl_->add(event);
}

void TapeWriter::add(const Gap& gap) {
  impl_->add(gap);
}

void TapeWriter::add(const Note& note) {
  impl_->add(note);
}

void TapeWriter::add(const ClockReading& clock) {
  impl_->add(clock);
}

void TapeWriter::add_beside_events(const EventBatch& batch, Ledger& ledger) {
  for (const Gap& gap : batch.gaps) {
    add(gap);
    ledger.add(gap);
  }
  for (const Note& note : batch.notes)
    add(note);
  for (const ClockReading& clock : batch.clocks)
    add(clock);
  for (const std::string_view record : batch.foreign)
    impl_->add_foreign(record);
}

void TapeWriter::flush() {
  impl_->end_batch();
}
void TapeWriter::end_group() {
  impl_->end_group();
  impl_->output->settle();
}
void TapeWriter::seal(Ledger ledger, std::int64_t now) {
  impl_->seal(ledger, now);
}

const TapeHeader& TapeWriter::header() const {
  return impl_->header;
}
std::uint64_t TapeWriter::bytes_written() const {
  return impl_->file.offset();
}
std::uint64_t TapeWriter::events_written() const {
  return impl_->events;
}
bool TapeWriter::has_unflushed() const {
  return !impl_->output->batch().empty();
}
const FlushedPart& TapeWriter::flushed() const {
  return impl_->flushed;
}
const std::vector<GroupIndex>& TapeWriter::groups() const {
  return impl_->file.groups();
}

}  // namespace smtptape
