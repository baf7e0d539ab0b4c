// Tapes of a real size, cut and damaged thousands of times.
//
// A cut or a flipped bit changes nothing two groups away.  So each trial reads a short tape: the
// header, the group where it happens, and its neighbours, byte for byte as they stand in the large
// one.  What has to come out is known from the writer.  Small tapes are cut at every byte and have
// every bit flipped in tape_test.cc.
#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "format/limits.h"
#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "tests/support/trial_figures.h"

namespace smtptape {
namespace {

constexpr std::uint64_t kWireBytes = 300 * kMiB;

// Sessions of bulk mail, interleaved: as a busy node would send them.
class Feed {
 public:
  explicit Feed(std::uint64_t seed) : random_(seed) {
    for (std::string& text : templates_)
      text = words(6000);
  }
  std::string next() {
    const std::uint64_t session =
        ++events_ / (kEventsOfSession * kAlive) * kAlive + random_() % kAlive;
    const std::string meta = R"({"conn_meta":{"egress_pool":"pool-)" + std::to_string(session % 7) +
                             R"(","id":"s-)" + std::to_string(session) + R"(","tenant":"t)" +
                             std::to_string(session % 31) + R"("},"payload":)";
    const std::string nanos = std::to_string(1'000'000'000 + events_ * 1000 % 999'999'000);
    return meta + payload() + R"(,"when":"2026-08-04T21:00:00.)" + nanos.substr(1) + R"(5Z"})";
  }

 private:
  static constexpr std::uint64_t kEventsOfSession = 12;
  static constexpr std::uint64_t kAlive = 50;

  std::string words(std::size_t size) {
    std::string text;
    while (text.size() < size) {
      std::uint64_t bits = random_();
      for (std::size_t length = 2 + bits % 7; length > 0; --length, bits /= 26)
        text.push_back(static_cast<char>('a' + bits % 26));
      text.push_back(' ');
    }
    return text;
  }
  std::string payload() {
    switch (random_() % 12) {
      case 0: return R"("BeginSession")";
      case 1: return R"("Closed")";
      case 2: {
        const std::string& body = templates_[random_() % templates_.size()];
        return R"({"Write":")" + words(200) + body.substr(random_() % 3000) + R"(\r\n.\r\n"})";
      }
      case 3:
      case 4:
      case 5: return R"({"Write":"RCPT TO:<)" + words(20) + R"(@b.example>\r\n"})";
      default: return R"({"Read":"250 2.0.0 Ok: queued as )" + words(12) + R"(\r\n"})";
    }
  }

  std::mt19937_64 random_;
  std::uint64_t events_ = 0;
  std::array<std::string, 40> templates_;
};

struct Batch {
  std::uint64_t end = 0;  // in the tape, where batches are flushed
  std::uint64_t last_sequence = 0;
};
struct Group {
  std::uint64_t start = 0;
  std::uint64_t end = 0;  // where its index begins
  std::uint64_t index_end = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::vector<Batch> batches;
};

struct LargeTape {
  std::string bytes;
  std::vector<Group> groups;
  std::vector<std::uint64_t> hashes;  // of the frames, by sequence - 1
  [[nodiscard]] std::string_view part(std::uint64_t from, std::uint64_t until) const {
    return std::string_view(bytes).substr(from, until - from);
  }

  [[nodiscard]] std::string_view header() const { return part(0, groups.front().start); }
  [[nodiscard]] std::string_view footer() const {
    return part(groups.back().index_end, bytes.size());
  }
};

TapeHeader header_of(Layout layout) {
  TapeHeader header;
  header.tape_id = random_id();
  header.origin = {random_id(), "mta-1", 7, false};
  header.layout = layout;
  header.first_sequence = 1;
  return header;
}

