// What is promised of any tape, whoever wrote it: nothing crashes, memory stays within bounds, and
// everything that reads tapes agrees on what is sound.
#pragma once

#include "tests/fuzz/grammar_tape.h"

namespace smtptape {

// Aborts where something is not as promised.
void check_tape_promise(const GrammarTape& tape);

}  // namespace smtptape
