// How much memory something takes at its peak, beyond what the process had before.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

namespace smtptape::testing {

// KiB of a line of /proc/self/status.
inline std::uint64_t own_memory(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1));
  }
  return 0;
}

// In bytes; nullopt where the system doesn't start the count anew.
template <class Work>
[[nodiscard]] std::optional<std::uint64_t> peak_memory_of(Work work) {
  std::ofstream("/proc/self/clear_refs") << "5" << std::flush;
  const std::uint64_t before = own_memory("VmRSS");
  const std::uint64_t peak_before = own_memory("VmHWM");
  work();
  if (peak_before > before + 8 * 1024) return std::nullopt;
  return (own_memory("VmHWM") - before) * 1024;
}

}  // namespace smtptape::testing
