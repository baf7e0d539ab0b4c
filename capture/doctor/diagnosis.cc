#include "capture/doctor/diagnosis.h"

#include <algorithm>
#include <cstdio>

#include "base/counted.h"
#include "base/time_spec.h"

namespace smtptape {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr double kSecondsOfDay = 86'400;
constexpr unsigned kNotFound = 404;
// An event is on its way for a moment; what is more is a clock, or a server that lags.
constexpr std::int64_t kAhead = 1 * kSecond;
constexpr std::int64_t kBehind = 10 * kSecond;
// Of the wire's bytes a tape takes a tenth or less; this much at worst.
constexpr double kWorstShare = 0.3;
// Less free than this is soon full.
constexpr std::uint64_t kLeastFree = 1 << 30;

// What is not said of every end like this one.
std::string advice_for(const FeedEnd& end) {
  if (end.kind == FeedEnd::Kind::Refused) {
    return "is kumod running, and is this the address of its HTTP listener?";
  }
  if (end.kind == FeedEnd::Kind::NotWebSocket) {
    return "name kumod's HTTP listener, not another server";
  }
  if (end.status == kNotFound) return "this kumod has no trace feed: is it too old?";
  return {};
}

std::string count_text(double count) {
  char text[32];
  std::snprintf(text, sizeof(text), count < 10 ? "%.1f" : "%.0f", count);
  return text;
}

double seconds_of(const FeedFacts& facts) {
  return std::max(static_cast<double>(facts.watched.count()) / kSecond, 0.001);
}

constexpr const char* kSetClocks = "let NTP set both clocks";

std::vector<Figure> ahead_figure(std::int64_t ahead) {
  return {{"ahead_seconds", ahead / kSecond}};
}

Finding judge_clock(const std::string& who, std::int64_t ahead) {
  Finding finding{Health::Warn, "clock", who + " is "};
  finding.figures = ahead_figure(ahead);
  if (ahead > kAhead) {
    finding.detail += show_age(ahead) + " ahead of us";
    finding.advice = kSetClocks;
  } else if (ahead < -kBehind) {
    finding.detail += show_age(-ahead) + " behind us";
    finding.advice = kSetClocks;
  } else {
    finding.health = Health::Ok;
    finding.detail = "as ours, to a few seconds";
  }
  return finding;
}

// What the server itself says of its clock counts more than the age of an event: that may lag.
std::vector<Finding> judge_clocks(const FeedFacts& facts) {
  const std::string& who = facts.endpoint.target;
  const bool late = facts.events_ahead && *facts.events_ahead < -kBehind;
  std::vector<Finding> findings;
  if (facts.server_ahead) findings.push_back(judge_clock(who, *facts.server_ahead));
  if (late && !(facts.server_ahead && *facts.server_ahead < -kBehind)) {
    findings.push_back({Health::Warn,
                        "clock",
                        "events of " + who + " are " + show_age(-*facts.events_ahead) +
                            " old when they come; " +
                            (facts.server_ahead ? "it lags" : "its clock is behind, or it lags"),
                        {},
                        {},
                        ahead_figure(*facts.events_ahead)});
  } else if (findings.empty() && facts.events_ahead) {
    findings.push_back(judge_clock(who, *facts.events_ahead));
  }
  return findings;
}

std::string mode_text(unsigned mode) {
  char text[16];
  std::snprintf(text, sizeof(text), "%04o", mode);
  return text;
}

Finding judge_rights(const StoreFacts& facts) {
  constexpr unsigned kOthers = 0007;
  constexpr unsigned kGroupWrites = 0020;
  const std::string where = facts.directory.string();
  if (!facts.writable) {
    return {Health::Fail, "store", where + ": this user may not write there"};
  }
  if ((facts.mode & (kOthers | kGroupWrites)) != 0) {
    return {Health::Warn,
            "store",
            where + ": mode " + mode_text(facts.mode) +
                " lets others in; tapes hold mail and passwords",
            "chmod 0700"};
  }
  if (!facts.ours) {
    return {Health::Warn, "store", where + ": belongs to another user than the one who asks"};
  }
  return {Health::Ok,
          "store",
          where + ": " + counted(facts.files.size(), "tape") + ", mode " + mode_text(facts.mode),
          {},
          {},
          {{"tapes", static_cast<std::int64_t>(facts.files.size())}}};
}

std::int64_t figure_of(double value) {
  constexpr double kMost = 9e18;
  return static_cast<std::int64_t>(std::clamp(value, -kMost, kMost));
}
std::int64_t figure_of(std::uint64_t value) {
  return figure_of(static_cast<double>(value));
}

Finding judge_space(const Space& space) {
  Finding finding{
      Health::Ok, "space", show_size(space.free) + " of " + show_size(space.total) + " are free"};
  finding.figures = {{"free_bytes", figure_of(space.free)},
                     {"total_bytes", figure_of(space.total)}};
  if (space.free < kLeastFree || space.free < space.total / 20) finding.health = Health::Warn;
  if (space.free == 0) finding.health = Health::Fail;
  return finding;
}

Finding judge_recorder(const StoreFacts& facts) {
  std::string sources;
  for (const std::string& source : facts.recorded)
    sources += (sources.empty() ? "" : ", ") + source;
  return {Health::Ok, "recorder", sources.empty() ? "none is running" : "records " + sources};
}

// Bytes of tapes a day; and how it is known.
struct Growth {
  double bytes = 0;  // 0: not known
  std::string how;   // it is known, or why not
  std::string advice = {};
};

// What the tapes may take: what is free without the reserve, and what they have.
double bytes_of_files(const StoreFacts& store) {
  double bytes = 0;
  for (const StoredFile& file : store.files)
    bytes += static_cast<double>(file.bytes);
  return bytes;
}

double room_of(const StoreFacts& store, std::uint64_t reserve) {
  const double room = static_cast<double>(store.space.free) - static_cast<double>(reserve);
  return room + bytes_of_files(store);
}

// Nothing is recorded while keep-free is not kept, and it is not kept at the cost of young tapes.
bool must_pause(const StoreFacts& store, const RetentionLimits& limits, std::uint64_t reserve) {
  if (reserve == 0) return false;
  const double room = room_of(store, reserve);
  const double all = bytes_of_files(store);
  const bool a_day_stays = limits.keep_at_least >= std::chrono::hours(24);
  const double young = a_day_stays ? static_cast<double>(store.bytes_of_last_day) : 0;
  return room - std::min(young, all) <= 0;
}

Finding judge_no_room(const Space& space, std::uint64_t reserve) {
  return {Health::Fail,
          "retention",
          show_size(space.free) + " are free, and " + show_size(reserve) +
              " are to stay free: nothing is recorded until there is room",
          "free some, or give --keep-free less, such as 1G",
          {},
          {{"free_bytes", figure_of(space.free)}, {"reserve_bytes", figure_of(reserve)}}};
}

// From less than this nobody can tell a day.
constexpr std::chrono::seconds kLeastLook{60};
// And from less than this it is a guess.
constexpr std::chrono::hours kNearlyADay{20};

std::string guess_from(std::chrono::nanoseconds looked, const std::string& what) {
  return "a guess of low confidence, from " + show_age(looked.count()) + " of " + what;
}

Growth growth_of(const StoreFacts& store, const std::vector<FeedFacts>& feeds) {
  const auto stored = static_cast<double>(store.bytes_of_last_day);
  const std::chrono::nanoseconds span = store.span_of_last_day;
  if (stored > 0 && span >= kNearlyADay) return {stored, "as on the last day"};
  if (stored > 0 && span >= kLeastLook) {
    const double days = static_cast<double>(span.count()) / kSecond / kSecondsOfDay;
    return {stored / days, guess_from(span, "tapes")};
  }
  double wire = 0;
  std::chrono::nanoseconds looked{0};
  for (const FeedFacts& feed : feeds) {
    wire += static_cast<double>(feed.bytes) / seconds_of(feed);
    if (feed.end.opened) looked = std::max(looked, feed.watched);
  }
  if (wire <= 0) return {0, "nobody can tell yet"};
  if (looked < kLeastLook) {
    return {0,
            "nobody can tell from " + count_text(static_cast<double>(looked.count()) / kSecond) +
                " s of traffic",
            "--watch 1m or more gives a guess"};
  }
  return {wire * kWorstShare * kSecondsOfDay, "at most; " + guess_from(looked, "traffic")};
}

Finding judge_events(const FeedFacts& facts) {
  const std::string& who = facts.endpoint.target;
  const double seconds = seconds_of(facts);
  Finding finding{Health::Ok, "events", {}};
  finding.figures = {{"events", figure_of(facts.frames)},
                     {"bytes", figure_of(facts.bytes)},
                     {"watched_ms", figure_of(seconds * 1000)}};
  if (facts.frames == 0) {
    finding.health = Health::Warn;
    finding.detail = "none from " + who + " in " + count_text(seconds) +
                     " s; nothing is being sent, or the filters leave nothing";
  } else {
    finding.detail = count_text(static_cast<double>(facts.frames) / seconds) + " a second from " +
                     who + ", " + show_size(facts.bytes / facts.frames) + " each";
  }
  return finding;
}

std::vector<Finding> findings_of(const StoreFacts& facts, const std::string& where) {
  switch (facts.kind) {
    case StoreFacts::Kind::Unreachable: return {{Health::Fail, "store", where + ": " + facts.why}};
    case StoreFacts::Kind::Other: return {{Health::Fail, "store", where + ": is no directory"}};
    case StoreFacts::Kind::Missing:
      if (!facts.writable) {
        return {{Health::Fail, "store", where + ": is missing, and this user can't make it"}};
      }
      return {{Health::Ok, "store", where + ": will be made"}, judge_space(facts.space)};
    case StoreFacts::Kind::Directory: break;
  }
  return {judge_rights(facts), judge_space(facts.space), judge_recorder(facts)};
}

// What the limits want kept of `growth` bytes a day; 0: that is not known.
double wanted_bytes(double growth, const RetentionLimits& limits) {
  double wanted = 0;
  if (limits.max_age) {
    wanted = growth * static_cast<double>(limits.max_age->count()) / kSecond / kSecondsOfDay;
  }
  if (limits.max_bytes) {
    const auto most = static_cast<double>(*limits.max_bytes);
    wanted = limits.max_age ? std::min(wanted, most) : most;
  }
  return wanted;
}

Finding judge_retention(double growth, double room, const RetentionLimits& limits) {
  constexpr double kLong = 3650;
  const double wanted = wanted_bytes(growth, limits);
  const double fitting = std::max(room, 0.0) / growth;
  const std::string days = fitting > kLong ? "ten years" : count_text(fitting) + " days";
  Finding finding{Health::Warn, "retention", {}};
  finding.figures = {{"room_bytes", figure_of(room)}, {"wanted_bytes", figure_of(wanted)}};
  if (wanted > room) {
    finding.detail = "what is to be kept needs " + show_size(static_cast<std::uint64_t>(wanted)) +
                     "; there is room for " + days;
  } else if (wanted == 0 && !limits.keep_free && !limits.max_tapes) {
    finding.detail = "no limit is given; the file system is full in " + days;
  } else if (fitting < 1 && !limits.max_age) {
    finding.detail = "there is room for less than a day: " + count_text(fitting * 24) + " hours";
  } else {
    finding.health = Health::Ok;
    finding.detail = "there is room for " + days;
  }
  return finding;
}

std::vector<Finding> about(std::string what, std::vector<Finding> findings) {
  for (Finding& finding : findings)
    finding.about = what;
  return findings;
}

}  // namespace

