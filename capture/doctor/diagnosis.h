// What a doctor says of what was looked at: one finding a line.  Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/doctor/probe.h"
#include "store/keep/retention.h"

namespace smtptape {

enum class Health : std::uint8_t {
  Ok,
  Warn,  // records, but look at it
  Fail,  // nothing is recorded
};
[[nodiscard]] std::string_view name_of(Health health);  // "ok", "warn", "FAIL"

// A number that a finding is made of, for programs: "free_bytes".
struct Figure {
  std::string name;
  std::int64_t value = 0;
};

struct Finding {
  Health health = Health::Ok;
  std::string what;                  // "endpoint", "clock", "store", …: never changes
  std::string detail;                // for a person
  std::string advice = {};           // what to do; empty: nothing
  std::string about = {};            // which endpoint or store
  std::vector<Figure> figures = {};  // in the order in which to tell them
};
// "DETAIL; ADVICE"
[[nodiscard]] std::string text_of(const Finding& finding);

// Can it be reached, does it let us in, what comes, and what does its clock say?
[[nodiscard]] std::vector<Finding> judge_feed(const FeedFacts& facts);

// Is it there, may we write, is it private, is there room, does a recorder run?
[[nodiscard]] std::vector<Finding> judge_store(const StoreFacts& facts);

// How fast it grows, and whether what is to be kept fits.  `feeds` are those that go into it.
[[nodiscard]] std::vector<Finding> judge_growth(const StoreFacts& store,
                                                const std::vector<FeedFacts>& feeds,
                                                const RetentionLimits& limits);

}  // namespace smtptape
