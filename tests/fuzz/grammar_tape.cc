#include "tests/fuzz/grammar_tape.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include <capnp/any.h>

#include "base/hash.h"
#include "format/limits.h"
#include "format/tape/batch_head.h"
#include "format/tape/column.h"
#include "format/tape/compressor.h"
#include "format/tape/messages.h"
#include "format/tape/section.h"
#include "tests/fuzz/choices.h"

namespace smtptape {

namespace {

using namespace std::string_view_literals;

constexpr std::array kKeys{"egress_pool"sv, "id"sv, "message_id"sv, "recipient"sv, "tenant"sv};
constexpr std::array kValues{R"("a")"sv,
                             R"("b@x.example")"sv,
                             R"(["a","b"])"sv,
                             "null"sv,
                             "17"sv,
                             R"({"k":[1,{}]})"sv,
                             R"("\u0000\n")"sv};
constexpr std::array kTexts{
    "220 mx ESMTP\r\n"sv, "MAIL FROM:<a@b.example>\r\n"sv, "\0\xff\x80"sv, ""sv, "250 OK\r\n"sv};
constexpr std::array kFrames{
    ""sv,
    "not json \xff"sv,
    R"({"conn_meta":null,"payload":{"Diagnostic":["WARN","1 lagged"]},"when":"2026-08-04T13:54:50Z"})"sv,
    R"({ "conn_meta":{"id":"a"},"payload":"Closed","when":"2026-08-04T13:54:50Z"})"sv};

// Bytes that a piece comes to when it is repeated.
constexpr std::uint64_t kMostRepeated = 6 * kMiB;

class Grammar {
 public:
  explicit Grammar(std::string_view bytes) : choices_(bytes) {
    made_.honest = choices_.byte() < 128;
    lies_from_ = choices_.one_of(std::array<std::uint8_t, 3>{240, 250, 254});
    for (std::size_t i = 0; i < header_.tape_id.bytes.size(); ++i)
      header_.tape_id.bytes[i] = static_cast<std::uint8_t>(i + 1);
    header_.origin = {header_.tape_id, "mta-1", 7, false};
    header_.layout = choices_.below(2) == 0 ? Layout::Interleaved : Layout::TwoFrames;
    header_.first_sequence = sequence_ = 1 + choices_.below(1000);
  }

  GrammarTape make() {
    add_header();
    for (std::uint64_t groups = choices_.below(4); groups > 0; --groups)
      add_group();
    made_.sealed = choices_.below(4) != 3;
    if (made_.sealed) add_footer();
    if (lie()) move_a_piece();
    return std::move(made_);
  }

 private:
  bool lie() { return !made_.honest && choices_.byte() >= lies_from_; }
  // The value, or another one.
  std::uint64_t or_lie(std::uint64_t value) { return lie() ? choices_.number() : value; }

  // --- messages ---

  template <class Fill>
  std::string message(Fill fill) {
    // Small segments: the rest of the message is reached by far pointers.
    const bool pieces = choices_.below(4) == 3;
    capnp::MallocMessageBuilder builder(pieces ? 4 : 1024,
                                        pieces ? capnp::AllocationStrategy::FIXED_SIZE
                                               : capnp::AllocationStrategy::GROW_HEURISTICALLY);
    fill(builder);
    std::string bytes;
    append_message(bytes, builder);
    if (lie()) spoil(bytes);
    return bytes;
  }
  template <class Fill>
  std::string record(RecordKind kind, Fill fill) {
    return message([&](capnp::MessageBuilder& builder) {
      auto root = builder.initRoot<tape::Record>();
      root.setKind(static_cast<std::uint16_t>(or_lie(static_cast<std::uint64_t>(kind))));
      fill(root);
    });
  }

