// The same as disconnects_test.cc at the pace of a real night, to see what waiting costs.
#include "tests/capture/disconnects.h"
#include "tests/support/own_process.h"
#include "tests/support/trial_figures.h"

namespace smtptape {
namespace {

TEST(DisconnectsTrial, WaitingCostsNextToNothing) {
  const auto began = std::chrono::steady_clock::now();
  const auto busy = processor_time();
  try_disconnects({std::chrono::milliseconds(500), std::chrono::milliseconds(1000)});
  const auto took = std::chrono::steady_clock::now() - began;
  const auto used = processor_time() - busy;
  EXPECT_LT(used, took / 10) << "somebody turns in circles";

  using std::chrono::duration_cast;
  TrialFigures figures("disconnects");
  figures.add("disconnects", kDisconnects);
  figures.add("seconds",
              static_cast<std::uint64_t>(duration_cast<std::chrono::seconds>(took).count()));
  figures.add("processor time, ms",
              static_cast<std::uint64_t>(duration_cast<std::chrono::milliseconds>(used).count()));
}

}  // namespace
}  // namespace smtptape
