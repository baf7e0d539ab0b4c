#include "cli/run/recorder_place.h"

#include "base/error.h"
#include "capture/watch/order.h"

namespace smtptape {

void RecorderPlace::describe(Options& options, Options::Count stores_wanted) {
  options.positional("STORE", stores, stores_wanted, "The directory that the recorder writes to");
  options.value("--socket",
                socket,
                "PATH",
                "The recorder's control socket (default: smtptape.sock in the store)");
}

std::filesystem::path RecorderPlace::path() const {
  if (!socket.empty()) return socket;
  if (stores.empty()) throw UsageError("STORE is missing, or --socket PATH: which recorder");
  std::error_code unknown;
  if (!std::filesystem::exists(stores.front(), unknown) && !unknown) {
    throw Error(stores.front() + ": no such directory");
  }
  return control_path(stores.front());
}

std::string RecorderPlace::nobody() const {
  const std::string what = "no recorder answers at " + path().string();
  return what + (socket.empty() ? "; start one with smtptape capture, or name its --socket"
                                : "; start one with smtptape capture, or name the store that it "
                                  "writes");
}

}  // namespace smtptape