  // A pointer as Cap'n Proto writes it.
  std::uint64_t some_pointer(std::size_t at, std::size_t words) {
    const auto offset = static_cast<std::uint32_t>(choices_.below(words) - at - 1) << 2;
    const std::uint64_t count = choices_.number() & 0x1fffffff;
    switch (choices_.below(4)) {
      case 0:  // a struct
        return offset | choices_.below(4) << 32 | choices_.below(4) << 48;
      case 1:  // a list: of nothing, bytes, words, pointers, structs …
        return offset | 1U | (count << 3 | choices_.below(8)) << 32;
      case 2:  // far, perhaps twice
        return 2U | choices_.below(words) << 3 | choices_.below(2) << 2 | choices_.below(4) << 32;
      default: return choices_.number();
    }
  }
  // The same pointer goes to many places, so that all of them mean one object.
  void spoil(std::string& bytes) {
    const std::size_t words = bytes.size() / 8;
    if (words < 2) return;
    std::size_t at = choices_.below(words);
    std::uint64_t pointer = some_pointer(at, words);
    const std::size_t step = 1 + choices_.below(4);
    for (std::uint64_t times = 1 + (lie() ? choices_.below(5000) : choices_.below(3));
         times > 0 && at < words;
         --times, at += step) {
      std::memcpy(bytes.data() + 8 * at, &pointer, 8);
      pointer -= (pointer & 2U) == 0 ? 4 * step : 0;  // it counts from where it stands
    }
  }
  template <class Builder>
  void claim_empty_structs(Builder of) {
    capnp::AnyStruct::Builder any = capnp::toAny(of);
    auto pointers = any.getPointerSection();
    if (pointers.size() == 0) return;
    pointers[static_cast<unsigned>(choices_.below(pointers.size()))].initAsListOfAnyStruct(
        0, 0, count32(choices_.number() % (1U << 29)));
  }

  std::string text() {
    std::string text(choices_.one_of(kTexts));
    if (choices_.seldom()) text.append(choices_.bytes(64));
    if (choices_.seldom()) text.resize(choices_.below(256 * kKiB), 'x');
    return text;
  }

  // --- records ---

  struct Batch {
    std::string columns;  // or everything, when there is one frame
    std::string payload;
    std::uint32_t events = 0;
  };

  void add_origins(Batch& batch) {
    if (origins_ > 0 && choices_.below(4) != 3) return;
    ++origins_;
    batch.columns += record(RecordKind::Origin, [&](tape::Record::Builder root) {
      Origin origin = header_.origin;
      origin.source += std::string(origins_ - 1, '+');
      write_origin(root.initOrigin(), origin);
      if (lie()) claim_empty_structs(root);
    });
  }

  void add_metas(Batch& batch) {
    const std::uint64_t count = or_lie(choices_.below(4)) % 2000;
    if (count == 0) return;
    batch.columns += record(RecordKind::Metas, [&](tape::Record::Builder root) {
      auto metas = root.initMetas();
      auto list = metas.initList(count32(count));
      for (auto meta : list)
        fill_meta(meta);
      if (lie()) claim_empty_structs(metas);
    });
  }

  void fill_meta(tape::Meta::Builder meta) {
    const bool other = choices_.below(8) == 7;
    if (other) meta.setJson(as_data(choices_.one_of(kValues)));
    if (!other) {
      meta.setParent(count32(or_lie(choices_.below(metas_ + 1))));
      const std::size_t first = choices_.below(kKeys.size());
      auto set = meta.initSet(count32(choices_.below(kKeys.size() - first + 1)));
      for (unsigned i = 0; i < set.size(); ++i) {
        set[i].setKey(as_data(lie() ? choices_.bytes(8) : kKeys[first + i]));
        set[i].setJson(as_data(lie() ? choices_.bytes(8) : choices_.one_of(kValues)));
        if (lie()) set[i].setJson(as_data('"' + std::string(choices_.below(kMiB), 'x') + '"'));
      }
      if (set.size() == 0 && choices_.below(2) == 1)
        meta.initRemoved(1).set(0, as_data(choices_.one_of(kKeys)));
    }
    if (lie()) claim_empty_structs(meta);
    ++metas_;
  }

