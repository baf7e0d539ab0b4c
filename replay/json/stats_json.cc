#include "replay/json/stats_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/time_spec.h"
#include "replay/json/csv_text.h"
#include "replay/json/json_text.h"
#include "replay/json/session_json.h"

namespace smtptape {

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;
using Entry = Statistics::Table::value_type;

constexpr double kSecond = 1e9;
constexpr std::array<std::pair<const char*, double>, 3> kQuantiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}};

double seconds(std::int64_t nanos) {
  return static_cast<double>(nanos) / kSecond;
}

value time_or_null(const KeyFigures& figures, std::int64_t time) {
  return figures.sessions == 0 ? value() : value(json_string(show_time(time)));
}

object key_json(const Statistics& statistics, const Statistics::Key& key) {
  object json;
  for (std::size_t i = 0; i < key.size(); ++i)
    json[json_string(name_of(statistics.question().by[i]))] = json_string(key[i]);
  return json;
}

object counts_json(const KeyFigures& figures) {
  return {{"sessions", figures.sessions},
          {"messages", figures.messages},
          {"replies", figures.replies},
          {"recipients", json_of(figures.outcomes)},
          {"deferred_share", figures.share(Outcome::Deferred)},
          {"bounced_share", figures.share(Outcome::Bounced)}};
}

object phases_json(const KeyFigures& figures) {
  object json;
  for (std::size_t i = 0; i < kPhases; ++i) {
    const Histogram* const times = figures.phases[i].get();
    if (times == nullptr) continue;
    object of_phase{{"connections", times->count()}};
    for (const auto& [name, share] : kQuantiles)
      of_phase[name] = seconds(times->quantile(share));
    json[json_string(name_of(static_cast<Phase>(i)))] = std::move(of_phase);
  }
  return json;
}

array refusals_json(const KeyFigures& figures) {
  array json;
  for (const auto& [reply, count] : figures.refusals)
    json.emplace_back(object{{"reply", json_string(reply)}, {"count", count}});
  return json;
}

array buckets_json(const KeyFigures& figures) {
  array json;
  for (const auto& [from, bucket] : figures.buckets) {
    json.emplace_back(object{{"from", json_string(show_time(from))},
                             {"sessions", bucket.sessions},
                             {"recipients", bucket.recipients},
                             {"failed", bucket.failed}});
  }
  return json;
}

std::string json_line(const Statistics& statistics, const StatsView& view, const Entry& entry) {
  const KeyFigures& figures = entry.second;
  object json{{"schema", kStatsSchema}, {"key", key_json(statistics, entry.first)}};
  for (auto& [name, count] : counts_json(figures))
    json[name] = count;
  json["first"] = time_or_null(figures, figures.first);
  json["last"] = time_or_null(figures, figures.last);
  if (statistics.question().phases || !phases_json(figures).empty())
    json["phases"] = phases_json(figures);
  if (statistics.question().refusals) json["refusals"] = refusals_json(figures);
  if (statistics.question().bucket != 0) json["buckets"] = buckets_json(figures);
  if (view.before != nullptr) json["before"] = counts_json(figures_before(view, entry.first));
  return line_of(json);
}

// ---- CSV ----

std::vector<std::string> csv_names(const Statistics& statistics) {
  std::vector<std::string> names;
  for (const StatsKey key : statistics.question().by)
    names.emplace_back(name_of(key));
  for (const char* const name : {"sessions", "messages", "replies"})
    names.emplace_back(name);
  for (std::size_t i = 0; i < kOutcomes; ++i)
    if (static_cast<Outcome>(i) != Outcome::Mixed)
      names.emplace_back(name_of(static_cast<Outcome>(i)));
  for (const char* const name : {"deferred_share", "bounced_share", "first", "last"})
    names.emplace_back(name);
  if (!statistics.question().phases) return names;
  for (std::size_t i = 0; i < kPhases; ++i)
    for (const auto& [name, share] : kQuantiles)
      names.push_back(std::string(name_of(static_cast<Phase>(i))) + " " + name);
  return names;
}

// Behind the keys.
std::vector<std::string> csv_figures(const Statistics& statistics, const Entry& entry) {
  const KeyFigures& figures = entry.second;
  std::vector<std::string> cells;
  for (const std::uint64_t count : {figures.sessions, figures.messages, figures.replies})
    cells.push_back(std::to_string(count));
  for (std::size_t i = 0; i < kOutcomes; ++i)
    if (static_cast<Outcome>(i) != Outcome::Mixed)
      cells.push_back(std::to_string(figures.outcomes[i]));
  for (const Outcome outcome : {Outcome::Deferred, Outcome::Bounced})
    cells.push_back(std::to_string(figures.share(outcome)));
  const bool any = figures.sessions > 0;
  cells.push_back(any ? show_time(figures.first) : "");
  cells.push_back(any ? show_time(figures.last) : "");
  if (!statistics.question().phases) return cells;
  for (const auto& times : figures.phases)
    for (const auto& [name, share] : kQuantiles)
      cells.push_back(times == nullptr ? "" : std::to_string(seconds(times->quantile(share))));
  return cells;
}

}  // namespace

std::string json_lines(const Statistics& statistics, const StatsView& view) {
  std::string out;
  for (const Entry* const entry : in_order(statistics, view))
    out += json_line(statistics, view, *entry);
  return out;
}

std::string csv_lines(const Statistics& statistics, const StatsView& view) {
  std::string out;
  for (const std::string& name : csv_names(statistics))
    out.append(out.empty() ? "" : ",").append(name);
  out += kCsvLineEnd;
  for (const Entry* const entry : in_order(statistics, view)) {
    for (const std::string& key : entry->first) {
      append_csv_field(out, key);
      out.push_back(',');
    }
    const std::vector<std::string> figures = csv_figures(statistics, *entry);
    for (std::size_t i = 0; i < figures.size(); ++i)
      out.append(i == 0 ? "" : ",").append(figures[i]);
    out += kCsvLineEnd;
  }
  return out;
}

}  // namespace smtptape