// Ends batches and groups itself, so that it knows where they end.
class LargeTapeWriter {
 public:
  LargeTapeWriter(Layout layout, std::uint64_t group_bytes, std::uint64_t seed)
      : group_bytes_(group_bytes),
        feed_(seed),
        writer_(sink_, header_of(layout), options(group_bytes)) {}

  LargeTape write(std::uint64_t wire_bytes) {
    while (wire_bytes_ < wire_bytes)
      write_group();
    Ledger ledger;
    ledger.received = tape_.hashes.size();
    writer_.seal(ledger, 1);
    tape_.bytes = sink_.text();
    return std::move(tape_);
  }

 private:
  static TapeOptions options(std::uint64_t group_bytes) {
    TapeOptions options;
    options.batch_bytes = kMostBatchBytes;
    options.group_bytes = 2 * group_bytes;
    options.indexed_keys = {"tenant"};
    return options;
  }

  void write_group() {
    Group group;
    group.start = sink_.text().size();
    group.first_sequence = tape_.hashes.size() + 1;
    const std::uint64_t until = wire_bytes_ + group_bytes_;
    while (wire_bytes_ < until) {
      write_batch();
      group.batches.push_back({sink_.text().size(), tape_.hashes.size()});
    }
    writer_.end_group();
    group.end = writer_.groups().back().offset + writer_.groups().back().bytes;
    group.index_end = sink_.text().size();
    group.last_sequence = tape_.hashes.size();
    ASSERT_EQ(writer_.groups().size(), tape_.groups.size() + 1) << "the writer ended one itself";
    tape_.groups.push_back(std::move(group));
  }

  void write_batch() {
    const std::uint64_t until = wire_bytes_ + kDefaultBatchBytes;
    while (wire_bytes_ < until) {
      const std::string frame = feed_.next();
      wire_bytes_ += frame.size();
      tape_.hashes.push_back(hash64(frame));
      batch_.clear();
      Event& event = decoder_.decode(frame, Opcode::Text, batch_);
      event.sequence = tape_.hashes.size();
      event.received = static_cast<std::int64_t>(event.sequence) * 1000;
      writer_.add(event);
    }
    writer_.flush();
  }

  std::uint64_t group_bytes_;
  Feed feed_;
  StringSink sink_;
  TapeWriter writer_;
  WireDecoder decoder_;
  EventBatch batch_;
  LargeTape tape_;
  std::uint64_t wire_bytes_ = 0;
};

// What a reader made of a short tape.
struct Reading {
  std::vector<std::uint64_t> sequences;
  std::uint64_t wrong = 0;  // events that were not written so, or come out of order
  std::vector<Damage> damage;
  TapeEnd end = TapeEnd::Unclosed;
  [[nodiscard]] std::uint64_t last() const { return sequences.empty() ? 0 : sequences.back(); }
};

Reading read(const LargeTape& tape, std::string_view bytes, const std::vector<std::string>& lacks) {
  Reading out;
  StringSource source(bytes);
  TapeReader reader(source, "x.tape");
  EventBatch batch;
  std::string frame;
  while (reader.next(batch)) {
    for (const Event& event : batch.events) {
      frame.clear();
      append_frame(frame, event);
      const std::uint64_t sequence = event.sequence;
      const bool is_right = sequence > out.last() && sequence <= tape.hashes.size() &&
                            tape.hashes[sequence - 1] == hash64(frame);
      if (!is_right) ++out.wrong;
      out.sequences.push_back(sequence);
    }
  }
  out.damage = reader.damage();
  // That these groups are missing is told, too; of others it would be wrong.
  std::erase_if(out.damage, [&](const Damage& each) {
    return each.bytes == 0 && std::find(lacks.begin(), lacks.end(), each.what) != lacks.end();
  });
  out.end = reader.end();
  return out;
}

// Of the tape from group `first` up to group `last`, with what stands before and behind.
struct Excerpt {
  std::string bytes;
  std::uint64_t shift = 0;  // from places in the large tape to places here, behind the header
  std::uint64_t events = 0;
  std::vector<std::string> lacks;  // what a reader says of the groups that were left out
};

