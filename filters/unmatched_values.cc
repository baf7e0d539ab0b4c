#include "filters/unmatched_values.h"

#include <algorithm>
#include <utility>

#include "base/idna.h"
#include "base/similar.h"
#include "filters/ip.h"
#include "format/wire/json.h"

namespace smtptape {

UnmatchedValues::UnmatchedValues(const TraceRequest& request,
                                 Honour honour,
                                 const DeniedValues& denied) {
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    const Property& property = kProperties[i];
    const bool ignored = honour == Honour::AsLive && property.is_ignored_by_server();
    if (!ignored) watch(property, std::string(property.flag), request.allowed[i]);
    watch(property, "--not-" + std::string(property.flag.substr(2)), denied[i]);
  }
  open_ = watched_.size();
}

void UnmatchedValues::watch(const Property& property,
                            const std::string& flag,
                            const AllowedValues& values) {
  if (!values.is_set()) return;
  Watched& watched = watched_.emplace_back();
  watched.property = &property;
  watched.flag = flag;
  for (const std::string& text : values.texts) {
    const bool host = !values.spellings.empty();
    watched.wanted.push_back(
        {text, false, host ? other_spellings(text) : std::vector<std::string>()});
  }
  if (!values.networks) return;
  watched.networks = *values.networks;
  std::string all;
  for (const std::string& network : watched.networks.written())
    all += (all.empty() ? "" : ", ") + network;
  watched.wanted.push_back({all});
}

void UnmatchedValues::note_new(const Meta& meta) {
  for (Watched& watched : watched_) {
    if (watched.all_found()) continue;
    if (const auto json = meta.find(watched.property->meta_key)) watched.note(*json);
    if (watched.all_found()) --open_;
  }
}

void UnmatchedValues::note(const PropertySummary& summary) {
  for (Watched& watched : watched_) {
    if (watched.property->meta_key != summary.key || watched.all_found()) continue;
    watched.note(summary);
    if (watched.all_found()) --open_;
  }
}

void UnmatchedValues::note(const std::vector<PropertySummary>& of_group) {
  for (const PropertySummary& summary : of_group)
    note(summary);
  for (Watched& watched : watched_) {
    const bool told = std::any_of(of_group.begin(), of_group.end(), [&watched](const auto& one) {
      return one.key == watched.property->meta_key;
    });
    if (told) continue;
    for (Wanted& one : watched.wanted)
      one.may_be = true;
  }
}

// What is not listed is found when it may be there: nobody is told that there is none of it.
void UnmatchedValues::Watched::note(const PropertySummary& summary) {
  const bool in_lists = property->kind == PropertyKind::TextList;
  for (const SummaryValue& value : summary.values) {
    if (in_lists || !value.in_list) note(value.json);
  }
  if (summary.complete) return;
  overflown = true;
  const auto may_hold = [&](const std::string& text) {
    std::string json;
    append_json_string(json, text);
    return summary.may_hold(json, false) || (in_lists && summary.may_hold(json, true));
  };
  for (Wanted& one : wanted) {
    one.found = one.found || property->kind == PropertyKind::Address || may_hold(one.value);
    one.may_be = one.may_be || std::any_of(one.spellings.begin(), one.spellings.end(), may_hold);
  }
}

void UnmatchedValues::note(const SessionRows& rows) {
  for (Watched& watched : watched_) {
    for (const SessionRows::Property& property : rows.properties) {
      if (watched.property->meta_key == property.key) watched.note(property);
    }
  }
}

void UnmatchedValues::Watched::note(const SessionRows::Property& of_rows) {
  const bool in_lists = property->kind == PropertyKind::TextList;
  for (const SummaryValue& value : of_rows.values) {
    if (in_lists || !value.in_list) note(value.json);
  }
}

bool UnmatchedValues::knows_too_little() const {
  return std::any_of(watched_.begin(), watched_.end(), [](const Watched& watched) {
    return watched.overflown && !watched.all_found() && watched.known.size() < kMostKnown;
  });
}

