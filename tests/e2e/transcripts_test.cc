// The tables of what kumod selects and kcli prints, through the whole program.
#include <gtest/gtest.h>

#include "filters/property.h"
#include "filters/request.h"
#include "format/wire/json.h"
#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

// kumod sends what serde_json writes; not all inputs of the tables are in that form.
std::string as_sent(const std::string& feed) {
  std::string out;
  for (const std::string& line : read_lines(golden_path(feed))) {
    EXPECT_TRUE(append_canonical_json(out, line)) << line;
    out.push_back('\n');
  }
  return out;
}

std::vector<std::string> options_of(const TraceRequest& request) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    const AllowedValues& allowed = request.allowed[i];
    for (const std::string& text : allowed.texts) {
      words.emplace_back(kProperties[i].flag);
      words.push_back(text);
    }
    if (!allowed.networks) continue;
    for (const std::string& network : allowed.networks->written()) {
      words.emplace_back(kProperties[i].flag);
      words.push_back(network);
    }
  }
  if (request.terse) words.emplace_back("--terse");
  return words;
}

TEST(Transcripts, EveryStageOfThePipeline) {
  TemporaryDirectory directory;
  int number = 0;
  for (const auto& row : read_table("kcli/pipeline/INDEX.tsv", Header::Yes)) {
    const std::string name = "kcli/pipeline/" + row.at(0);
    const std::string feed = "kcli/render/" + row.at(1).substr(row.at(1).rfind('/') + 1);
    const TraceRequest request = parse_request(read_file(golden_path(name + ".request.json")));
    const std::string tape = directory / (std::to_string(++number) + ".tape");
    ASSERT_EQ(smtptape({"import", "-", "-o", tape}, as_sent(feed)).exit, 0);
    auto words = options_of(request);
    words.insert(words.begin(), {"export", tape, "--as-live"});
    std::string sent = smtptape(words).out;
    std::string got;
    std::string want;
    for (const auto* text : {&sent}) {
      std::size_t from = 0;
      for (std::size_t end = 0; (end = text->find('\n', from)) != std::string::npos;
           from = end + 1) {
        ASSERT_TRUE(append_canonical_json(got, text->substr(from, end - from)));
        got.push_back('\n');
      }
    }
    for (const std::string& line : read_lines(golden_path(name + ".wire.jsonl"))) {
      ASSERT_TRUE(append_canonical_json(want, line));
      want.push_back('\n');
    }
    EXPECT_EQ(got, want) << name;
    words[0] = "replay";
    for (const std::string& flag : shell_words(row.at(2) == "-" ? "" : row.at(2))) {
      if (flag != "--terse") words.push_back(flag);
    }
    words.insert(words.end(), {"--color", "no"});
    const Ran ran = smtptape(words);
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(ran.out, read_file(golden_path(name + ".out"))) << name;
  }
}

TEST(Transcripts, OptionsThatKcliRefusesAreRefusedInItsWords) {
  TemporaryDirectory directory;
  ASSERT_EQ(smtptape({"import", "-", "-o", directory / "x.tape"}, "").exit, 0);
  for (const auto& row : read_table("kcli/kcli-bad-options.tsv", Header::Yes)) {
    std::vector<std::string> words{"replay", directory / "x.tape"};
    JsonReader reader(row.at(0));
    ASSERT_TRUE(reader.enter_array());
    while (reader.next_element())
      ASSERT_TRUE(reader.read_string(words.emplace_back()));
    const Ran documented = smtptape(words);
    EXPECT_EQ(documented.exit, 2) << row.at(0);
    words.emplace_back("--as-live");
    const Ran live = smtptape(words);
    EXPECT_EQ(live.exit, std::stoi(row.at(1)));
    EXPECT_EQ(live.err.substr(0, live.err.find('\n')), row.at(2));
  }
}

}  // namespace
}  // namespace smtptape::testing