std::string missing(std::size_t from, std::size_t to) {
  return from == to
             ? "group " + std::to_string(from) + " is missing"
             : "groups " + std::to_string(from) + " to " + std::to_string(to) + " are missing";
}

Excerpt excerpt(const LargeTape& tape, std::size_t first, std::size_t last, bool sealed) {
  const Group& from = tape.groups[first];
  const Group& to = tape.groups[last];
  Excerpt out;
  out.bytes = std::string(tape.header());
  out.shift = from.start - out.bytes.size();
  out.bytes += tape.part(from.start, to.index_end);
  if (sealed) out.bytes += tape.footer();
  out.events = to.last_sequence - from.first_sequence + 1;
  if (first > 0) out.lacks.push_back(missing(0, first - 1));
  const std::size_t most = tape.groups.size() - 1;
  if (last < most) out.lacks.push_back(missing(last + 1, most));
  return out;
}

// The group in which a place lies; what stands before the first counts as the first.
std::size_t group_at(const LargeTape& tape, std::uint64_t place) {
  const auto behind = std::upper_bound(
      tape.groups.begin(), tape.groups.end(), place, [](std::uint64_t at, const Group& group) {
        return at < group.start;
      });
  return behind == tape.groups.begin() ? 0
                                       : static_cast<std::size_t>(behind - tape.groups.begin()) - 1;
}

// A tape of some kind, and how often it is tried.
struct Kind {
  const char* name;
  Layout layout;
  std::uint64_t group_bytes;
  int cuts;
  int flips;
  int tails;
};

class TapeTrial : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    tape_ = LargeTapeWriter(kind_.layout, kind_.group_bytes, kSeed).write(kWireBytes);
  }
  [[nodiscard]] std::uint64_t some_place() { return random_() % tape_.bytes.size(); }
  [[nodiscard]] std::string figures_name(const char* what) const {
    return std::string("tape-") + what + "-" + kind_.name;
  }

  void try_cuts();
  void try_flips();
  void try_tails();
  void try_cut(std::uint64_t place);
  void try_flip(std::uint64_t bit);
  void try_tail(const std::string& tail);
  void expect_cut_end(const Group& group, std::uint64_t place, const Reading& got);

  static constexpr std::uint64_t kSeed = 20260804;
  Kind kind_ = GetParam();
  LargeTape tape_;
  std::mt19937_64 random_{kSeed + 1};
  std::uint64_t wrong_ = 0;
  std::uint64_t most_groups_lost_ = 0;
  std::uint64_t torn_ = 0;
};

