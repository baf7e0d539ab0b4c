// What the hot paths cost, one at a time: how long an event takes, and, run under callgrind, how
// many instructions (tests/bench compares them with what they were).
//
//   hot_paths PATH [ROUNDS]       hot_paths without arguments lists the paths
//
// The events are made here, always the same ones.  One round is all of them once.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/text_buffer.h"
#include "format/event.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"
#include "replay/renderer.h"

namespace smtptape {
namespace {

constexpr std::size_t kSessions = 64;
constexpr std::size_t kEventsOfSession = 12;

// Prose of about `size` bytes in lines of a mail; the same for the same `seed`.
std::string make_body(std::uint64_t seed, std::size_t size) {
  constexpr std::array<std::string_view, 32> kWords{
      "time", "year",   "way",     "day",    "caf\u00e9", "thing",   "government", "of",
      "life", "child",  "world's", "school", "state",     "family",  "student",    "group",
      "hand", "part",   "place",   "case",   "week",      "company", "system",     "program",
      "work", "number", "night",   "home",   "water",     "room",    "mother",     "area"};
  std::string body = "Subject: a message\r\nFrom: <a@dest.example>\r\n\r\n";
  std::size_t line = 0;
  while (body.size() < size) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    const std::string_view word = kWords[seed >> 59];
    body.append(word).append(line > 60 ? "\r\n" : " ");
    line = line > 60 ? 0 : line + word.size() + 1;
  }
  return body.append("\r\n.\r\n");
}

struct Feed {
  std::vector<std::string> texts;
  std::vector<MetaPtr> metas;
  std::vector<Event> events;
};

std::string id_of(std::size_t session) {
  const std::string number = std::to_string(1000 + session);
  return "\"f8f1b2d0-79c5-11f1-8f4e-0242ac12" + number + "\"";
}

MetaPtr first_meta(std::size_t session) {
  const std::vector<Meta::Entry> entries{
      {"egress_pool", R"("pool-7")"},
      {"egress_source", R"("source-7.mx.sender.example")"},
      {"ehlo_domain", R"("mx.sender.example")"},
      {"hostname", R"("node-3.sender.example")"},
      {"peer_address", R"({"addr":"203.0.113.25:25","name":"mx1.dest.example."})"},
      {"queue", R"("campaign-12:acme@dest.example")"},
      {"ready_queue_name",
       R"("source-7.mx.sender.example->(alt1|alt2|alt3|mx1).dest.example@smtp_client")"},
      {"site_name", R"("(alt1|alt2|alt3|mx1).dest.example")"},
      {"source_address", R"("198.51.100.7:0")"}};
  std::vector<Meta::Entry> set = entries;
  const std::string id = id_of(session);
  set.insert(set.begin() + 4, {"id", id});
  return Meta::derive(nullptr, set, {});
}

// A session: begun, connected, then replies and commands, the metadata changing twice.
Feed make_feed(std::size_t body_bytes) {
  Feed feed;
  feed.texts.reserve(kSessions * kEventsOfSession);
  WallTime when{1'785'850'000, 120'000};
  for (std::size_t i = 0; i < kEventsOfSession; ++i) {
    for (std::size_t session = 0; session < kSessions; ++session) {
      if (i == 0) feed.metas.push_back(first_meta(session));
      if (i == 3 || i == 6) {
        const std::string value = "\"user-" + std::to_string(i) + "@dest.example\"";
        feed.metas.push_back(Meta::derive(feed.metas[feed.metas.size() - kSessions].get(),
                                          {{"recipient", value}, {"sender", value}},
                                          {}));
      }
      Event& event = feed.events.emplace_back();
      event.meta =
          feed.metas[feed.metas.size() - (i == 0 || i == 3 || i == 6 ? 1 : kSessions - session)]
              .get();
      event.kind = i == 0       ? EventKind::BeginSession
                   : i % 2 == 0 ? EventKind::Write
                                : EventKind::Read;
      when.nanos = (when.nanos + 517'003) % kNanosPerSecond;
      if (i % 4 == 0) ++when.seconds;
      event.when = when;
      if (i == 0) continue;
      feed.texts.push_back(i == 8 && body_bytes != 0
                               ? make_body(session, body_bytes)
                               : "250 2.1.5 <user@dest.example> recipient ok\r\n");
      event.text = feed.texts.back();
    }
  }
  return feed;
}

// Each returns how many bytes it made, so that nothing is left out.

std::size_t write_frames(const Feed& feed) {
  static TextBuffer out;
  out.clear();
  for (const Event& event : feed.events) {
    append_frame(out, event);
    out.push_back('\n');
  }
  return out.size();
}

std::size_t render(const Feed& feed) {
  static std::string out;
  out.clear();
  Renderer renderer{RenderOptions{}};
  if (renderer.render(feed.events, out)) std::abort();
  return out.size();
}

std::size_t derive_metas(const Feed& feed) {
  std::size_t bytes = 0;
  for (const Event& event : feed.events) {
    const MetaPtr meta = Meta::derive(event.meta, {{"recipient", "\"bob@dest.example\""}}, {});
    bytes += meta->text().size();
  }
  return bytes;
}

std::size_t write_times(const Feed& feed) {
  static std::string out;
  out.clear();
  for (const Event& event : feed.events)
    append_wire_time(out, event.when);
  return out.size();
}

std::size_t measure_frames(const Feed& feed) {
  std::size_t bytes = 0;
  for (const Event& event : feed.events)
    bytes += frame_size(event);
  return bytes;
}

std::size_t hash_metas(const Feed& feed) {
  std::uint64_t sum = 0;
  for (const Event& event : feed.events)
    sum += hash64(event.meta->text());
  return sum == 0 ? 0 : feed.events.size() * feed.metas.front()->text().size();
}

struct Path {
  std::string_view name;
  std::size_t body_bytes;
  std::size_t (*run)(const Feed&);
};

constexpr std::size_t kBody = 12'000;
constexpr std::array<Path, 8> kPaths{{{"frames", 0, write_frames},
                                      {"frames_with_bodies", kBody, write_frames},
                                      {"text", 0, render},
                                      {"text_with_bodies", kBody, render},
                                      {"derive", 0, derive_metas},
                                      {"times", 0, write_times},
                                      {"frame_sizes", kBody, measure_frames},
                                      {"hashes", 0, hash_metas}}};

void measure(const Path& path, std::uint64_t rounds) {
  const Feed feed = make_feed(path.body_bytes);
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t bytes = 0;
  for (std::uint64_t round = 0; round < rounds; ++round)
    bytes += path.run(feed);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const auto events = static_cast<double>(rounds * feed.events.size());
  std::printf("%s: %.0f events, %.1f ns an event, %.2f GB/s\n",
              path.name.data(),
              events,
              took.count() * 1e9 / events,
              static_cast<double>(bytes) / took.count() / 1e9);
}

}  // namespace
}  // namespace smtptape

int main(int argc, char** argv) {
  try {
    const std::string_view wanted = argc > 1 ? argv[1] : "";
    for (const smtptape::Path& path : smtptape::kPaths) {
      if (argc < 2) std::printf("%s\n", path.name.data());
      if (path.name != wanted && wanted != "all") continue;
      smtptape::measure(path, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1000);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hot_paths: %s\n", error.what());
    return 1;
  }
}
