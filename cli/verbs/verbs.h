// The verbs, one file each; all_verbs.cc puts them in order.
#pragma once

#include "cli/command.h"

namespace hallmark {

Verb CatalogueVerb();
Verb CompletionVerb();
Verb ConvertVerb();
Verb DeriveVerb();
Verb DiffVerb();
Verb HashVerb();
Verb IdVerb();
Verb IdentifyVerb();
Verb InspectVerb();
Verb KeygenVerb();
Verb MergeReportsVerb();
Verb PackVerb();
Verb RebuildVerb();
Verb RecipeVerb();
Verb RepairVerb();
Verb SignVerb();
Verb TrustVerb();
Verb UnpackVerb();
Verb VerifyVerb();
Verb VersionVerb();

}  // namespace hallmark
