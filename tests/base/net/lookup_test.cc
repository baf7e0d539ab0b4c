#include "base/net/lookup.h"

#include <netdb.h>

#include <string>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

TEST(Lookup, TellsAnUnknownNameFromTroubleWithAsking) {
  for (const int status : {EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY})
    EXPECT_TRUE(is_about_the_name(status)) << gai_strerror(status);
  for (const int status : {EAI_AGAIN, EAI_FAIL, EAI_SYSTEM, EAI_MEMORY})
    EXPECT_FALSE(is_about_the_name(status)) << gai_strerror(status);
}

// A label over 63 letters can't exist: no name server is asked.
TEST(Lookup, BlamesANameThatCannotExist) {
  Lookup lookup(std::string(64, 'x') + ".example", 80);
  EXPECT_FALSE(lookup.try_as_address());
  lookup.run();
  EXPECT_TRUE(lookup.finished());
  EXPECT_TRUE(lookup.addresses().empty());
  EXPECT_TRUE(lookup.name_is_unknown());
  EXPECT_FALSE(lookup.why().empty());
}

TEST(Lookup, TakesAnAddressAsItIs) {
  Lookup lookup("::1", 8000);
  ASSERT_TRUE(lookup.try_as_address());
  ASSERT_EQ(lookup.addresses().size(), 1U);
  EXPECT_EQ(lookup.addresses().front().port(), 8000);
}

}  // namespace
}  // namespace smtptape
