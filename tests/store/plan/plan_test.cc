// What comes out when a plan leaves out what need not be read is what comes out when everything is
// read: random tapes, random questions, event for event.
#include "store/plan/plan.h"

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "filters/property.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "store/find/footers.h"
#include "store/plan/selection.h"
#include "tests/support/golden.h"
#include "tests/support/program.h"

namespace smtptape {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// Metadata of every shape that a filter may meet, from few values, so that questions hit.
class RandomTapes {
 public:
  RandomTapes(const std::filesystem::path& directory, std::uint32_t seed)
      : directory_(directory), random_(seed) {
    for (std::size_t sources = 1 + below(2); sources > 0; --sources)
      record(std::string(1, static_cast<char>('a' + sources)));
  }

  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

  [[nodiscard]] Selection question() {
    Selection selection;
    OptionValues values;
    for (std::size_t filters = below(3); filters > 0; --filters) {
      const std::size_t property = below(kPropertyCount);
      for (std::size_t count = 1 + below(2); count > 0; --count) {
        const bool address = kProperties[property].kind == PropertyKind::Address;
        values[property].push_back(address ? some_network() : some_value());
      }
    }
    selection.honour = one_in(5) ? Honour::AsLive : Honour::Documented;
    selection.request = request_from_options(values, selection.honour);
    selection.scope = std::array{Scope::Event, Scope::Strict, Scope::Session}[below(3)];
    selection.whole_sessions = selection.scope == Scope::Session && one_in(2);
    if (selection.scope == Scope::Session && one_in(2)) selection.named = Named(some_name());
    if (one_in(3)) deny(selection.denied);
    if (one_in(6)) selection.sessions = {some_name(), some_name()};
    if (one_in(6)) selection.message_ids = {some_name(), some_name()};
    if (one_in(8)) selection.sources = {std::string(1, static_cast<char>('a' + below(3)))};
    if (one_in(3)) selection.window.since = some_time();
    if (one_in(3)) selection.window.until = some_time();
    return selection;
  }

