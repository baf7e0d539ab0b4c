// The index of a group tells the truth about its events, compared with a model that counts them one
// by one.
#include "format/tape/session_rows.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "format/limits.h"
#include "format/tape/hash_filter.h"
#include "tests/format/made_tape.h"
#include "tests/format/rows_model.h"

namespace smtptape {
namespace {

using ::testing::IsEmpty;
using testing::kModelKeys;
using testing::ModelEvent;
using testing::ModelGap;
using testing::ModelTape;

Recorded recorded(const ModelTape& model) {
  StringSink sink;
  TapeOptions options;
  options.indexed_keys = kModelKeys;
  TapeWriter writer(sink, header_of(Layout::Interleaved), options);
  WireDecoder decoder;
  EventBatch batch;
  auto gap = model.gaps.begin();
  for (std::size_t i = 0; i < model.events.size(); ++i) {
    const ModelEvent& from = model.events[i];
    for (; gap != model.gaps.end() && gap->told_before == i; ++gap) {
      Gap told;
      told.after_sequence = gap->after;
      writer.add(told);
    }
    if (i > 0 && from.group != model.events[i - 1].group) writer.end_group();
    batch.clear();
    const std::string frame = frame_of(from);
    Event& event = decoder.decode(frame, Opcode::Text, batch);
    event.sequence = from.sequence;
    event.received = from.received;
    event.trimmed = from.trimmed_to != 0;
    if (event.trimmed) event.length = from.trimmed_to;
    writer.add(event);
  }
  writer.seal({}, 0);
  return indexes_of(sink.text());
}

// ---- properties ----

using Values = std::set<SummaryValue>;

// Of one key in some events.
struct Held {
  bool absent = false;
  bool incomparable = false;
  bool lists = false;
  std::vector<SummaryValue> values;  // distinct, in order

