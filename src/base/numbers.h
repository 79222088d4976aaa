// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hallmark {

std::string WithCommas(std::uint64_t number);                    // "6,738,415,616"
std::string Count(std::uint64_t number, std::string_view noun);  // "1 file", "2 files"

}  // namespace hallmark
