#include "format/tape/tape_reader.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "format/limits.h"
#include "format/tape/group_reader.h"
#include "format/tape/section.h"
#include "format/tape/section_search.h"
#include "format/tape/tape_scan.h"

namespace smtptape {

struct TapeReader::Impl {
  Impl(ByteSource& source, std::string name, Checksums checksums)
      : tape(source, std::move(name), checksums) {}

  TapeScan tape;
  GroupReader group{tape};
  SectionSearch search{tape};
  std::optional<TapeHeader> header;
  std::optional<TapeFooter> footer;
  std::vector<GroupIndex> indexes;
  std::vector<Damage> damage;
  TapeEnd end = TapeEnd::Unclosed;
  bool done = false;
  bool in_frame = false;
  std::uint64_t events_out = 0;
  std::uint64_t events_of_group = 0;  // of these: since the index before
  std::optional<std::uint32_t> current_group;
  std::uint32_t next_index = 0;  // the least number that an index may still have
  bool open_damage = false;      // the last of `damage` lies in the group whose index comes next
  // Groups that did not come, by their numbers; how many events they held, a footer tells.
  struct Missing {
    std::size_t damage;  // place in it
    std::uint32_t first;
    std::uint32_t count;
  };
  std::vector<Missing> missing;

  bool next(EventBatch& batch);

  void start_at(const Start& start) {
    tape.tape_id = start.tape_id;
    tape.next_group = start.group;
    next_index = start.group;
    tape.good_until = start.offset;
    input.begins_at(start.offset);
  }

  // frames
  void read_frame_start();
  void begin_group();
  bool read_batch(EventBatch& batch);
  void entered(std::uint32_t groups_missing);

  // sections
  void read_section();
  void read_section_message(const Section& section);
  void read_index(std::string_view message);
  void read_footer(std::string_view message);
  void compare_with_footer();
  void damaged_section(std::uint64_t size_untrusted);
  void section_runs_over_the_end();

  // damage
  void damaged(std::uint64_t offset, const std::string& what);
  void damaged_group(const char* what);
  void note_damage(Damage what);
  void note_missing(std::uint32_t first, std::uint32_t count);
  void look_for_start();
  bool go_to_first_group();

  // the end
  void finish(TapeEnd how);
  void torn(const std::string& what);
  void cut_section();
  void skip_rest(const char* what);