// A text, or a list of texts; what else there is can't be asked for.
void UnmatchedValues::Watched::note(std::string_view json) {
  std::string text;
  JsonReader reader(json);
  if (reader.peek() == JsonReader::Type::String) {
    if (reader.read_string(text)) note_text(text);
    return;
  }
  if (property->kind != PropertyKind::TextList || !json.starts_with('[')) return;
  if (!reader.enter_array()) return;
  while (reader.next_element()) {
    text.clear();
    if (reader.peek() != JsonReader::Type::String) {
      static_cast<void>(reader.skip_value());
    } else if (reader.read_string(text)) {
      note_text(text);
    }
  }
}

void UnmatchedValues::Watched::note_text(const std::string& text) {
  if (property->kind == PropertyKind::Address) return note_address(text);
  for (Wanted& one : wanted) {
    if (one.value == text) {
      one.found = true;
    } else if (one.found_as.empty() &&
               std::find(one.spellings.begin(), one.spellings.end(), text) != one.spellings.end()) {
      one.found_as = text;
    }
  }
  remember(text);
}

void UnmatchedValues::Watched::note_address(const std::string& text) {
  const std::optional<IpAddress> ip = parse_endpoint_ip(text);
  if (!ip) return;
  if (networks.contains(*ip)) wanted.front().found = true;
  remember(to_text(*ip));
}

void UnmatchedValues::Watched::remember(const std::string& text) {
  if (text.size() > kLongestValue || known.contains(text)) return;
  const bool room =
      known.size() < kMostKnown || (known.size() < kMostKnown + kMostBeyond && is_like_one(text));
  if (room) {
    known.insert(text);
  } else {
    overflown = true;
  }
}

bool UnmatchedValues::Watched::is_like_one(const std::string& text) const {
  return std::any_of(wanted.begin(), wanted.end(), [&text](const Wanted& one) {
    return !one.found && one.value.size() <= kLongestValue &&
           edit_distance(one.value, text) <= most_edits(one.value);
  });
}

bool UnmatchedValues::Watched::all_found() const {
  return std::all_of(wanted.begin(), wanted.end(), [](const Wanted& one) { return one.found; });
}

UnmatchedValues::Miss UnmatchedValues::Watched::miss_of(const std::string& value) const {
  Miss miss{flag, value, {}, 0, overflown};
  const std::string_view compared = std::string_view(value).substr(0, kLongestValue);
  std::vector<std::pair<std::size_t, std::string>> by_distance;
  for (const std::string& text : known)
    by_distance.emplace_back(edit_distance(compared, text), text);
  std::sort(by_distance.begin(), by_distance.end());
  // What is much like it, else what there is.
  const bool some_like = !by_distance.empty() && by_distance.front().first <= most_edits(compared);
  for (auto& [distance, text] : by_distance) {
    if (miss.instead.size() == kMostInstead) break;
    if (some_like && distance > most_edits(compared)) break;
    miss.instead.push_back(std::move(text));
  }
  miss.more = by_distance.size() - miss.instead.size();
  return miss;
}

std::vector<UnmatchedValues::Miss> UnmatchedValues::misses() const {
  std::vector<Miss> all;
  for (const Watched& watched : watched_) {
    for (const Wanted& one : watched.wanted) {
      const bool there = one.found || one.may_be || !one.found_as.empty();
      if (!there) all.push_back(watched.miss_of(one.value));
    }
  }
  return all;
}

std::vector<UnmatchedValues::Respelled> UnmatchedValues::respelled() const {
  std::vector<Respelled> all;
  for (const Watched& watched : watched_) {
    for (const Wanted& one : watched.wanted) {
      if (!one.found && !one.found_as.empty())
        all.push_back({watched.flag, one.value, one.found_as});
    }
  }
  return all;
}

}  // namespace smtptape
