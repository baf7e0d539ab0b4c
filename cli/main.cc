#include <string>
#include <vector>

#include "base/io.h"
#include "cli/command.h"

int main(int argc, char** argv) {
  smtptape::occupy_standard_descriptors();
  return smtptape::run_program(std::vector<std::string>(argv + 1, argv + argc));
}