std::string text_of(const Finding& finding) {
  return finding.advice.empty() ? finding.detail : finding.detail + "; " + finding.advice;
}

std::string_view name_of(Health health) {
  switch (health) {
    case Health::Ok: return "ok";
    case Health::Warn: return "warn";
    case Health::Fail: return "FAIL";
  }
  return "";
}

std::vector<Finding> judge_feed(const FeedFacts& facts) {
  const std::string who = facts.endpoint.target;
  if (!facts.end.opened) {
    return about(
        who,
        {{Health::Fail, "endpoint", describe(facts.end, facts.endpoint), advice_for(facts.end)}});
  }
  std::vector<Finding> findings{{Health::Ok, "endpoint", who + " accepts the request"}};
  if (facts.end.kind != FeedEnd::Kind::Stopped) {
    findings.push_back({Health::Warn, "endpoint", describe(facts.end, facts.endpoint)});
  }
  findings.push_back(judge_events(facts));
  for (Finding& clock : judge_clocks(facts))
    findings.push_back(std::move(clock));
  return about(who, std::move(findings));
}

std::vector<Finding> judge_store(const StoreFacts& facts) {
  const std::string where = facts.directory.string();
  return about(where, findings_of(facts, where));
}

std::vector<Finding> judge_growth(const StoreFacts& store,
                                  const std::vector<FeedFacts>& feeds,
                                  const RetentionLimits& limits) {
  const std::uint64_t reserve = wanted_free(limits, store.space);
  using Kind = StoreFacts::Kind;
  if (store.kind == Kind::Unreachable || store.kind == Kind::Other) return {};
  const std::string where = store.directory.string();
  if (must_pause(store, limits, reserve))
    return about(where, {judge_no_room(store.space, reserve)});
  const Growth growth = growth_of(store, feeds);
  if (growth.bytes <= 0) {
    return about(where, {{Health::Ok, "growth", growth.how, growth.advice}});
  }
  Finding grows{Health::Ok,
                "growth",
                show_size(static_cast<std::uint64_t>(growth.bytes)) + " a day, " + growth.how};
  grows.figures = {{"bytes_a_day", figure_of(growth.bytes)}};
  return about(where, {grows, judge_retention(growth.bytes, room_of(store, reserve), limits)});
}

}  // namespace smtptape
