// Any text is either refused as a recipe, with a reason, or one that is written to the same bytes
// again, and whose files can be made of no copy without them.
#include "transform/recipe.h"

#include <string>
#include <string_view>

#include "transform/rebuild.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<Recipe> recipe = ParseRecipe(text, "fuzz.json");
  if (!recipe) {
    HM_CHECK(recipe.error().subject == "fuzz.json" && !recipe.error().message.empty());
    return 0;
  }
  const Result<std::string> written = WriteRecipe(*recipe);
  HM_CHECK(written.has_value());
  const Result<Recipe> again = ParseRecipe(*written, "fuzz.json");
  HM_CHECK(again.has_value());
  HM_CHECK(*WriteRecipe(*again) == *written);

  // A copy of one small tensor that recipes may well name.
  CanonicalModel copy;
  class Zeros final : public BlockSource {
   public:
    std::uint64_t Size() const override { return 8 * 6 * 2; }
    Result<void> Read(std::uint64_t, MutableByteSpan out) const override {
      for (std::byte& byte : out) byte = std::byte{0};
      return {};
    }
  };
  CanonicalTensor& tensor = copy.tensors.emplace_back();
  tensor.name = "w";
  tensor.dtype = Dtype::kBf16;
  tensor.shape = {8, 6};
  tensor.bytes = std::make_unique<Zeros>();
  for (const RecipeTensor& wanted : recipe->tensors) {
    const Result<Bytes> made = RebuiltTensor(wanted, copy);
    if (!made) continue;
    HM_CHECK((*made)->Size() == wanted.size && wanted.size <= (1 << 20));
    std::vector<std::byte> bytes(wanted.size);
    static_cast<void>((*made)->Read(0, bytes));
  }
  return 0;
}
