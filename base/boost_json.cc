// Boost.JSON, compiled here once: as headers alone it needs no library to be installed.
#include <boost/json/src.hpp>
