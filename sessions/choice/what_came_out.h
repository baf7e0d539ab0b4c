// What there is, where no session came out as somebody asked: the codes, outcomes and times of the
// sessions that were looked at, and how many hold each single thing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sessions/choice/judged_session.h"
#include "sessions/choice/outcome_rules.h"
#include "sessions/stories.h"

namespace smtptape {

class WhatCameOut {
 public:
  explicit WhatCameOut(std::shared_ptr<const OutcomeRules> rules);

  void add(const EventBatch& batch);
  // At the end: a line for each thing that no session holds; else one that says how many hold each;
  // or that some hold everything, so that it is something else that leaves none.
  [[nodiscard]] std::vector<std::string> tell();

 private:
  static constexpr std::size_t kMostCodes = 200;
  static constexpr std::size_t kMarks = 32;

  void note(const std::vector<Story>& stories);
  void note(const Story& story);
  void note(const std::vector<JudgedSession::Verdict>& verdicts);
  [[nodiscard]] std::string about(SessionMarks mark) const;
  [[nodiscard]] std::string about_slow() const;

  std::shared_ptr<const OutcomeRules> rules_;
  GatheredSessions<JudgedSession> judged_;
  Stories stories_{Stories::Until::Silent};
  std::array<std::size_t, kMarks> holding_{};  // sessions, by mark
  std::size_t all_ = 0;                        // that hold everything
  std::set<std::string> codes_;
  std::set<std::string> outcomes_;
  std::set<std::string> tls_;
  std::array<std::int64_t, kPhases> longest_{};
  std::int64_t longest_session_ = 0;
};

}  // namespace smtptape
