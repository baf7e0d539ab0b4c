// Hash tables of texts that are asked for views.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "base/hash.h"

namespace smtptape {

struct AnyTextHash : TextHash {
  using is_transparent = void;
};

template <class Value>
using TextMap = boost::unordered_flat_map<std::string, Value, AnyTextHash, std::equal_to<>>;
using TextSet = boost::unordered_flat_set<std::string, AnyTextHash, std::equal_to<>>;

}  // namespace smtptape
