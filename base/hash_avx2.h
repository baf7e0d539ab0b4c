// Private to base.  A state of XXH3 is the same whichever vectors work on it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtptape {

// Only where the processor has AVX2.
void update_with_avx2(void* state, const char* bytes, std::size_t size);
[[nodiscard]] std::uint64_t hash_with_avx2(const char* bytes, std::size_t size);

}  // namespace smtptape
