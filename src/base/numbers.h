// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace hallmark {

std::string WithCommas(std::uint64_t number);  // "6,738,415,616"

}  // namespace hallmark
