#include "tests/capture/disconnects.h"

namespace smtptape {
namespace {

TEST(Disconnects, EachOutageIsOneGapAndNobodyElseIsDisturbed) {
  try_disconnects({std::chrono::milliseconds(1), std::chrono::milliseconds(5)});
}

}  // namespace
}  // namespace smtptape