  struct Columns {
    std::vector<std::int64_t> skipped, when, received, kind, meta, length, flags, origin;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> original;
    std::string text;
    std::vector<std::string_view> frames;
  };

  void add_event(Columns& to) {
    constexpr std::array<std::uint8_t, 9> kAll{0, 1, 2, 3, 4, 5, 6, 7, 255};
    const auto count = count32(to.kind.size());
    const std::uint8_t kind = lie() ? choices_.byte() : choices_.one_of(kAll);
    const auto meta = static_cast<std::int64_t>(or_lie(choices_.below(metas_ + 1)));
    const bool verbatim = choices_.below(8) == 7;
    const bool silent = kind < 3 || kind == 6;
    std::string text_of = kind == 5 ? "WARN\n" + text() : text();
    if (verbatim || (silent && !lie())) text_of.clear();
    const std::int64_t skipped = choices_.below(8) == 7 ? static_cast<std::int64_t>(or_lie(3)) : 0;
    to.skipped.push_back(count == 0 ? 0 : skipped);
    sequence_ += static_cast<std::uint64_t>(to.skipped.back());
    to.when.push_back(static_cast<std::int64_t>(or_lie(choices_.below(1000))));
    to.received.push_back(static_cast<std::int64_t>(or_lie(choices_.below(1000))));
    if (count == 0) to.when.back() = to.received.back() = 0;
    to.kind.push_back(kind);
    to.meta.push_back(meta);
    to.length.push_back(static_cast<std::int64_t>(or_lie(text_of.size())));
    to.flags.push_back((verbatim ? kVerbatimFlag : 0) | (choices_.seldom() ? kTrimmedFlag : 0));
    to.origin.push_back(static_cast<std::int64_t>(or_lie(choices_.below(origins_))));
    if (kind == 7 && !verbatim) to.original.emplace_back(or_lie(count), text_of.size() + 2);
    if (verbatim) to.frames.push_back(choices_.one_of(kFrames));
    to.text += text_of;
    ++sequence_;
  }

  void add_events(Batch& batch) {
    const std::uint64_t first = sequence_;
    Columns columns;
    for (std::uint64_t count = choices_.below(6); count > 0; --count)
      add_event(columns);
    if (columns.kind.empty() && !lie()) return;
    if (lie()) repeat_last(columns);
    batch.events = count32(columns.kind.size());
    batch.columns += record(RecordKind::Events, [&](tape::Record::Builder root) {
      fill_events(root.initEvents(), columns, first);
    });
    std::string& payload = two_frames() ? batch.payload : batch.columns;
    if (!columns.text.empty()) {
      payload += record(RecordKind::Payload, [&](tape::Record::Builder root) {
        root.initPayload().setText(as_data(columns.text));
      });
    }
    if (columns.frames.empty()) return;
    payload += record(RecordKind::Verbatim, [&](tape::Record::Builder root) {
      auto list = root.initVerbatim().initList(count32(columns.frames.size()));
      for (unsigned i = 0; i < list.size(); ++i) {
        list[i].setBytes(as_data(columns.frames[i]));
        list[i].setOpcode(static_cast<std::uint8_t>(or_lie(1)));
      }
      if (lie()) claim_empty_structs(root.getVerbatim());
    });
  }

  // Many that cost a few bytes each.
  void repeat_last(Columns& columns) {
    const std::size_t count = choices_.number() % 300'000;
    for (std::vector<std::int64_t>* const column : {&columns.skipped,
                                                    &columns.when,
                                                    &columns.received,
                                                    &columns.kind,
                                                    &columns.meta,
                                                    &columns.flags,
                                                    &columns.origin}) {
      column->resize(count, column->empty() ? 0 : column->back());
    }
    columns.length.resize(count);
  }

