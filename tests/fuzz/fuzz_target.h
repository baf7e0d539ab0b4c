// What every fuzz target defines, in the name that libFuzzer calls.
//
// It returns 0 for every input; an input that breaks a promise aborts or trips a sanitizer.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
