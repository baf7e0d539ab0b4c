#include "tests/replay/golden_files.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace smtptape {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t end = 0; (end = text.find(separator)) != std::string_view::npos;) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

}  // namespace

std::string read_golden(const std::string& path) {
  std::ifstream file(SMTPTAPE_GOLDEN_DIR "/" + path, std::ios::binary);
  if (!file) throw std::runtime_error("no such golden: " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string_view> split_frames(std::string_view feed) {
  std::vector<std::string_view> frames = split(feed, '\n');
  if (frames.back().empty()) frames.pop_back();
  return frames;
}

std::vector<Row> read_table(const std::string& path) {
  const std::string text = read_golden(path);
  std::vector<Row> rows;
  for (const std::string_view line : split_frames(text)) {
    const std::vector<std::string_view> cells = split(line, '\t');
    rows.emplace_back(cells.begin(), cells.end());
  }
  return rows;
}

}  // namespace smtptape
