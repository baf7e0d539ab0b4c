#include "cli/run/configured_store.h"

#include "base/error.h"
#include "cli/config/config.h"

namespace smtptape {

namespace {
constexpr const char* kDefaultConfig = "/etc/smtptape/smtptape.toml";
}  // namespace

void StoreOption::describe(Options& options) {
  options.value("--config",
                config,
                "FILE",
                std::string("Says which store to read when no TAPE is named (default: ") +
                    kDefaultConfig + ")");
}

std::string StoreOption::store() const {
  if (!config && !std::filesystem::exists(kDefaultConfig)) {
    throw UsageError("nothing to read: name a store or tapes; without, " +
                     std::string(kDefaultConfig) + " says where the store is, and is not there");
  }
  const std::filesystem::path file = config.value_or(kDefaultConfig);
  const Config read = load_config(file, SourcesIn::Elsewhere);
  if (read.store.store) return read.store.store->string();
  throw UsageError("nothing to read: name a store or tapes, as " + file.string() +
                   " names no store");
}

}  // namespace smtptape
