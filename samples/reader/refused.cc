// A program of your own that reads tapes: what was refused, as often as it was said.
//
//   refused TAPE_OR_STORE...
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "format/event.h"
#include "store/read/inputs.h"

int main(int count, char** words) try {
  smtptape::Inputs inputs(smtptape::find_tapes({words + 1, words + count}));
  std::map<std::string, int> refused;
  smtptape::EventBatch batch;
  while (inputs.next(batch)) {
    for (const smtptape::Event& event : batch.events) {
      const bool is_reply = event.kind == smtptape::EventKind::Read;
      if (is_reply && (event.text.starts_with('4') || event.text.starts_with('5')))
        ++refused[std::string(event.text.substr(0, event.text.find_first_of("\r\n")))];
    }
    for (const smtptape::Gap& gap : batch.gaps)
      std::printf("(a gap: %s)\n", gap.detail.c_str());
  }
  for (const auto& [reply, times] : refused)
    std::printf("%7d  %s\n", times, reply.c_str());
  for (const std::string& damage : inputs.trouble().damage)
    std::fprintf(stderr, "%s\n", damage.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "refused: %s\n", error.what());
  return 1;
}
