#include "store/merge/double_filter.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "format/tape/tape_info.h"

namespace smtptape {

DoubleFilter::DoubleFilter() : secret_(to_hex(random_id())) {
}

void DoubleFilter::add(const Id128& capture, std::size_t recorder, const std::string& url) {
  if (url.empty()) return;
  Recorders& recorders = endpoints_[url];
  const std::size_t place = recorders.try_emplace(recorder, recorders.size()).first->second;
  recordings_.try_emplace(capture, Recording{&recorders, place});
  several_ = several_ || recorders.size() > 1;
}

void DoubleFilter::leave_out(EventBatch& batch) {
  if (!several_) return;
  const Origin* latest = nullptr;
  const Recording* recording = nullptr;
  const std::size_t erased = std::erase_if(batch.events, [&](const Event& event) {
    if (event.origin != latest) {
      latest = event.origin;
      recording = recording_of(event);
    }
    return recording != nullptr && is_double(event, *recording);
  });
  left_out_ += erased;
}

const DoubleFilter::Recording* DoubleFilter::recording_of(const Event& event) const {
  if (event.origin == nullptr) return nullptr;
  const auto found = recordings_.find(event.origin->capture);
  if (found == recordings_.end()) return nullptr;
  const Recording& recording = found->second;
  const bool alone = recording.of_endpoint->size() == 1 || recording.place >= kMostRecorders;
  return alone ? nullptr : &recording;
}

// Lag notices and other frames without a session are each recorder's own.
bool DoubleFilter::is_double(const Event& event, const Recording& recording) {
  if (event.meta == nullptr || event.meta->session_id().value_or("").empty()) return false;
  forget_old(event.received);
  const std::uint64_t hash = hash_of(event);
  const auto [entry, is_new] = known_.try_emplace(hash);
  Counts& counts = entry->second;
  if (is_new) {
    const auto older = older_.find(hash);
    if (older != older_.end()) counts = older->second;
  }
  const std::uint16_t most = *std::max_element(counts.begin(), counts.end());
  std::uint16_t& ours = counts[recording.place];
  if (ours == std::numeric_limits<std::uint16_t>::max()) return false;
  return ++ours <= most;
}

std::uint64_t DoubleFilter::hash_of(const Event& event) {
  const auto add_number = [this](auto number) {
    hasher_.add({reinterpret_cast<const char*>(&number), sizeof(number)});
  };
  const auto add_text = [&](std::string_view text) {
    add_number(text.size());
    hasher_.add(text);
  };
  hasher_.reset();
  hasher_.add(secret_);
  add_text(*event.meta->session_id());
  add_number(event.kind);
  add_number(event.when.seconds);
  add_number(event.when.nanos);
  add_number(event.length);
  add_text(event.level);
  add_text(event.text);
  if (event.kind == EventKind::Unknown && event.verbatim != nullptr) {
    add_text(event.verbatim->frame);
  }
  return hasher_.value();
}

void DoubleFilter::forget_old(std::int64_t received) {
  if (known_.size() < kMostEvents && received < since_ + kWindow) return;
  std::swap(known_, older_);
  known_.clear();
  since_ = received;
}

}  // namespace smtptape