  InputBuffer& input = tape.input;
};

bool TapeReader::Impl::next(EventBatch& batch) {
  batch.clear();
  while (!done) {
    if (!in_frame) {
      read_frame_start();
    } else if (read_batch(batch)) {
      return true;
    }
  }
  return false;
}

// --- frames ---

void TapeReader::Impl::read_frame_start() {
  if (!input.fill(1)) {
    if (group.waits_for_payload()) return torn("the payload of the last group is missing");
    return finish(footer ? TapeEnd::Sealed : TapeEnd::Unclosed);
  }
  if (footer) return skip_rest("bytes after the footer");
  input.fill(kFrameHeaderBytes);
  const std::string_view view = input.view();
  if (view.starts_with(kZstdMagicBytes)) return begin_group();
  if (view.starts_with(kSkippableMagicBytes)) return read_section();
  if (view.size() < 4 && kZstdMagicBytes.starts_with(view)) {
    return torn("cut at the start of a group");
  }
  if (view.size() < 4 && kSkippableMagicBytes.starts_with(view)) return cut_section();
  if (!tape.tape_id && input.offset() == 0) return look_for_start();
  damaged(input.offset(), "no frame begins here");
}

void TapeReader::Impl::begin_group() {
  in_frame = true;
  group.begin_frame();
}

// False when none came out; the state then says what comes next.
bool TapeReader::Impl::read_batch(EventBatch& batch) {
  using Step = GroupReader::Step;
  const GroupReader::Outcome got = group.read_batch(batch);
  if (got.step == Step::Batch || got.step == Step::Columns) entered(got.missing);
  switch (got.step) {
    case Step::Batch:
      events_of_group += batch.events.size();
      events_out += batch.events.size();
      return true;
    case Step::Columns: break;
    case Step::FrameEnd: in_frame = false; break;
    case Step::TapeEnd: finish(TapeEnd::Unclosed); break;
    case Step::Torn: torn(got.why); break;
    case Step::Refused:
      search.go_back();
      damaged(got.at, got.why);
      break;
    case Step::Cut:
      search.go_back();
      // Does the length of a block lie?  Then something whole may follow.
      search.find(0) ? damaged(got.at, "a block is longer than the group") : torn(got.why);
      break;
  }
  return false;
}

// A batch of a group came; before it so many groups did not.
void TapeReader::Impl::entered(std::uint32_t groups_missing) {
  if (current_group == group.number()) return;
  current_group = group.number();
  if (groups_missing > 0) note_missing(group.number() - groups_missing, groups_missing);
  // The index of the group before may have been lost.
  events_of_group = 0;
  open_damage = false;
}

// --- sections ---

void TapeReader::Impl::read_section() {
  if (!input.fill(kFrameHeaderBytes)) return cut_section();
  const std::uint64_t size_untrusted =
      load_u32(input.view().data() + 4) + std::uint64_t{kFrameHeaderBytes};
  if (size_untrusted > kMostSectionBytes) {
    if (input.offset() == 0) return look_for_start();
    return damaged(input.offset(),
                   "a section of " + std::to_string(size_untrusted) + " bytes is over the limit");
  }
  if (!input.fill(size_untrusted)) return section_runs_over_the_end();
  const auto section = parse_section(input.view().substr(0, size_untrusted));
  if (!section) return damaged_section(size_untrusted);
  if (tape.is_foreign(section->tape_id)) return damaged(input.offset(), "bytes of another tape");
  refuse_newer(section->flags, section->version, tape.name);
  tape.tape_id = section->tape_id;
  try {
    read_section_message(*section);
  } catch (const Error& error) {
    note_damage({input.offset(), size_untrusted, error.what(), {}});
    events_of_group = 0;
    open_damage = false;
  }
  input.consume(size_untrusted);
  tape.good_until = input.offset();
}

void TapeReader::Impl::read_section_message(const Section& section) {
  switch (section.kind) {
    case SectionKind::Header:
      if (!header) header = read_header_message(section.message());
      header->tape_id = section.tape_id;
      header->flags = section.flags;
      return;
    case SectionKind::Index: return read_index(section.message());
    case SectionKind::Footer: return read_footer(section.message());
  }
}

void TapeReader::Impl::read_index(std::string_view message) {
  if (group.waits_for_payload()) {
    note_damage({group.frame_offset(), 0, "the payload of a group is missing", {}});
    open_damage = true;
    group.forget_columns();
  }
  GroupIndex index = read_index_message(message);
  if (index.number >= kMostGroups) throw Error("a group's number is over the limit");
  if (index.number < next_index) throw Error("an index comes again, or too late");
  if (index.number > tape.next_group) {
    note_missing(tape.next_group, index.number - tape.next_group);
  }
  next_index = index.number + 1;
  tape.next_group = std::max(tape.next_group, next_index);
  if (!indexes.empty()) indexes.back().rows.clear();
  indexes.push_back(std::move(index));
  const std::uint64_t expected = indexes.back().events;
  if (!group.has_hash(indexes.back().hash)) damaged_group("a group's bytes are not those written");
  if (events_of_group < expected) damaged_group("events of a group are missing");
  if (events_of_group > expected) damaged_group("a group holds more events than its index tells");
  if (damage.empty() && indexes.back().offset != group.offset()) {
    damaged_group("a group stands at another place than its index tells");
  }
  if (open_damage && expected >= events_of_group) {
    damage.back().events_lost = expected - events_of_group;
  }
  open_damage = false;
  events_of_group = 0;
}

void TapeReader::Impl::read_footer(std::string_view message) {
  footer = read_footer_message(message);
  const auto told = static_cast<std::uint32_t>(footer->groups.size());
  if (told > tape.next_group) note_missing(tape.next_group, told - tape.next_group);
  for (const Missing& gone : missing) {
    if (gone.first + gone.count > told) continue;
    std::uint64_t events = 0;
    for (std::uint32_t i = 0; i < gone.count; ++i)
      events = capped_sum(events, footer->groups[gone.first + i].events);
    damage[gone.damage].events_lost = events;
  }
  open_damage = false;
  if (damage.empty()) compare_with_footer();
}

// Nothing was wrong so far: then everything is as the footer says.
void TapeReader::Impl::compare_with_footer() {
  const auto differs = [this](std::string what) {
    note_damage({input.offset(), 0, std::move(what), {}});
  };
  if (footer->groups.size() != indexes.size()) {
    differs("the footer tells of " + counted(footer->groups.size(), "group") + ", there are " +
            std::to_string(indexes.size()));
  } else if (!std::equal(indexes.begin(), indexes.end(), footer->groups.begin(), is_same_group)) {
    differs("the footer tells of other groups than those that are there");
  }
  if (footer->ledger.stored != events_out) {
    differs("the footer tells of " + counted(footer->ledger.stored, "event") + ", there are " +
            std::to_string(events_out));
  }
}

// Its bytes are wrong; where its length is right, it costs nothing but itself.
void TapeReader::Impl::damaged_section(std::uint64_t size_untrusted) {
  input.fill(size_untrusted + kZstdMagicBytes.size());
  const std::string_view after = input.view().substr(size_untrusted);
  const bool fits = after.empty() || after.starts_with(kZstdMagicBytes) ||
                    after.starts_with(kSkippableMagicBytes);
  // A length that lies may end, by chance, where something else begins.
  if (!fits || search.begins_within(size_untrusted)) {
    if (input.offset() == 0) return look_for_start();
    return damaged(input.offset(), "a section's checksum is wrong");
  }
  note_damage({input.offset(), size_untrusted, "a section's checksum is wrong", {}});
  input.consume(size_untrusted);
  events_of_group = 0;
}

// Cut short, or its length is damaged: then something whole follows.
void TapeReader::Impl::section_runs_over_the_end() {
  if (!tape.tape_id && go_to_first_group()) return;
  const std::string_view view = input.view();
  const std::string_view magic = view.substr(std::min(view.size(), kFrameHeaderBytes));
  if (!tape.tape_id && !kSectionMagic.starts_with(magic.substr(0, kSectionMagic.size()))) {
    return look_for_start();
  }
  if (view.ends_with(kTrailerMagic) || search.find(kFrameHeaderBytes)) {
    return damaged(input.offset(), "a section's length is wrong");
  }
  cut_section();
}

// --- damage ---

// Reports the place and goes on at the next section of this tape, if there is one.
void TapeReader::Impl::damaged(std::uint64_t offset, const std::string& what) {
  in_frame = false;
  group.forget();
  note_damage({offset, 0, what, {}});
  open_damage = true;
  const bool found = search.go_to_next();
  damage.back().bytes = std::max(damage.back().bytes, input.offset() - damage.back().offset);
  if (!found) finish(tape.tape_id ? TapeEnd::Torn : TapeEnd::Unclosed);
}

// The index that is being read tells so; damage that is known already explains it.
void TapeReader::Impl::damaged_group(const char* what) {
  if (open_damage) return;
  note_damage({indexes.back().offset, 0, what, {}});
  open_damage = true;
}

// A tape that is nothing but damage would fill the memory: what is too much joins the last.
void TapeReader::Impl::note_damage(Damage what) {
  if (damage.size() < kMostDamage) {
    damage.push_back(std::move(what));
    return;
  }
  Damage& last = damage.back();
  last.bytes = std::max(last.bytes, what.offset + what.bytes - last.offset);
  last.what = "damaged in too many places to list them";
  last.events_lost.reset();
}

void TapeReader::Impl::note_missing(std::uint32_t first, std::uint32_t count) {
  // Damage before it may have cost a whole group.
  if (open_damage) {
    damage.back().what += ", up to another group";
    return;
  }
  const std::string which = count == 1 ? "group " + std::to_string(first) + " is missing"
                                       : "groups " + std::to_string(first) + " to " +
                                             std::to_string(first + count - 1) + " are missing";
  note_damage({group.frame_offset(), 0, which, {}});
  if (damage.size() < kMostDamage) missing.push_back({damage.size() - 1, first, count});
}

// The header can't be read.  It costs nothing but itself: look for the first group.
void TapeReader::Impl::look_for_start() {
  if (!go_to_first_group()) damaged(input.offset(), "the header can't be read");
}

bool TapeReader::Impl::go_to_first_group() {
  const auto at = search.find_first_group();
  if (!at) return false;
  note_damage({input.offset(), *at, "the header can't be read", {}});
  input.consume(*at);
  begin_group();
  return true;
}

// --- the end ---

void TapeReader::Impl::finish(TapeEnd how) {
  done = true;
  end = how;
  in_frame = false;
  if (!tape.tape_id && !(how == TapeEnd::Torn || input.offset() == 0)) {
    throw Error(tape.name + ": not a smtptape tape");
  }
}

void TapeReader::Impl::torn(const std::string& what) {
  const std::uint64_t from = tape.good_until;
  input.consume(input.view().size());
  note_damage({from, input.offset() - from, what, {}});
  finish(TapeEnd::Torn);
}

// The tape ends within a header, index or footer.
void TapeReader::Impl::cut_section() {
  input.consume(input.view().size());
  if (tape.tape_id) return finish(TapeEnd::Unclosed);
  note_damage({0, input.offset(), "cut inside the header", {}});
  finish(TapeEnd::Torn);
}

void TapeReader::Impl::skip_rest(const char* what) {
  const std::uint64_t from = input.offset();
  do
    input.consume(input.view().size());
  while (input.fill(1));
  note_damage({from, input.offset() - from, what, {}});
  finish(TapeEnd::Sealed);
}

// --- the interface ---

TapeReader::TapeReader(ByteSource& source, std::string name, Checksums checksums)
    : impl_(std::make_unique<Impl>(source, std::move(name), checksums)) {
}
TapeReader::TapeReader(ByteSource& source, std::string name, const Start& start)
    : TapeReader(source, std::move(name)) {
  impl_->start_at(start);
}
TapeReader::~TapeReader() = default;

bool TapeReader::next(EventBatch& batch) {
  return impl_->next(batch);
}
const std::optional<TapeHeader>& TapeReader::header() const {
  return impl_->header;
}
const std::vector<GroupIndex>& TapeReader::indexes() const {
  return impl_->indexes;
}
const std::optional<TapeFooter>& TapeReader::footer() const {
  return impl_->footer;
}
TapeEnd TapeReader::end() const {
  return impl_->end;
}
std::uint64_t TapeReader::good_until() const {
  return impl_->tape.good_until;
}
const std::vector<Damage>& TapeReader::damage() const {
  return impl_->damage;
}
const std::string& TapeReader::name() const {
  return impl_->tape.name;
}

}  // namespace smtptape
