#include "format/tape/batch_records.h"

#include <algorithm>
#include <string>

#include <capnp/any.h>

#include "base/error.h"
#include "format/limits.h"

namespace smtptape {

namespace {

// What a frame takes in a tape, at least.
constexpr std::uint64_t kStoredFrame = 16;

// Something stands behind the fields that we know.
template <class Struct>
bool is_newer(const typename Struct::Reader& from) {
  constexpr capnp::_::StructSize known = capnp::_::structSize<Struct>();
  const auto any = capnp::toAny(from);
  const auto pointers = any.getPointerSection();
  for (unsigned i = known.pointers; i < pointers.size(); ++i) {
    if (!pointers[i].isNull()) return true;
  }
  const auto data = any.getDataSection();
  return std::any_of(data.begin() + std::min<std::size_t>(data.size(), known.data * 8U),
                     data.end(),
                     [](kj::byte byte) { return byte != 0; });
}

template <class Struct>
bool any_newer(const std::vector<typename Struct::Reader>& all) {
  return std::any_of(
      all.begin(), all.end(), [](const auto& each) { return is_newer<Struct>(each); });
}

}  // namespace

BatchMessages::Message BatchMessages::next() {
  if (left_.size() == 0) return {nullptr, {}};
  const auto* const start = reinterpret_cast<const char*>(left_.begin());
  readers_.emplace_back(left_, reader_options(left_.asBytes().size()));
  left_ = {readers_.back().getEnd(), left_.end()};
  const auto* const end = reinterpret_cast<const char*>(left_.begin());
  return {&readers_.back(), {start, static_cast<std::size_t>(end - start)}};
}

void BatchRecords::add(BatchMessages& messages) {
  for (BatchMessages::Message message = messages.next(); message.reader != nullptr;
       message = messages.next()) {
    bytes += message.bytes.size();
    if (++records > kMostBatchRecords) {
      throw Error("the records of a batch are over the limit of " +
                  std::to_string(kMostBatchRecords));
    }
    add(message.reader->getRoot<tape::Record>(), message.bytes);
  }
}

bool BatchRecords::has_newer_fields() const {
  const bool in_events = events && is_newer<tape::Events>(*events);
  const bool in_metas = std::any_of(metas.begin(), metas.end(), [](const auto& each) {
    return each.getList().size() > 0 && is_newer<tape::Meta>(each.getList()[0]);
  });
  const bool in_frames = frames.size() > 0 && is_newer<tape::Frame>(frames[0]);
  return in_events || in_metas || in_frames || any_newer<tape::Origin>(origins) ||
         any_newer<tape::Gap>(gaps) || any_newer<tape::Note>(notes) ||
         any_newer<tape::Clock>(clocks);
}

void BatchRecords::add(tape::Record::Reader record, std::string_view whole) {
  switch (static_cast<RecordKind>(record.getKind())) {
    case RecordKind::Events: events = record.getEvents(); return;
    case RecordKind::PayloadBySession: order = PayloadOrder::BySession; [[fallthrough]];
    case RecordKind::Payload: text = as_view(record.getPayload().getText()); return;
    case RecordKind::Metas: metas.push_back(record.getMetas()); return;
    case RecordKind::Gap: gaps.push_back(record.getGap()); return;
    case RecordKind::Note: notes.push_back(record.getNote()); return;
    case RecordKind::Verbatim:
      frames = of_bytes(whole.size(), kStoredFrame, record.getVerbatim().getList(), "frames");
      return;
    case RecordKind::Origin: origins.push_back(record.getOrigin()); return;
    case RecordKind::Clock: clocks.push_back(record.getClock()); return;
    case RecordKind::Batch: return;
  }
  foreign.push_back(whole);
}

}  // namespace smtptape
