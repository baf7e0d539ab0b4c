// Stands in for libFuzzer in ordinary builds: feeds the fuzz target it is linked with every file
// of the folders named, in order of their names, so that a crash once found stays fixed; or, with
// `--random N`, N random inputs, the same ones each time.
//
// A folder without files is an error: such a test would prove nothing.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"

namespace {

std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  if (files.empty()) throw std::runtime_error("no inputs in " + folder.string());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<char> bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void feed(const std::filesystem::path& file) {
  std::printf("%s\n", file.c_str());  // first, so that the last line names the one that crashed
  std::fflush(stdout);
  // A copy of exactly the input's size: a sanitizer then sees a read past its end.
  const std::vector<char> bytes = bytes_of(file);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

void feed_random(unsigned inputs) {
  for (unsigned seed = 0; seed < inputs; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> bytes(random() % 2000);
    for (std::uint8_t& byte : bytes)
      byte = static_cast<std::uint8_t>(random());
    std::printf("random input %u\n", seed);
    std::fflush(stdout);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) throw std::runtime_error("name at least one folder of inputs");
    if (argc == 3 && std::string(argv[1]) == "--random") {
      feed_random(static_cast<unsigned>(std::stoul(argv[2])));
      return 0;
    }
    for (int i = 1; i < argc; ++i) {
      for (const auto& file : files_of(argv[i]))
        feed(file);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
