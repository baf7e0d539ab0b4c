// XXH3 with wide vectors, for processors that have them.  This file alone is compiled for them:
// nothing here may be reached on others, and nothing but XXH3's own functions may be included,
// lest the linker takes a copy of a common function from here.
#define XXH_INLINE_ALL
#include "base/hash_avx2.h"

#include <xxhash.h>

namespace smtptape {

void update_with_avx2(void* state, const char* bytes, std::size_t size) {
  XXH3_64bits_update(static_cast<XXH3_state_t*>(state), bytes, size);
}

std::uint64_t hash_with_avx2(const char* bytes, std::size_t size) {
  return XXH3_64bits(bytes, size);
}

}  // namespace smtptape
