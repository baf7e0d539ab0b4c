#include "replay/grouped_text.h"

#include <cstdint>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace smtptape {
namespace {

using Order = GroupedText::Order;

std::string all_of(const GroupedText& text, Order order) {
  std::string out;
  text.for_each(order, [&out](const PrintedEvent& event, bool begins) {
    if (begins) out += '|';
    out.append(event.text).append(std::to_string(event.received));
    return true;
  });
  return out;
}

void add_example(GroupedText& text) {
  std::int64_t received = 0;
  for (const char* const session : {"A", "B", "A", "", "C", "B", "", "A"})
    text.add(session, {++received, *session == '\0' ? "-" : session});
}

TEST(GroupedText, GivesSessionAfterSession) {
  GroupedText text;
  EXPECT_EQ(all_of(text, Order::OldestFirst), "");
  add_example(text);
  EXPECT_EQ(all_of(text, Order::OldestFirst), "|A1A3A8|B2B6|-4|C5|-7");
  EXPECT_EQ(all_of(text, Order::NewestFirst), "|-7|C5|-4|B2B6|A1A3A8");
}

// However little of it may stay in memory.
TEST(GroupedText, IsTheSameFromAFile) {
  GroupedText in_memory;
  add_example(in_memory);
  for (const std::size_t most : {0U, 20U, 40U, 60U, 100U}) {
    GroupedText text({1000, most});
    add_example(text);
    for (const Order order : {Order::OldestFirst, Order::NewestFirst})
      EXPECT_EQ(all_of(text, order), all_of(in_memory, order)) << most;
  }
}

TEST(GroupedText, KeepsEmptyAndLargeTexts) {
  GroupedText text({10, 1000});
  const std::string large(5000, 'x');
  text.add("A", {1, large});
  text.add("B", {2, ""});
  text.add("A", {3, large});
  EXPECT_EQ(all_of(text, Order::OldestFirst), "|" + large + "1" + large + "3|2");
}

TEST(GroupedText, EndsWhenToldSo) {
  GroupedText text;
  add_example(text);
  int shown = 0;
  text.for_each(Order::OldestFirst, [&](const PrintedEvent&, bool) { return ++shown < 2; });
  EXPECT_EQ(shown, 2);
}

TEST(GroupedText, RefusesTooManySessions) {
  GroupedText text({2, 1000});
  text.add("A", {1, "a"});
  text.add("B", {2, "b"});
  text.add("A", {3, "a"});
  try {
    text.add("C", {4, "c"});
    FAIL() << "a third session";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("more than 2 sessions"));
  }
}

}  // namespace
}  // namespace smtptape