 private:
  std::size_t below(std::size_t most) { return random_() % most; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  void deny(DeniedValues& denied) {
    const std::size_t property = below(kPropertyCount);
    OptionValues values;
    const bool address = kProperties[property].kind == PropertyKind::Address;
    for (std::size_t count = 1 + below(3); count > 0; --count)
      values[property].push_back(address ? some_network() : some_value());
    denied = request_from_options(values, Honour::Documented).allowed;
  }
  std::string some_value() { return "v" + std::to_string(below(one_in(4) ? 400 : 6)); }
  // Of a session, a message or a recipient; sometimes of nothing.
  std::string some_name() {
    const std::string number = std::to_string(below(70));
    return std::array{"session" + number, "m" + number, some_value()}[below(3)];
  }
  std::string some_address() {
    return "10.0." + std::to_string(below(4)) + "." + std::to_string(below(9)) +
           (one_in(2) ? ":25" : "");
  }
  std::string some_network() { return "10.0." + std::to_string(below(5)) + ".0/24"; }
  std::int64_t some_time() { return 1000 + static_cast<std::int64_t>(below(900)); }

  std::string text(std::string value) { return '"' + std::move(value) + '"'; }
  std::string some_json(const Property& property) {
    switch (below(12)) {
      case 0: return "null";
      case 1: return "7";
      case 2: return "[]";
      case 3: return "[" + text(some_value()) + ",3," + text(some_value()) + "]";
      case 4: return text("v" + std::string(1100, 'x'));
      default: break;
    }
    const bool address = property.kind == PropertyKind::Address;
    if (address) return text(one_in(8) ? "nowhere" : some_address());
    const bool list = property.kind == PropertyKind::TextList && one_in(2);
    const std::string value = text(some_value());
    return list ? "[" + value + "]" : value;
  }

  std::string some_metadata() {
    if (one_in(25)) return "null";
    std::string json;
    const auto add = [&json](std::string_view key, const std::string& value) {
      json += (json.empty() ? "{\"" : ",\"") + std::string(key) + "\":" + value;
    };
    if (!one_in(12)) add("id", text("session" + std::to_string(session_ + below(5))));
    if (one_in(2)) add("message_id", text("m" + std::to_string(below(60))));
    for (const Property& property : kProperties)
      if (one_in(2)) add(property.meta_key, constant_.value_or(some_json(property)));
    return json.empty() ? "{}" : json + "}";
  }

  std::string some_frame() {
    if (one_in(40)) return "no event \xff";
    const std::string space = one_in(30) ? " " : "";  // then it is kept whole
    const std::string payload = std::array<std::string, 5>{
        R"("BeginSession")",
        R"({"Read":"250 ok\r\n"})",
        R"({"Write":"MAIL FROM:<>\r\n"})",
        R"({"Diagnostic":{"level":"INFO","message":"STARTTLS handshake failed: \"x\""}})",
        R"("Closed")"}[below(5)];
    return "{" + space + R"("conn_meta":)" + some_metadata() + R"(,"payload":)" + payload +
           R"(,"when":"2026-08-04T21:00:00Z"})";
  }

  void record(const std::string& source) {
    std::uint64_t number = 1;
    for (std::size_t captures = 1 + below(2); captures > 0; --captures) {
      const Id128 capture = random_id();
      sequence_ = 0;
      for (std::size_t tapes = 1 + below(3); tapes > 0; --tapes) {
        const bool last = tapes == 1;
        write({capture, source, number++, false}, !last || !one_in(4));
      }
    }
  }

  void write(const Origin& origin, bool sealed) {
    TapeHeader header;
    header.tape_id = random_id();
    header.origin = origin;
    header.layout = one_in(2) ? Layout::TwoFrames : Layout::Interleaved;
    header.first_sequence = sequence_ + 1;
    header.clock.realtime = now_;
    TapeOptions options;
    options.batch_bytes = 300 + below(2000);
    for (const Property& property : kProperties)
      if (!one_in(10)) options.indexed_keys.emplace_back(property.meta_key);
    StringSink sink;
    TapeWriter writer(sink, header, options);
    for (std::size_t groups = 1 + below(6); groups > 0; --groups)
      write_group(writer);
    if (sealed) {
      writer.seal({}, 1);
    } else {
      writer.end_group();
    }
    std::string bytes = sink.text();
    if (one_in(6)) bytes[bytes.size() / 2 + below(bytes.size() / 4)] ^= 0x08;
    const std::string name = origin.source + std::to_string(origin.tape_number) + ".tape";
    testing::write_file(directory_ / name, bytes);
    names_.push_back((directory_ / name).string());
  }

  void write_group(TapeWriter& writer) {
    // Some groups are alike throughout: a question may leave them out.
    constant_.reset();
    if (one_in(3)) constant_ = text(some_value());
    session_ = below(30);
    for (std::size_t count = below(25); count > 0; --count) {
      if (one_in(15)) now_ -= static_cast<std::int64_t>(below(90));
      now_ += static_cast<std::int64_t>(below(8));
      batch_.clear();
      const std::string frame = some_frame();
      Event& event = decoder_.decode(frame, Opcode::Text, batch_);
      event.sequence = ++sequence_;
      event.received = now_;
      writer.add(event);
      if (one_in(30)) writer.add(some_gap());
      if (one_in(40)) writer.add(Note{"key", std::to_string(sequence_)});
    }
    writer.end_group();
  }

  Gap some_gap() {
    Gap gap;
    gap.cause = GapCause::Oversize;
    gap.count = 1;
    gap.after_sequence = sequence_;
    gap.from = gap.until = now_;
    return gap;
  }

  std::filesystem::path directory_;
  std::mt19937 random_;
  std::vector<std::string> names_;
  std::optional<std::string> constant_;
  std::size_t session_ = 0;
  std::uint64_t sequence_ = 0;
  std::int64_t now_ = 1000;
  WireDecoder decoder_;
  EventBatch batch_;
};

struct Answered {
  std::vector<std::string> events;
  std::vector<std::string> gaps;   // of each source in order
  std::vector<std::string> notes;  // in any
  bool differs_live = false;
  std::uint64_t seen = 0;
  std::size_t sessions = 0;
  std::vector<std::string> misses;
  std::uint64_t groups_read = 0;
  std::uint64_t groups_left_out = 0;
  std::vector<std::string> damage;
};

