#include "cli/verbs/verbs.h"

namespace hallmark {

std::span<const Verb> AllVerbs() {
  static const std::vector<Verb> verbs = {
      VerifyVerb(), IdentifyVerb(),  IdVerb(),           InspectVerb(),    DiffVerb(),
      DeriveVerb(), HashVerb(),      ConvertVerb(),      RecipeVerb(),     RebuildVerb(),
      RepairVerb(), PackVerb(),      UnpackVerb(),       KeygenVerb(),     SignVerb(),
      TrustVerb(),  CatalogueVerb(), MergeReportsVerb(), CompletionVerb(), VersionVerb(),
  };
  return verbs;
}

}  // namespace hallmark
