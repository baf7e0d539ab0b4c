// What --json prints: one object a line, with a `schema` field; made of replay/json/json_text.h.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "format/tape/tape_reader.h"
#include "replay/json/json_text.h"

namespace smtptape {

// Of JSON that another part of the program wrote.
[[nodiscard]] boost::json::value json_value(std::string_view json);

[[nodiscard]] boost::json::object json_of(const Damage& damage);

// With --json the tape itself must not go the same way: throws UsageError.
void refuse_json_beside(const std::string& output);

}  // namespace smtptape
