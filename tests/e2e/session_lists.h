// What `sessions` and `stats` say, as objects; and a store of three recordings for them to speak
// of.
#pragma once

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "format/tape/tape_reader.h"
#include "tests/e2e/cli.h"

namespace smtptape::testing {

namespace json = boost::json;

inline const std::string kMixed = "8817edca-6add-47a4-8d2c-ce963618dd93";

inline std::vector<json::object> objects_of(const Ran& ran) {
  std::vector<json::object> all;
  for (const std::string& line : lines_of(ran.out))
    all.push_back(json::parse(line).as_object());
  return all;
}

// The same from stories, which `slowest` takes: without what only these tell, in the usual order.
inline std::vector<json::object> told_by_stories(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--sort", "slowest", "--json"});
  std::vector<json::object> all = objects_of(smtptape(arguments));
  for (json::object& each : all)
    each.erase("slowest_reply_seconds");
  return all;
}

inline void sort_by_beginning(std::vector<json::object>& sessions) {
  std::sort(sessions.begin(), sessions.end(), [](const json::object& a, const json::object& b) {
    const auto key = [](const json::object& each) {
      return std::string(each.at("first_received").as_string()) + json::serialize(each);
    };
    return key(a) < key(b);
  });
}

class Sessions : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(store_);
    for (const std::string name : {"basic", "errors", "tlsauth"}) {
      const Ran ran = smtptape(
          "import", {golden_path("feeds/" + name + "/raw.jsonl").string(), "-o", tape(name)});
      ASSERT_TRUE(std::filesystem::exists(tape(name))) << ran.err;
    }
  }
  [[nodiscard]] std::string tape(const std::string& name) const {
    return store_ + "/" + name + ".tape";
  }
  // As a recorder leaves it that was killed, or is writing.
  std::string unsealed(const std::string& name) const {
    std::string copy = directory_ / (name + "-unsealed.tape");
    std::filesystem::copy_file(tape(name), copy);
    const UniqueFd fd(::open(copy.c_str(), O_RDONLY | O_CLOEXEC));
    const auto summary = read_summary(fd.get());
    EXPECT_TRUE(summary);
    std::filesystem::resize_file(copy, summary->footer_offset);
    return copy;
  }

  TemporaryDirectory directory_;
  std::string store_ = directory_ / "store";
};

}  // namespace smtptape::testing