std::uint64_t groups_left_out(const ReadingPlan& plan) {
  std::uint64_t all = 0;
  for (const ReadingPlan::Count& count : plan.skipped)
    all += count.groups;
  return all;
}

Answered answer(const std::vector<TapeFile>& tapes, const Selection& selection, bool by_plan) {
  const std::shared_ptr<GroupPool> pool = by_plan ? std::make_shared<GroupPool>(2) : nullptr;
  std::shared_ptr<FirstPass> sessions;
  Answered answered;
  if (selection.needs_two_passes()) {
    Collected collected = collect_sessions(tapes, selection, Recovery::Skip, pool);
    sessions = collected.sessions;
    answered.sessions = sessions->sessions.session_count();
    answered.groups_left_out += groups_left_out(collected.plan);
  }
  const TimeWindow window = selection.whole_sessions ? TimeWindow{} : selection.window;
  std::shared_ptr<Question> question;
  if (by_plan) question = std::make_shared<Question>(selection, Question::Mode::Choose, sessions);
  Inputs inputs(by_plan ? planned(tapes, {question, pool}) : tapes, window);
  SelectedSource whole(inputs, selection, sessions);
  std::optional<SelectedSource> chosen;
  if (by_plan) chosen.emplace(inputs, question);
  SelectedSource& selected = by_plan ? *chosen : whole;
  EventBatch batch;
  std::string frame;
  while (selected.next(batch)) {
    for (const Event& event : batch.events) {
      frame.clear();
      append_frame(frame, event);
      answered.events.push_back(event.origin->source + " " + std::to_string(event.sequence) + " " +
                                std::to_string(event.received) + " " + frame);
    }
    for (const Gap& gap : batch.gaps)
      answered.gaps.push_back(gap.origin->source + " " + describe(gap) + " " +
                              std::to_string(gap.after_sequence));
    for (const Note& note : batch.notes)
      answered.notes.push_back(note.key + note.value);
  }
  if (pool != nullptr) pool->stop();
  // Between sources they stand where the batches end.
  std::stable_sort(answered.gaps.begin(), answered.gaps.end(), [](const auto& a, const auto& b) {
    return a.front() < b.front();
  });
  std::sort(answered.notes.begin(), answered.notes.end());
  answered.differs_live = selected.tally().differs_live;
  answered.seen = selected.tally().seen;
  for (const UnmatchedValues::Miss& miss : selected.unmatched().misses())
    answered.misses.push_back(std::string(miss.flag) + " " + miss.value);
  if (by_plan) {
    answered.groups_read = question->plan().read.groups + question->plan().columns.groups;
    answered.groups_left_out += groups_left_out(question->plan());
  }
  answered.damage = inputs.trouble().damage;
  return answered;
}

