// What comparing checksums costs: scans each tape with and without, in turn, from memory.
//
//   scan_tape TAPE [RUNS]
//
// Prints the medians and their ratio.  Other programs on the machine disturb both alike.
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "base/io.h"
#include "format/tape/tape_reader.h"

namespace smtptape {
namespace {

// Of this process: what other programs do counts less than on a clock on the wall.
double cpu_seconds() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Scan {
  double seconds = 0;
  std::uint64_t events = 0;
  std::uint64_t text_bytes = 0;
};

Scan scan(const std::string& bytes, Checksums checksums) {
  Scan result;
  const double start = cpu_seconds();
  StringSource source(bytes);
  TapeReader reader(source, "tape", checksums);
  EventBatch batch;
  while (reader.next(batch)) {
    result.events += batch.events.size();
    for (const Event& event : batch.events)
      result.text_bytes += event.text.size();
  }
  result.seconds = cpu_seconds() - start;
  return result;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string read_whole(const char* path) {
  FdSource file(open_for_reading(path), path);
  std::string bytes;
  std::vector<char> buffer(1 << 20);
  while (const std::size_t got = file.read(buffer.data(), buffer.size()))
    bytes.append(buffer.data(), got);
  return bytes;
}

void measure(const char* path, int runs) {
  const std::string bytes = read_whole(path);
  Scan last = scan(bytes, Checksums::Compare);  // warm
  std::vector<double> with;
  std::vector<double> without;
  std::vector<double> ratios;
  for (int run = 0; run < runs; ++run) {
    last = scan(bytes, Checksums::Compare);
    with.push_back(last.seconds);
    without.push_back(scan(bytes, Checksums::Ignore).seconds);
    ratios.push_back(with.back() / without.back());
  }
  std::printf("%s: %llu events, %.1f MB of text in %.1f MB, %d runs\n",
              path,
              static_cast<unsigned long long>(last.events),
              static_cast<double>(last.text_bytes) / 1e6,
              static_cast<double>(bytes.size()) / 1e6,
              runs);
  std::printf(
      "  with %.3f s, without %.3f s, ratio of the medians %.3f, median of the ratios %.3f\n",
      median(with),
      median(without),
      median(with) / median(without),
      median(ratios));
}

}  // namespace
}  // namespace smtptape

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: scan_tape TAPE [RUNS]\n", stderr);
    return 2;
  }
  try {
    smtptape::measure(argv[1], argc > 2 ? std::max(1, std::atoi(argv[2])) : 5);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "scan_tape: %s\n", error.what());
    return 1;
  }
}
