// Private to wire: the two ways of is_utf8, which agree.
#pragma once

#include <string_view>

namespace smtptape {

[[nodiscard]] bool is_utf8_portably(std::string_view bytes);
#ifdef __x86_64__
// Only where the processor has AVX2.
[[nodiscard]] bool is_utf8_with_avx2(std::string_view bytes);
#endif

}  // namespace smtptape