  void add(const testing::ModelValue& value) {
    absent |= !value.present;
    lists |= value.is_list;
    incomparable |= value.present && value.texts.empty();
    for (const std::string& json : value.texts) {
      const SummaryValue one{json, value.is_list};
      if (std::find(values.begin(), values.end(), one) == values.end()) values.push_back(one);
    }
  }
};

Held held_by(const std::vector<const ModelEvent*>& events, const std::string& key) {
  Held held;
  for (const ModelEvent* const event : events) {
    const auto value = event->values.find(key);
    held.add(value == event->values.end() ? testing::ModelValue{} : value->second);
  }
  return held;
}

bool can_be_listed(const SummaryValue& value) {
  return value.json.size() <= kMostListedBytes;
}

void expect_summary(const PropertySummary& summary, const Held& held) {
  EXPECT_EQ(summary.absent, held.absent);
  EXPECT_EQ(summary.incomparable, held.incomparable);
  EXPECT_EQ(summary.lists, held.lists);
  for (const SummaryValue& value : held.values)
    EXPECT_TRUE(summary.may_hold(value.json, value.in_list)) << value.json;
  std::uint64_t bytes = 0;
  for (const SummaryValue& value : held.values)
    bytes += value.json.size();
  const bool complete = held.values.size() <= kMostSummaryValues && bytes <= kMostSummaryBytes &&
                        std::all_of(held.values.begin(), held.values.end(), can_be_listed);
  EXPECT_EQ(summary.complete, complete);
  const Values all(held.values.begin(), held.values.end());
  if (complete) {
    EXPECT_EQ(Values(summary.values.begin(), summary.values.end()), all);
    EXPECT_TRUE(std::is_sorted(summary.values.begin(), summary.values.end()));
  }
  int wrong = 0;
  for (int i = 0; i < 1000; ++i)
    wrong += summary.may_hold("\"other " + std::to_string(i) + "\"", i % 2 == 0) ? 1 : 0;
  EXPECT_LE(wrong, complete ? 0 : 60);
}

void expect_property(const SessionRows::Property& property, std::size_t row, const Held& held) {
  const RowProperty got = property.of_row(row);
  EXPECT_EQ(got.absent, held.absent);
  EXPECT_EQ(got.incomparable, held.incomparable);
  EXPECT_EQ(got.lists, held.lists);
  EXPECT_TRUE(got.complete);
  std::vector<SummaryValue> listed;
  for (const std::uint32_t place : got.values)
    listed.push_back(property.values.at(place));
  std::vector<SummaryValue> expected;
  std::vector<std::uint64_t> hashes;
  for (const SummaryValue& value : held.values) {
    if (can_be_listed(value) && expected.size() < kMostListedValues) {
      expected.push_back(value);
    } else {
      hashes.push_back(value_hash(value.json, value.in_list));
    }
  }
  EXPECT_EQ(listed, expected);
  EXPECT_EQ(std::vector(got.hashes.begin(), got.hashes.end()), hashes);
}

// ---- sessions ----

void expect_decisions(const SessionRow& row, const std::vector<const ModelEvent*>& events) {
  std::array<std::uint32_t, 6> decided{};
  std::uint32_t recipients = 0;
  for (const ModelEvent* const event : events) {
    for (std::size_t i = 0; i < decided.size(); ++i)
      decided[i] += event->decides[i];
    if (event->kind == EventKind::Write && event->text.starts_with("RCPT")) ++recipients;
  }
  EXPECT_EQ(row.recipients, recipients);
  EXPECT_EQ(row.accepted, decided[2]);
  EXPECT_EQ(row.deferred, decided[4]);
  EXPECT_EQ(row.refused, decided[5]);
}

void expect_counts(const SessionRow& row, const std::vector<const ModelEvent*>& events) {
  SessionRow want;
  want.first_received = want.last_received = events.front()->received;
  bool closed = false;
  for (const ModelEvent* const event : events) {
    want.first_received = std::min(want.first_received, event->received);
    want.last_received = std::max(want.last_received, event->received);
    if (event->kind == EventKind::Connected) ++want.connections;
    if (event->kind == EventKind::MessageObtained) ++want.messages;
    if (event->kind == EventKind::Read) want.bytes_read += event->text.size();
    if (event->kind == EventKind::Write) {
      want.bytes_written += std::max<std::uint64_t>(event->text.size(), event->trimmed_to);
    }
    if (event->kind == EventKind::AbbreviatedWrite) want.bytes_written += 5000;
    if (event->kind == EventKind::BeginSession) want.opened = true;
    if (event->kind == EventKind::Connected) closed = false;
    if (event->kind == EventKind::Closed) closed = true;
    if (event->text.starts_with("STARTTLS handshake ->")) want.tls = Tls::Tls13;
    if (event->text.starts_with("STARTTLS handshake failed")) want.tls = Tls::Failed;
  }
  EXPECT_EQ(row.first_sequence, events.front()->sequence);
  EXPECT_EQ(row.last_sequence, events.back()->sequence);
  EXPECT_EQ(row.first_received, want.first_received);
  EXPECT_EQ(row.last_received, want.last_received);
  EXPECT_EQ(row.connections, want.connections);
  EXPECT_EQ(row.messages, want.messages);
  EXPECT_EQ(row.bytes_read, want.bytes_read);
  EXPECT_EQ(row.bytes_written, want.bytes_written);
  EXPECT_EQ(row.opened, want.opened);
  EXPECT_EQ(row.closed, closed);
  EXPECT_EQ(row.tls, want.tls);
}

// Of a session that is known from its beginning.
void expect_replies(const SessionRow& row, const std::vector<const ModelEvent*>& events) {
  std::uint16_t last = 0;
  std::uint16_t worst = 0;
  for (const ModelEvent* const event : events) {
    if (event->reply != 0) last = event->reply;
    worst = std::max(worst, event->worst);
  }
  EXPECT_EQ(row.last_reply, last);
  EXPECT_EQ(row.worst_reply, worst);
}

// What the rows of one session have come to, from group to group.
struct Chain {
  const ModelEvent* start = nullptr;  // what it is known from
  bool connected = true;              // as far as is known
  bool handed_on = false;             // by its last row, to the next one

  [[nodiscard]] bool begins() const { return start->kind == EventKind::BeginSession; }
};
using Chains = std::map<std::string, Chain>;

// What is known of the gaps up to the end of the group.
bool touched(const ModelTape& model,
             const Chain& chain,
             const std::vector<const ModelEvent*>& events,
             std::size_t group,
             bool closed) {
  return std::any_of(model.gaps.begin(), model.gaps.end(), [&](const ModelGap& gap) {
    if (gap.group > group || (chain.begins() && gap.after < chain.start->sequence)) return false;
    return gap.group < group || !closed || gap.after < events.back()->sequence;
  });
}

class GroupModel {
 public:
  GroupModel(const ModelTape& model, std::size_t group, Chains& chains)
      : model_(model), group_(group), chains_(chains) {
    for (const ModelEvent& event : model.events) {
      if (event.group != group) continue;
      all_.push_back(&event);
      if (event.session) sessions_[*event.session].push_back(&event);
    }
  }

