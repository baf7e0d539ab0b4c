// Transcripts of kcli, compared byte for byte with ours of the same frames.
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "replay/renderer.h"
#include "tests/replay/transcript.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using testing::golden_path;
using testing::Header;
using testing::read_file;
using testing::read_table;
using Row = std::vector<std::string>;

// kcli's own options; nullopt when there is another one among them (a filter of the server's).
std::optional<RenderOptions> parse_options(const std::string& flags) {
  RenderOptions options;
  options.behaviour = Behaviour::AsLive;
  std::istringstream words(flags);
  for (std::string word; words >> word;) {
    if (word == "--color" || word == "yes") {
      options.color = true;
    } else if (word == "no") {
      options.color = false;
    } else if (word == "--terse") {
      options.terse = true;
    } else if (word == "--only-new") {
      options.only_new = true;
    } else if (word == "--only-one") {
      options.only_one = true;
    } else if (word != "-") {
      return std::nullopt;
    }
  }
  return options;
}

struct Case {
  std::string feed;
  std::string output;
  std::string flags;
  int exit = 0;
};

// False: not a case of ours.
bool expect_transcript(const Case& golden, KcliProfile profile, Server server) {
  std::optional<RenderOptions> options = parse_options(golden.flags);
  if (!options) return false;
  options->profile = profile;
  SCOPED_TRACE(golden.output + " " + golden.flags);
  const Transcript got = render_feed(
      read_file(golden_path(golden.feed)), *options, options->terse ? server : Server::SendsAll);
  EXPECT_EQ(got.text, read_file(golden_path(golden.output)));
  EXPECT_EQ(static_cast<int>(got.exit), golden.exit);
  EXPECT_EQ(got.message.starts_with("Error: "), golden.exit == 1) << got.message;
  EXPECT_EQ(got.message.empty(), golden.exit == 0) << got.message;
  return true;
}

std::string output_of(const std::string& name, KcliProfile profile) {
  const std::string differing = "kcli/render-halfeven/" + name;
  const bool differs =
      profile == KcliProfile::HalfEven && std::filesystem::exists(golden_path(differing));
  return differs ? differing : "kcli/render/" + name;
}

int expect_render_goldens(KcliProfile profile) {
  int compared = 0;
  for (const Row& row : read_table("kcli/render/INDEX.tsv", Header::Yes)) {
    if (row.at(0).starts_with("srv-")) continue;
    const Case golden{
        "kcli/render/" + row.at(0), output_of(row.at(1), profile), row.at(2), std::stoi(row.at(3))};
    compared += expect_transcript(golden, profile, Server::SendsAll) ? 1 : 0;
  }
  return compared;
}

TEST(Transcripts, EqualKcliBuiltWithRustUpTo193) {
  EXPECT_GE(expect_render_goldens(KcliProfile::HalfUp), 66);
}

TEST(Transcripts, EqualKcliBuiltWithNewerRust) {
  EXPECT_GE(expect_render_goldens(KcliProfile::HalfEven), 66);
}

// Feeds cut out of recordings or made by hand, with their options and exit status.
int expect_feed_goldens(const std::string& folder) {
  int compared = 0;
  for (const Row& row : read_table(folder + "INDEX.tsv", Header::Yes)) {
    const Case golden{folder + row.at(1), folder + row.at(0), row.at(2), std::stoi(row.at(3))};
    compared += expect_transcript(golden, KcliProfile::HalfEven, Server::SendsAll) ? 1 : 0;
  }
  return compared;
}

TEST(Transcripts, EqualTheRealKcliOnFramesMadeByHand) {
  EXPECT_GE(expect_feed_goldens("feeds/handmade/"), 29);
}

TEST(Transcripts, EqualTheRealKcliJoiningInMidSession) {
  EXPECT_GE(expect_feed_goldens("feeds/slices/"), 30);
}

// Whole recordings; those that the server filtered are not for the renderer alone.
int expect_recording(const std::string& folder) {
  int compared = 0;
  for (const Row& row : read_table(folder + "INDEX.tsv", Header::Yes)) {
    const Case golden{folder + "raw.jsonl", folder + row.at(0), row.at(1), 0};
    compared += expect_transcript(golden, KcliProfile::HalfEven, Server::Abbreviates) ? 1 : 0;
  }
  return compared;
}

TEST(Transcripts, EqualTheRealKcliOnARealServer) {
  for (const std::string folder : {"feeds/basic/", "feeds/tlsauth/", "feeds/errors/"}) {
    EXPECT_GE(expect_recording(folder), 8) << folder;
  }
}

}  // namespace
}  // namespace smtptape