INSTANTIATE_TEST_SUITE_P(
    Large,
    TapeTrial,
    ::testing::Values(
        Kind{"recorded", Layout::Interleaved, kMiB / 2, 2000, 2000, 400},
        Kind{"written", Layout::TwoFrames, kMiB / 2, 2000, 2000, 400},
        Kind{"recorded-default", Layout::Interleaved, kDefaultRecordingGroupBytes, 25, 25, 4},
        Kind{"written-default", Layout::TwoFrames, kDefaultGroupBytes, 8, 8, 2}),
    [](const auto& kind) {
      std::string name = kind.param.name;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

void TapeTrial::try_cut(std::uint64_t place) {
  const std::size_t at = group_at(tape_, place);
  const Group& group = tape_.groups[at];
  const std::size_t first = at == 0 ? 0 : at - 1;
  Excerpt cut = excerpt(tape_, first, at, true);
  cut.bytes.resize(place < group.start ? place : place - cut.shift);
  const Reading got = read(tape_, cut.bytes, cut.lacks);
  wrong_ += got.wrong;
  if (got.end == TapeEnd::Torn) ++torn_;
  ASSERT_EQ(got.wrong, 0U) << "cut at " << place;
  ASSERT_EQ(got.damage.size(), got.end == TapeEnd::Torn ? 1U : 0U) << "cut at " << place;
  if (got.end == TapeEnd::Torn) {
    ASSERT_EQ(got.damage[0].offset + got.damage[0].bytes, cut.bytes.size()) << place;
  }
  if (place < group.start) {  // in the header
    ASSERT_TRUE(got.sequences.empty());
    ASSERT_EQ(got.end, place == 0 ? TapeEnd::Unclosed : TapeEnd::Torn) << place;
    return;
  }
  // A prefix, and all of the group before.
  const std::uint64_t before = tape_.groups[first].first_sequence;
  ASSERT_EQ(got.sequences.size(), got.sequences.empty() ? 0 : got.last() - before + 1) << place;
  if (at > 0) {
    ASSERT_GE(got.last(), tape_.groups[at - 1].last_sequence) << place;
  }
  expect_cut_end(group, place, got);
}

void TapeTrial::expect_cut_end(const Group& group, std::uint64_t place, const Reading& got) {
  const std::uint64_t none = group.first_sequence == 1 ? 0 : group.first_sequence - 1;
  if (place >= group.end) {
    ASSERT_EQ(got.last(), group.last_sequence) << place;
    ASSERT_EQ(got.end, TapeEnd::Unclosed) << place;
    return;
  }
  if (place == group.start) {
    ASSERT_EQ(got.last(), none) << place;
    ASSERT_EQ(got.end, TapeEnd::Unclosed) << place;
    return;
  }
  if (kind_.layout == Layout::TwoFrames) {
    ASSERT_EQ(got.end, TapeEnd::Torn) << place;
    return;
  }
  std::uint64_t whole = none;
  bool between = false;
  for (const Batch& batch : group.batches) {
    if (batch.end <= place) whole = batch.last_sequence;
    between = between || batch.end == place;
  }
  ASSERT_EQ(got.last(), whole) << place;
  if (whole == group.last_sequence) return;  // in zstd's last bytes: nothing of ours is missing
  ASSERT_EQ(got.end, between ? TapeEnd::Unclosed : TapeEnd::Torn) << place;
}

void TapeTrial::try_cuts() {
  for (int i = 0; i < kind_.cuts && !HasFatalFailure(); ++i)
    try_cut(some_place());
  int borders = 0;
  if (kind_.layout == Layout::Interleaved) {
    for (const Batch& batch : tape_.groups[1].batches) {
      if (!HasFatalFailure()) try_cut(batch.end);
      ++borders;
    }
  }
  TrialFigures figures(figures_name("cuts"));
  figures.add("bytes of the tape", tape_.bytes.size());
  figures.add("groups", tape_.groups.size());
  figures.add("events", tape_.hashes.size());
  figures.add("cuts", static_cast<std::uint64_t>(kind_.cuts + borders));
  figures.add("torn ends", torn_);
  figures.add("wrong events shown", wrong_);
}

void TapeTrial::try_flip(std::uint64_t bit) {
  const std::uint64_t place = bit / 8;
  const std::size_t at = group_at(tape_, place);
  const std::size_t first = at == 0 ? 0 : at - 1;
  const std::size_t last = std::min(at + 1, tape_.groups.size() - 1);
  Excerpt flipped = excerpt(tape_, first, last, true);
  const bool in_header = place < tape_.groups.front().start;
  // In the footer, too: behind the last group everything stands as in the large tape.
  const std::uint64_t here = in_header ? place : place - flipped.shift;
  flipped.bytes[here] = static_cast<char>(flipped.bytes[here] ^ (1 << bit % 8));
  const Reading got = read(tape_, flipped.bytes, flipped.lacks);
  wrong_ += got.wrong;
  ASSERT_EQ(got.wrong, 0U) << "bit " << bit;
  std::uint64_t groups_lost = 0;
  for (std::size_t group = first; group <= last; ++group) {
    const Group& each = tape_.groups[group];
    const auto in_group =
        std::count_if(got.sequences.begin(), got.sequences.end(), [&each](std::uint64_t sequence) {
          return sequence >= each.first_sequence && sequence <= each.last_sequence;
        });
    const std::uint64_t all = each.last_sequence - each.first_sequence + 1;
    if (static_cast<std::uint64_t>(in_group) < all) ++groups_lost;
  }
  most_groups_lost_ = std::max(most_groups_lost_, groups_lost);
  ASSERT_LE(groups_lost, 1U) << "bit " << bit;
  // The place: what is said to be damaged begins before it, in the same group or section.
  ASSERT_FALSE(got.damage.empty()) << "bit " << bit;
  const Damage& damage = got.damage.front();
  const Group& group = tape_.groups[at];
  const bool whole_group = damage.offset == group.start;  // as its index says
  const std::uint64_t from = in_header ? 0 : group.start - flipped.shift;
  ASSERT_TRUE(whole_group || (damage.offset >= from && damage.offset <= here))
      << "bit " << bit << ": " << damage.what << " at " << damage.offset << ", not " << here;
}

void TapeTrial::try_flips() {
  for (int i = 0; i < kind_.flips && !HasFatalFailure(); ++i)
    try_flip(some_place() * 8 + random_() % 8);
  TrialFigures figures(figures_name("flips"));
  figures.add("bytes of the tape", tape_.bytes.size());
  figures.add("flips", static_cast<std::uint64_t>(kind_.flips));
  figures.add("most groups lost by a flip", most_groups_lost_);
  figures.add("wrong events shown", wrong_);
}

void TapeTrial::try_tail(const std::string& tail) {
  const std::size_t at = random_() % tape_.groups.size();
  for (const bool sealed : {true, false}) {
    const Excerpt whole = excerpt(tape_, at, at, sealed);
    const Reading got = read(tape_, whole.bytes + tail, whole.lacks);
    wrong_ += got.wrong;
    ASSERT_EQ(got.wrong, 0U);
    ASSERT_EQ(got.sequences.size(), whole.events);
    ASSERT_FALSE(got.damage.empty());
    ASSERT_EQ(got.end, sealed ? TapeEnd::Sealed : TapeEnd::Torn);
    ASSERT_EQ(got.damage.front().offset, whole.bytes.size());
    ASSERT_EQ(got.damage.front().bytes, tail.size());
  }
}

void TapeTrial::try_tails() {
  const LargeTape other = LargeTapeWriter(kind_.layout, kMiB, kSeed + 2).write(8 * kMiB);
  int tails = 0;
  for (; tails < kind_.tails && !HasFatalFailure(); ++tails) {
    const Group& group = other.groups[random_() % other.groups.size()];
    std::string noise(1 + random_() % 20'000, '\0');
    switch (tails % 7) {
      case 0: try_tail(noise); break;  // zeros
      case 1:
      case 2:
        for (char& byte : noise)
          byte = static_cast<char>(random_());
        try_tail(tails % 7 == 1 ? noise : std::string("\x28\xB5\x2F\xFD") + noise);
        break;
      case 3: try_tail(other.bytes); break;
      case 4: try_tail(std::string(other.part(group.start, group.index_end))); break;
      case 5: try_tail(std::string(other.part(group.start, other.bytes.size()))); break;
      case 6: try_tail(std::string(other.header())); break;
    }
  }
  TrialFigures figures(figures_name("tails"));
  figures.add("tails appended, to sealed and unsealed tapes each",
              static_cast<std::uint64_t>(tails));
  figures.add("wrong events shown", wrong_);
}

// One test, because the tape takes a while to write.
TEST_P(TapeTrial, NothingWrongIsShownAndLittleIsLost) {
  try_cuts();
  try_flips();
  try_tails();
}

}  // namespace
}  // namespace smtptape