bool is_part_of(std::vector<std::string> part, std::vector<std::string> all) {
  std::sort(part.begin(), part.end());
  std::sort(all.begin(), all.end());
  return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

TEST(Plan, LeavesOutNothingThatIsWanted) {
  std::uint64_t left_out = 0;
  std::uint64_t left_out_unkept = 0;  // by footers that were read again
  std::uint64_t with_events = 0;
  std::uint64_t undamaged = 0;
  std::uint64_t misses = 0;
  std::uint64_t stores = 0;
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    const TemporaryDirectory directory;
    RandomTapes random(directory.path(), seed);
    Footers footers(seed % 2 == 0 ? 0 : Footers::kMostBytes);
    const std::vector<TapeFile> tapes = describe_tapes(list_tapes(random.names()), footers);
    if (!hold_events_once(tapes)) continue;  // damage hides what they hold
    ++stores;
    const bool sound = answer(tapes, {}, false).damage.empty();
    for (int questions = 0; questions < 25; ++questions) {
      const Selection selection = random.question();
      const std::string which = "seed " + std::to_string(seed) + ", " + to_json(selection.request) +
                                " scope " + std::to_string(static_cast<int>(selection.scope));
      const Answered whole = answer(tapes, selection, false);
      const Answered planned = answer(tapes, selection, true);
      if (sound) {
        ASSERT_EQ(planned.events, whole.events) << which;
        ASSERT_EQ(planned.sessions, whole.sessions) << which;
        ASSERT_EQ(planned.gaps, whole.gaps) << which;
        ASSERT_EQ(planned.notes, whole.notes) << which;
        ASSERT_EQ(planned.differs_live, whole.differs_live) << which;
        ASSERT_TRUE(planned.damage.empty()) << which;
        ASSERT_EQ(planned.seen, whole.seen) << which;
        // A filter may say that a value is there that is not.
        ASSERT_TRUE(is_part_of(planned.misses, whole.misses)) << which;
        misses += planned.misses.size();
        ++undamaged;
      }
      // What stood in damaged bytes an index still tells: gaps, times, and sessions that are
      // wanted.
      ASSERT_TRUE(is_part_of(whole.events, planned.events)) << which;
      ASSERT_TRUE(is_part_of(whole.gaps, planned.gaps)) << which;
      (seed % 2 == 0 ? left_out_unkept : left_out) += planned.groups_left_out;
      with_events += planned.events.empty() ? 0U : 1U;
    }
  }
  // Else it would prove nothing.
  EXPECT_GT(left_out, 300U);
  EXPECT_GT(left_out_unkept, 300U);
  EXPECT_GT(with_events, 300U);
  EXPECT_GT(undamaged, 300U);
  EXPECT_GT(misses, 50U);
  EXPECT_GT(stores, 25U);
}

// `compact --replace` may put a copy there between the look at the footer and the reading.
TEST(Plan, ReadsATapeThatTookThePlaceOfTheOneThatWasFound) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.tape";
  const auto write = [&](Layout layout, std::uint64_t batch_bytes) {
    TapeHeader header;
    header.tape_id = random_id();
    header.origin = {Id128{}, "a", 1, false};
    header.layout = layout;
    TapeOptions options;
    options.batch_bytes = batch_bytes;
    StringSink sink;
    TapeWriter writer(sink, header, options);
    WireDecoder decoder;
    EventBatch batch;
    const std::string frame =
        R"({"conn_meta":{"id":"a","tenant":"t"},"payload":"Closed","when":"2026-08-04T21:00:00Z"})";
    for (std::uint64_t sequence = 1; sequence <= 50; ++sequence) {
      batch.clear();
      Event& event = decoder.decode(frame, Opcode::Text, batch);
      event.sequence = sequence;
      event.received = 1000;
      writer.add(event);
      if (sequence % 20 == 0) writer.end_group();
    }
    writer.seal({}, 1);
    testing::write_file(path, sink.text());
  };
  for (const std::uint64_t room : {std::uint64_t{0}, Footers::kMostBytes}) {
    write(Layout::Interleaved, 500);
    Footers footers(room);
    const std::vector<TapeFile> found = describe_tapes(list_tapes({path}), footers);
    write(Layout::TwoFrames, 5000);
    Selection selection;
    selection.request = parse_request(R"({"tenant":["t"]})");
    const Answered answered = answer(found, selection, true);
    EXPECT_EQ(answered.events.size(), 50U);
    EXPECT_TRUE(answered.damage.empty());
  }
}

// Their indexes promise nothing but times and sequences.
TEST(Plan, ReadsTapesFromBeforeAsAWhole) {
  for (const std::string name : {"recorded", "written", "levels"}) {
    const std::vector<TapeFile> tapes =
        find_tapes({testing::golden_path("tapes/version-1-" + name + ".tape")});
    ASSERT_TRUE(tapes.front().sealed && tapes.front().received && tapes.front().sequences) << name;
    const TimeSpan received = *tapes.front().received;
    Selection nobody;
    nobody.request = parse_request(R"({"tenant":["nobody"]})");
    nobody.scope = Scope::Strict;
    Selection last_moment;
    last_moment.window.since = received.last;
    for (const Selection& selection : {nobody, last_moment, Selection{}}) {
      const Answered whole = answer(tapes, selection, false);
      const Answered planned = answer(tapes, selection, true);
      EXPECT_EQ(planned.events, whole.events) << name;
      EXPECT_EQ(planned.gaps, whole.gaps) << name;
      EXPECT_EQ(planned.seen, whole.seen) << name;
      EXPECT_EQ(planned.groups_left_out, 0U) << name;
      EXPECT_GT(planned.groups_read, 0U) << name;
    }
    Selection later;
    later.window.since = received.last + 1;
    EXPECT_EQ(answer(tapes, later, true).groups_read, 0U) << name;
  }
}

