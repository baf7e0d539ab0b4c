#include "filters/property.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using ::testing::ElementsAre;

TEST(Properties, StandInTheOrderOfTheRequest) {
  std::vector<std::string_view> fields;
  for (const Property& property : kProperties)
    fields.push_back(property.request_field);
  EXPECT_THAT(fields,
              ElementsAre("campaign",
                          "tenant",
                          "domain",
                          "routing_domain",
                          "egress_pool",
                          "egress_source",
                          "mail_from",
                          "rcpt_to",
                          "source_addr",
                          "mx_host",
                          "ready_queue",
                          "mx_addr"));
}

TEST(Properties, DifferFromTheServerOnlyInTheReadyQueue) {
  for (const Property& property : kProperties) {
    EXPECT_EQ(property.meta_key == property.live_meta_key, property.flag != "--ready-queue")
        << property.flag;
  }
}

TEST(Properties, HaveAFlagAndASentenceEach) {
  std::set<std::string_view> flags;
  std::set<std::string_view> sentences;
  for (const Property& property : kProperties) {
    EXPECT_TRUE(property.flag.starts_with("--"));
    EXPECT_TRUE(property.help.ends_with('.')) << property.flag;
    flags.insert(property.flag);
    sentences.insert(property.help);
  }
  EXPECT_EQ(flags.size(), kPropertyCount);
  EXPECT_EQ(sentences.size(), kPropertyCount);
}

}  // namespace
}  // namespace smtptape
