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
    return "; is kumod running, and is this the address of its HTTP listener?";
  }
  if (end.kind == FeedEnd::Kind::NotWebSocket) {
    return "; name kumod's HTTP listener, not another server";
  }
  if (end.status == kNotFound) return "; this kumod has no trace feed: is it too old?";
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

Finding judge_clock(const std::string& who, std::int64_t ahead) {
  if (ahead > kAhead) {
    return {Health::Warn,
            "clock",
            who + " is " + show_age(ahead) + " ahead of us; let NTP set both clocks"};
  }
  if (ahead < -kBehind) {
    return {Health::Warn,
            "clock",
            who + " is " + show_age(-ahead) + " behind us; let NTP set both clocks"};
  }
  return {Health::Ok, "clock", "as ours, to a few seconds"};
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
                            (facts.server_ahead ? "it lags" : "its clock is behind, or it lags")});
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
                " lets others in; tapes hold mail and passwords: chmod 0700"};
  }
  if (!facts.ours) {
    return {Health::Warn, "store", where + ": belongs to another user than the one who asks"};
  }
  return {Health::Ok,
          "store",
          where + ": " + counted(facts.files.size(), "tape") + ", mode " + mode_text(facts.mode)};
}

Finding judge_space(const Space& space) {
  const std::string text = show_size(space.free) + " of " + show_size(space.total) + " are free";
  if (space.free == 0) return {Health::Fail, "space", text};
  const bool little = space.free < kLeastFree || space.free < space.total / 20;
  return {little ? Health::Warn : Health::Ok, "space", text};
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
              " are to stay free: nothing is recorded until there is room; free some, or give "
              "--keep-free less, such as 1G"};
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
                " s of traffic; --watch 1m or more gives a guess"};
  }
  return {wire * kWorstShare * kSecondsOfDay, "at most; " + guess_from(looked, "traffic")};
}

}  // namespace

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
    return {
        {Health::Fail, "endpoint", describe(facts.end, facts.endpoint) + advice_for(facts.end)}};
  }
  std::vector<Finding> findings{{Health::Ok, "endpoint", who + " accepts the request"}};
  if (facts.end.kind != FeedEnd::Kind::Stopped) {
    findings.push_back({Health::Warn, "endpoint", describe(facts.end, facts.endpoint)});
  }
  const double seconds = seconds_of(facts);
  if (facts.frames == 0) {
    findings.push_back({Health::Warn,
                        "events",
                        "none from " + who + " in " + count_text(seconds) +
                            " s; nothing is being sent, or the filters leave nothing"});
  } else {
    findings.push_back({Health::Ok,
                        "events",
                        count_text(static_cast<double>(facts.frames) / seconds) +
                            " a second from " + who + ", " + show_size(facts.bytes / facts.frames) +
                            " each"});
  }
  for (Finding& clock : judge_clocks(facts))
    findings.push_back(std::move(clock));
  return findings;
}

std::vector<Finding> judge_store(const StoreFacts& facts) {
  const std::string where = facts.directory.string();
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

std::vector<Finding> judge_growth(const StoreFacts& store,
                                  const std::vector<FeedFacts>& feeds,
                                  const RetentionLimits& limits) {
  const std::uint64_t reserve = wanted_free(limits, store.space);
  using Kind = StoreFacts::Kind;
  if (store.kind == Kind::Unreachable || store.kind == Kind::Other) return {};
  if (must_pause(store, limits, reserve)) return {judge_no_room(store.space, reserve)};
  const double room = room_of(store, reserve);
  const Growth growth = growth_of(store, feeds);
  if (growth.bytes <= 0) return {{Health::Ok, "growth", growth.how}};
  const auto a_day = static_cast<std::uint64_t>(growth.bytes);
  std::vector<Finding> findings{{Health::Ok, "growth", show_size(a_day) + " a day, " + growth.how}};
  double wanted = 0;
  if (limits.max_age) {
    wanted = growth.bytes * static_cast<double>(limits.max_age->count()) / kSecond / kSecondsOfDay;
  }
  if (limits.max_bytes) {
    const auto most = static_cast<double>(*limits.max_bytes);
    wanted = limits.max_age ? std::min(wanted, most) : most;
  }
  constexpr double kLong = 3650;
  const double fitting = std::max(room, 0.0) / growth.bytes;
  const std::string days = fitting > kLong ? "ten years" : count_text(fitting) + " days";
  if (wanted > room) {
    findings.push_back({Health::Warn,
                        "retention",
                        "what is to be kept needs " +
                            show_size(static_cast<std::uint64_t>(wanted)) + "; there is room for " +
                            days});
  } else if (wanted == 0 && !limits.keep_free && !limits.max_tapes) {
    findings.push_back(
        {Health::Warn, "retention", "no limit is given; the file system is full in " + days});
  } else if (fitting < 1 && !limits.max_age) {
    findings.push_back(
        {Health::Warn,
         "retention",
         "there is room for less than a day: " + count_text(fitting * 24) + " hours"});
  } else {
    findings.push_back({Health::Ok, "retention", "there is room for " + days});
  }
  return findings;
}

}  // namespace smtptape