  void fill_events(tape::Events::Builder to, const Columns& columns, std::uint64_t first) {
    to.setCount(count32(or_lie(columns.kind.size())));
    to.setFirstSequence(or_lie(first));
    to.setFirstWhen(static_cast<std::int64_t>(or_lie(1'785'851'690'120'000'000)));
    to.setFirstReceived(static_cast<std::int64_t>(or_lie(1'785'851'690'120'000'000)));
    fill_list(to.initKind(count32(columns.kind.size())), columns.kind);
    write(columns.skipped, [&] { return to.initSkipped(); });
    write(columns.when, [&] { return to.initWhen(); });
    if (choices_.below(4) != 3) write(columns.received, [&] { return to.initReceived(); });
    write(columns.meta, [&] { return to.initMeta(); });
    write(columns.length, [&] { return to.initLength(); });
    write(columns.flags, [&] { return to.initFlags(); });
    write(columns.origin, [&] { return to.initOrigin(); });
    auto original = to.initOriginal(count32(columns.original.size()));
    for (unsigned i = 0; i < original.size(); ++i) {
      original[i].setIndex(columns.original[i].first);
      original[i].setLength(columns.original[i].second);
    }
    if (lie()) claim_empty_structs(to);
  }
  template <class Init>
  void write(const std::vector<std::int64_t>& values, Init init) {
    if (!lie()) return write_column(values, init);
    init().initU8(count32(choices_.number() % 300'000));
  }

  Gap some_gap() {
    Gap gap;
    gap.cause = static_cast<GapCause>(or_lie(1 + choices_.below(6)));
    if (choices_.below(2) == 1) gap.count = or_lie(choices_.below(100));
    gap.after_sequence = or_lie(sequence_ - 1);
    gap.before_sequence = or_lie(sequence_);
    gap.from = static_cast<std::int64_t>(or_lie(1'785'851'690'120'000'000));
    gap.until = static_cast<std::int64_t>(or_lie(1'785'851'690'120'001'000));
    gap.detail = choices_.one_of(kTexts);
    return gap;
  }

  void add_beside(Batch& batch, GroupIndex& index) {
    std::string some;
    switch (choices_.below(8)) {
      case 4: {
        const Gap gap = some_gap();
        some = record(RecordKind::Gap, [&](tape::Record::Builder root) {
          write_gap(root.initGap(), gap, static_cast<std::uint16_t>(or_lie(0)));
        });
        index.gaps.push_back(gap);
        ++index.gap_count;
        ledger_.count(gap);
        break;
      }
      case 5:
        some = record(RecordKind::Clock, [&](tape::Record::Builder root) {
          root.initClock().setRealtime(static_cast<std::int64_t>(choices_.number()));
        });
        break;
      case 6: {
        const Note note{"key", std::string(choices_.one_of(kTexts))};
        some = record(RecordKind::Note, [&](tape::Record::Builder root) {
          auto to = root.initNote();
          to.setKey(as_data(note.key));
          to.setValue(as_data(note.value));
          if (lie()) claim_empty_structs(to);
        });
        notes_.push_back(note);
        break;
      }
      case 7: some = record(static_cast<RecordKind>(77), [](tape::Record::Builder) {}); break;
      default: return;
    }
    if (lie()) some = repeated(some);
    batch.columns += some;
  }

  std::string repeated(const std::string& piece) {
    std::string all;
    const std::uint64_t most = piece.empty() ? 0 : choices_.number() % kMostRepeated;
    while (all.size() < most)
      all += piece;
    return all;
  }

  // --- groups ---

  [[nodiscard]] bool two_frames() const { return header_.layout == Layout::TwoFrames; }

  void add_header() {
    TapeHeader header = header_;
    if (lie()) header.flags.incompatible = choices_.number();
    if (lie()) header.flags.compatible = choices_.number();
    if (lie()) header.layout = static_cast<Layout>(choices_.number());
    std::string of_header = to_message(header);
    if (lie()) spoil(of_header);
    if (lie()) return;
    made_.bytes += section_frame(SectionKind::Header, header_.tape_id, header.flags, of_header);
    if (lie()) made_.bytes += section_frame(SectionKind::Header, header_.tape_id, {}, of_header);
  }

  std::string head_of(const Batch& batch,
                      std::string_view body,
                      std::uint32_t number,
                      unsigned part) {
    BatchHead head;
    head.tape_id = header_.tape_id;
    if (lie()) head.tape_id.bytes[0] ^= 1U;
    if (lie()) head.flags.incompatible = choices_.number();
    head.body_bytes = or_lie(body.size());
    head.number = count32(or_lie(number));
    head.group = count32(or_lie(group_));
    head.events = count32(or_lie(batch.events));
    head.part = static_cast<std::uint16_t>(or_lie(part));
    return batch_head_message(head, sequence_, {body});
  }

  // Compressed, with the decompressed size in `raw`.
  std::string frame_of(const std::vector<std::string>& pieces, bool flushed, std::uint64_t& raw) {
    Compressor compressor(1, lie() ? 27 : 20);
    std::string frame;
    for (const std::string& piece : pieces) {
      compressor.add(piece, frame);
      if (flushed) compressor.flush(frame);
      raw += piece.size();
    }
    compressor.end(frame);
    return frame;
  }

  void add_group() {
    GroupIndex index;
    index.number = group_ = count32(or_lie(next_group_++));
    index.offset = made_.bytes.size();
    index.first_sequence = sequence_;
    metas_ = origins_ = 0;
    std::vector<std::string> first;
    std::vector<std::string> second;
    for (std::uint32_t batches = count32(1 + choices_.below(3)), i = 0; i < batches; ++i) {
      const Batch batch = some_batch(index);
      first.push_back(head_of(batch, batch.columns, i, two_frames() ? 1 : 0) + batch.columns);
      if (two_frames()) second.push_back(head_of(batch, batch.payload, i, 2) + batch.payload);
    }
    std::string frames = frame_of(first, !two_frames(), index.column_raw_bytes);
    if (two_frames()) {
      index.column_bytes = frames.size();
      frames += frame_of(second, false, index.payload_raw_bytes);
    }
    index.bytes = frames.size();
    index.hash = hash64(frames);
    made_.bytes += frames;
    made_.events += index.events;
    index.last_sequence = sequence_ - 1;
    const std::uint64_t raw = index.column_raw_bytes + index.payload_raw_bytes;
    add_index(index);
    made_.largest_group = std::max(made_.largest_group, raw + index_bytes_);
  }

  Batch some_batch(GroupIndex& index) {
    Batch batch;
    add_origins(batch);
    add_metas(batch);
    if (lie()) add_metas(batch);
    add_beside(batch, index);
    add_events(batch);
    add_beside(batch, index);
    if (lie()) batch.columns = repeated(batch.columns);
    index.events += batch.events;
    return batch;
  }

  // Numbers of an index that are not what they should be.
  void lie_about(GroupIndex& index) {
    if (!lie()) return;
    const std::array<std::uint64_t*, 10> numbers{&index.offset,
                                                 &index.bytes,
                                                 &index.hash,
                                                 &index.column_bytes,
                                                 &index.events,
                                                 &index.first_sequence,
                                                 &index.last_sequence,
                                                 &index.gap_count,
                                                 &index.column_raw_bytes,
                                                 &index.payload_raw_bytes};
    std::uint64_t& wrong = *choices_.one_of(numbers);
    wrong = choices_.below(2) == 0 ? choices_.number() : wrong + choices_.below(9) - 4;
  }

  void add_index(GroupIndex& index) {
    index.index_version = static_cast<std::uint16_t>(or_lie(choices_.below(2)));
    if (lie()) index.first_received = static_cast<std::int64_t>(choices_.number());
    if (lie()) index.rows = compress_whole(rows());
    lie_about(index);
    if (!lie()) {
      const std::string of_index = message([&](capnp::MessageBuilder& builder) {
        copy_message(builder.initRoot<tape::GroupIndex>(), to_message(index));
      });
      index_bytes_ = of_index.size();
      made_.bytes += section_frame(SectionKind::Index, header_.tape_id, {}, of_index);
    }
    index.rows.clear();
    lie_about(index);
    indexes_.push_back(std::move(index));
  }

  std::string rows() {
    return message([&](capnp::MessageBuilder& builder) {
      auto to = builder.initRoot<tape::SessionRows>();
      to.setCount(count32(choices_.number() % 200'000));
      to.setVersion(static_cast<std::uint16_t>(choices_.below(2)));
      to.setIds(as_data(choices_.bytes(64)));
      auto properties = to.initProperties(count32(choices_.below(70)));
      for (auto property : properties) {
        property.setValueCount(count32(choices_.number()));
        property.initHashes(count32(choices_.below(4) * 4096));
        if (lie()) claim_empty_structs(property);
      }
      if (lie()) claim_empty_structs(to);
    });
  }

  // Reads a message and builds it anew, so that lists can be claimed and segments be small.
  template <class Builder>
  void copy_message(Builder to, const std::string& bytes) {
    capnp::FlatArrayMessageReader reader(as_words(bytes), reader_options(bytes.size()));
    capnp::toAny(to).getDataSection();
    const auto from = reader.getRoot<capnp::AnyStruct>();
    auto any = capnp::toAny(to);
    const auto data = from.getDataSection();
    std::memcpy(any.getDataSection().begin(), data.begin(), data.size());
    for (unsigned i = 0; i < from.getPointerSection().size(); ++i)
      any.getPointerSection()[i].set(from.getPointerSection()[i]);
    if (lie()) claim_empty_structs(to);
  }

  void add_footer() {
    TapeFooter footer;
    footer.groups = indexes_;
    if (lie()) footer.groups.resize(choices_.below(5));
    if (lie() && !footer.groups.empty())
      footer.groups.resize(choices_.below(3000), footer.groups.front());
    footer.ledger = ledger_;
    footer.ledger.stored = or_lie(made_.events);
    footer.ledger.received = or_lie(made_.events + ledger_.total_lost().count);
    footer.notes = notes_;
    footer.notes.resize(std::min(footer.notes.size(), kMostFooterNotes));
    const std::string of_footer = message([&](capnp::MessageBuilder& builder) {
      auto to = builder.initRoot<tape::TapeFooter>();
      copy_message(to, to_message(footer));
      if (!lie()) return;
      for (auto group : to.getGroups())
        claim_empty_structs(group);
    });
    made_.footer = of_footer.size();
    if (lie()) made_.bytes.append(choices_.bytes(40));
    made_.bytes += footer_frame(header_.tape_id, {}, of_footer, or_lie(made_.bytes.size()));
  }

  // Cut out, put in once more, or cut off.
  void move_a_piece() {
    std::string& bytes = made_.bytes;
    const std::size_t from = choices_.below(bytes.size() + 1);
    const std::string piece = bytes.substr(from, choices_.below(bytes.size() + 1));
    switch (choices_.below(4)) {
      case 0: bytes.erase(from, piece.size()); return;
      case 1: bytes.insert(choices_.below(bytes.size() + 1), piece); return;
      case 2: bytes.resize(from); return;
      default: bytes.insert(from, choices_.bytes(16));
    }
  }

  Choices choices_;
  GrammarTape made_;
  std::uint8_t lies_from_ = 0;  // a byte of this or more is a lie
  TapeHeader header_;
  std::uint64_t sequence_ = 1;
  std::uint32_t group_ = 0;  // of the one that is made
  std::uint32_t next_group_ = 0;
  std::uint64_t metas_ = 0;  // of the group so far
  std::uint64_t origins_ = 0;
  std::uint64_t index_bytes_ = 0;  // of its message
  std::vector<GroupIndex> indexes_;
  std::vector<Note> notes_;
  Ledger ledger_;
};

}  // namespace

GrammarTape grammar_tape(std::string_view choices) {
  return Grammar(choices).make();
}

}  // namespace smtptape