  void expect(const GroupIndex& index) const {
    EXPECT_EQ(index.index_version, kIndexVersion);
    for (std::size_t key = 0; key < kModelKeys.size(); ++key) {
      SCOPED_TRACE(kModelKeys[key]);
      EXPECT_EQ(index.summaries.at(key).key, kModelKeys[key]);
      expect_summary(index.summaries.at(key), held_by(all_, kModelKeys[key]));
    }
    expect_message_ids(index);
    const SessionRows rows = read_rows(index);
    EXPECT_EQ(rows.rows.size(), sessions_.size());
    EXPECT_EQ(index.sessions, sessions_.size());
    for (std::size_t i = 0; i < rows.rows.size(); ++i)
      expect_row(rows, i);
    for (const ModelGap& gap : model_.gaps)
      if (gap.group == group_) break_chains(gap);
  }

 private:
  void expect_message_ids(const GroupIndex& index) const {
    for (const ModelEvent* const event : all_) {
      EXPECT_TRUE(!event->message_id || may_hold_message_id(index, *event->message_id));
    }
    int wrong = 0;
    for (int i = 0; i < 1000; ++i)
      wrong += may_hold_message_id(index, "\"other " + std::to_string(i) + "\"") ? 1 : 0;
    EXPECT_LE(wrong, 20);
  }

  void expect_row(const SessionRows& rows, std::size_t place) const {
    const SessionRow& row = rows.rows[place];
    const auto found = std::find_if(sessions_.begin(), sessions_.end(), [&row](const auto& each) {
      return row.may_be(each.first);
    });
    ASSERT_NE(found, sessions_.end()) << row.id;
    SCOPED_TRACE(found->first);
    const std::vector<const ModelEvent*>& events = found->second;
    EXPECT_EQ(row.id_hashed, found->first.size() > kMostListedBytes);
    expect_counts(row, events);
    expect_dialogue(row, chains_[found->first], events);
    for (std::size_t key = 0; key < kModelKeys.size(); ++key) {
      SCOPED_TRACE(kModelKeys[key]);
      expect_property(rows.properties.at(key), place, held_by(events, kModelKeys[key]));
    }
  }

  void expect_dialogue(const SessionRow& row,
                       Chain& chain,
                       const std::vector<const ModelEvent*>& events) const {
    EXPECT_EQ(row.goes_on, chain.handed_on);
    if (!row.goes_on) chain = {events.front(), events.front()->kind != EventKind::BeginSession};
    for (const ModelEvent* const event : events) {
      if (event->kind == EventKind::Connected) chain.connected = true;
      if (event->kind == EventKind::Closed) chain.connected = false;
    }
    EXPECT_EQ(row.gap, touched(model_, chain, events, group_, row.closed));
    // From the middle on, what is taken for a command's reply may be another's, until it rests.
    if (row.decided || (row.sure && chain.begins())) expect_decisions(row, events);
    if (row.sure && chain.begins()) expect_replies(row, events);
    EXPECT_TRUE(row.sure || row.gap || !chain.begins()) << "could be known";
    EXPECT_FALSE(row.sure && row.gap);
    EXPECT_TRUE(!row.decided || (row.sure && row.rests));
    EXPECT_TRUE(row.decided || row.goes_on || !row.sure || !row.rests);
    chain.handed_on = row.sure && !row.id_hashed && (chain.connected || !row.rests);
  }

  void break_chains(const ModelGap& gap) const {
    for (auto& [id, chain] : chains_) {
      if (!chain.begins() || gap.after >= chain.start->sequence) chain.handed_on = false;
    }
  }

  const ModelTape& model_;
  std::size_t group_;
  Chains& chains_;
  std::vector<const ModelEvent*> all_;
  std::map<std::string, std::vector<const ModelEvent*>> sessions_;
};

TEST(SessionRows, TheIndexSaysWhatAModelCounts) {
  for (unsigned seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    const ModelTape model = testing::random_model(seed);
    const Recorded got = recorded(model);
    ASSERT_EQ(got.indexes.size(), model.groups);
    Chains chains;
    for (std::size_t group = 0; group < model.groups && !HasFailure(); ++group) {
      SCOPED_TRACE("group " + std::to_string(group));
      GroupModel(model, group, chains).expect(got.indexes[group]);
      GroupIndex in_footer = got.footer.groups.at(group);
      for (std::size_t key = 0; key < kModelKeys.size(); ++key) {
        EXPECT_EQ(in_footer.summaries.at(key).values, got.indexes[group].summaries.at(key).values);
        EXPECT_EQ(in_footer.summaries.at(key).filter, got.indexes[group].summaries.at(key).filter);
      }
      EXPECT_EQ(in_footer.message_ids, got.indexes[group].message_ids);
      EXPECT_THAT(in_footer.rows, IsEmpty());
    }
  }
}

}  // namespace
}  // namespace smtptape
