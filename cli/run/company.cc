#include "cli/run/company.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "base/counted.h"
#include "base/error.h"
#include "cli/run/selected_tapes.h"
#include "cli/run/session_source.h"
#include "cli/text/output.h"
#include "filters/property.h"

namespace smtptape {

namespace {

struct Seen {
  std::int64_t begun = 0;
  std::string id;
  std::string queue;
  bool good = false;  // somebody was delivered to, and nobody was not
  bool operator<(const Seen& other) const {
    return std::tie(begun, id) < std::tie(other.begun, other.id);
  }
};

bool went_well(const SessionSummary& session) {
  const auto delivered = static_cast<std::size_t>(Outcome::Delivered);
  for (std::size_t i = 0; i < kOutcomes; ++i)
    if (i != delivered && session.outcomes[i] > 0) return false;
  return session.outcomes[delivered] > 0 && session.begins_here && !session.gap;
}

// The queue is known where stories are read.
std::vector<Seen> look(const SelectionOptions& options,
                       const Selection& selection,
                       SessionSource::Facts facts) {
  SelectedTapes tapes(options, selection, "looking for sessions");
  SessionSource source(tapes, facts);
  SessionBatch batch;
  std::vector<Seen> all;
  while (source.next(batch)) {
    for (std::size_t i = 0; i < batch.sessions.size(); ++i) {
      const SessionSummary& session = batch.sessions[i];
      std::string queue = batch.stories.empty() ? std::string() : batch.stories[i].ready_queue;
      all.push_back({session.first_received, session.id, std::move(queue), went_well(session)});
    }
  }
  source.tell_end();
  std::sort(all.begin(), all.end());
  return all;
}

std::size_t index_of(std::string_view flag) {
  const auto* const found = std::find_if(
      kProperties.begin(), kProperties.end(), [flag](const Property& p) { return p.flag == flag; });
  return static_cast<std::size_t>(found - kProperties.begin());
}

// Of each queue, by their beginning.
using Queues = std::map<std::string, std::vector<Seen>>;

class Choice {
 public:
  explicit Choice(const std::vector<Seen>& chosen) {
    for (const Seen& one : chosen)
      taken_.insert(one.id);
  }

  void add_neighbours(const Seen& of, const std::vector<Seen>& queue, std::size_t count) {
    const auto place = std::lower_bound(queue.begin(), queue.end(), of);
    std::size_t before = count;
    for (auto at = place; at != queue.begin() && before > 0; --before)
      add(*--at);
    std::size_t behind = count;
    for (auto at = place; at != queue.end() && behind > 0; ++at) {
      if (at->id == of.id) continue;
      add(*at);
      --behind;
    }
  }

  // Those that began nearest to the first that was chosen; how many there were.
  std::size_t add_good(std::int64_t near, const std::vector<Seen>& among, std::size_t count) {
    std::vector<const Seen*> good;
    for (const Seen& one : among)
      if (one.good && !taken_.contains(one.id)) good.push_back(&one);
    std::sort(good.begin(), good.end(), [near](const Seen* a, const Seen* b) {
      const auto distance = [near](const Seen* one) { return std::abs(one->begun - near); };
      return std::pair(distance(a), a->id) < std::pair(distance(b), b->id);
    });
    good.resize(std::min(good.size(), count));
    for (const Seen* const one : good)
      add(*one);
    return good.size();
  }

  [[nodiscard]] const std::vector<std::string>& added() const { return added_; }

 private:
  void add(const Seen& one) {
    if (taken_.insert(one.id).second) added_.push_back(one.id);
  }

  std::set<std::string> taken_;
  std::vector<std::string> added_;
};

}  // namespace

Company find_company(const SelectionOptions& options,
                     const Selection& selection,
                     const CompanyWishes& wishes) {
  using Facts = SessionSource::Facts;
  const std::vector<Seen> chosen = look(options, selection, Facts::Stories);
  if (chosen.empty()) return {};
  Selection all;
  all.scope = Scope::Session;
  Selection of_queues = all;
  std::set<std::string> names;
  for (const Seen& one : chosen)
    names.insert(one.queue);
  names.erase("");
  of_queues.request.allowed[index_of("--ready-queue")].texts.assign(names.begin(), names.end());
  const std::vector<Seen> same =
      names.empty() ? std::vector<Seen>() : look(options, of_queues, Facts::Stories);
  Queues queues;
  for (const Seen& one : same)
    queues[one.queue].push_back(one);
  Choice choice(chosen);
  Company company;
  for (const Seen& one : chosen) {
    company.chosen.push_back(one.id);
    const auto queue = queues.find(one.queue);
    if (queue != queues.end()) choice.add_neighbours(one, queue->second, wishes.neighbours);
  }
  const std::int64_t near = chosen.front().begun;
  std::size_t good = choice.add_good(near, same, wishes.good);
  if (good < wishes.good)
    good += choice.add_good(near, look(options, all, Facts::Figures), wishes.good - good);
  if (good < wishes.good) {
    say("only " + counted(good, "session") + " that went well " + (good == 1 ? "is" : "are") +
        " there to compare with");
  }
  company.beside = choice.added();
  return company;
}

}  // namespace smtptape
