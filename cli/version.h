// The project's version, "0.1.0".
#pragma once

#include <string_view>

namespace hallmark {

std::string_view VersionText();

}  // namespace hallmark