// They stand beside the events, and a copy keeps them.
TEST(Plan, GivesTheClockReadingsOfWhatIsRead) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.tape";
  TapeHeader header;
  header.tape_id = random_id();
  StringSink sink;
  TapeWriter writer(sink, header, {});
  for (std::int64_t i = 1; i <= 3; ++i) {
    writer.add(ClockReading{i, i, i});
    writer.end_group();
  }
  writer.seal({}, 1);
  testing::write_file(path, sink.text());
  const std::vector<TapeFile> tapes = find_tapes({path});
  const auto pool = std::make_shared<GroupPool>(2);
  const auto question = std::make_shared<Question>(Selection{}, Question::Mode::Choose, nullptr);
  for (const bool by_plan : {false, true}) {
    Inputs inputs(by_plan ? planned(tapes, {question, pool}) : tapes);
    std::vector<std::int64_t> times;
    for (EventBatch batch; inputs.next(batch);) {
      for (const ClockReading& clock : batch.clocks)
        times.push_back(clock.boottime);
    }
    EXPECT_THAT(times, ::testing::ElementsAre(1, 2, 3)) << by_plan;
  }
}

// Whether that made a difference has to be told.
TEST(Question, LooksAtGroupsOverWhichTheManualAndALiveServerDiffer) {
  GroupIndex index;
  index.index_version = kIndexVersion;
  index.events = 1;
  for (const char* key : {"recipient", "tenant"}) {
    PropertySummary& summary = index.summaries.emplace_back();
    summary.key = key;
    summary.values = {{"\"other\"", false}};
  }
  const auto why_not = [&](const char* request, Scope scope) {
    Selection selection;
    selection.request = parse_request(request);
    selection.scope = scope;
    return Question(selection, Question::Mode::Choose, nullptr).why_not(index);
  };
  EXPECT_EQ(why_not(R"({"tenant":["acme"]})", Scope::Event), Skipped::Property);
  EXPECT_EQ(why_not(R"({"rcpt_to":["bob"]})", Scope::Strict), Skipped::Property);
  EXPECT_EQ(why_not(R"({"rcpt_to":["bob"]})", Scope::Event), Skipped::Property);
  index.summaries[0].values = {{"\"other\"", true}};  // a list, which the live server passes
  index.summaries[0].lists = true;
  EXPECT_EQ(why_not(R"({"rcpt_to":["bob"]})", Scope::Event), std::nullopt);
  EXPECT_EQ(why_not(R"({"rcpt_to":["bob"]})", Scope::Strict), Skipped::Property);
}

// A row that lists not all of a session's values may hide what is denied.
TEST(Question, AsksTheEventsWhereARowDoesNotTellWhatIsDenied) {
  GroupIndex index;
  index.index_version = kIndexVersion;
  index.events = 1;
  SessionRows rows;
  rows.rows.resize(1);
  rows.rows[0].id = "a";
  SessionRows::Property& tenant = rows.properties.emplace_back();
  tenant.key = "tenant";
  tenant.listed_until = {0};
  tenant.hashed_until = {0};
  Selection selection;
  selection.denied = parse_request(R"({"tenant":["acme"]})").allowed;
  selection.scope = Scope::Session;
  for (const std::uint8_t flags : {std::uint8_t{0}, kMoreFlag}) {
    tenant.flags = {flags};
    const auto pass = new_pass(selection);
    Question question(selection, Question::Mode::Collect, pass);
    EXPECT_EQ(question.rows_answer(index, rows), flags == 0);
    EXPECT_EQ(pass->sessions.session_count(), flags == 0 ? 1U : 0U);
  }
}

}  // namespace
}  // namespace smtptape
