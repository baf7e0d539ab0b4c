#include "format/tape/payload_order.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/error.h"

namespace smtptape {

std::vector<std::uint64_t> places_by_session(std::span<const std::int64_t> lengths_untrusted,
                                             std::span<const std::uint32_t> roots,
                                             std::uint64_t size) {
  boost::unordered_flat_map<std::uint32_t, std::uint32_t> sessions;
  std::vector<std::uint32_t> session_of(roots.size());
  std::vector<std::uint64_t> begins;  // of each session: how much it has, then where it begins
  std::uint64_t left = size;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const auto length = static_cast<std::uint64_t>(lengths_untrusted[i]);
    if (length > left) throw Error("an event's text ends outside the payload");
    left -= length;
    const auto next = static_cast<std::uint32_t>(begins.size());
    session_of[i] = sessions.try_emplace(roots[i], next).first->second;
    if (session_of[i] == next) begins.push_back(0);
    begins[session_of[i]] += length;
  }
  std::uint64_t before = 0;
  for (std::uint64_t& begin : begins) {
    const std::uint64_t bytes = begin;
    begin = before;
    before += bytes;
  }
  std::vector<std::uint64_t> places(roots.size());
  for (std::size_t i = 0; i < roots.size(); ++i) {
    places[i] = begins[session_of[i]];
    begins[session_of[i]] += static_cast<std::uint64_t>(lengths_untrusted[i]);
  }
  return places;
}

}  // namespace smtptape
