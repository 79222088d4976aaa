// The trusted root of Sigstore's public instance, which the build embeds.
#pragma once

#include <string_view>

namespace hallmark {

std::string_view EmbeddedPublicRoot();  // data/production_root.json

}  // namespace hallmark
