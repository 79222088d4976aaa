#include "formats/pickle_planted.h"

namespace hallmark {
namespace {

// Holds what it is given and calls none of it, like a plain dict.
bool IsPlainDict(const PickleGraph& graph, PickleRef callable) {
  if (graph.Kind(callable) != PickleKind::kGlobal) return false;
  const PickleGlobal& global = graph.AsGlobal(callable);
  return IsDictType(global.module, global.name) && global.name != "defaultdict";
}

}  // namespace

std::vector<PickleRef> PlantedGlobals(const PickleGraph& graph,
                                      std::span<const PickleRef> replaced_states) {
  std::vector<bool> seen(graph.Size(), false);
  std::vector<PickleRef> open;
  const auto visit = [&](PickleRef ref) {
    if (!seen[ref]) {
      seen[ref] = true;
      open.push_back(ref);
    }
  };
  const auto visit_contents = [&](PickleRef ref) {
    for (const PickleRef item : graph.Items(ref)) visit(item);
    for (const auto& [key, value] : graph.Pairs(ref)) {
      visit(key);
      visit(value);
    }
  };
  for (const PickleRef state : replaced_states) visit(state);
  for (std::size_t i = 0; i < graph.Size(); ++i) {
    const auto ref = static_cast<PickleRef>(i);
    if (graph.Kind(ref) != PickleKind::kObject) continue;
    const PickleObject& object = graph.AsObject(ref);
    if (object.state) visit(*object.state);
    if (object.keywords) visit(*object.keywords);
    if (IsPlainDict(graph, object.callable)) continue;
    visit(object.arguments);
    visit_contents(ref);
  }
  std::vector<PickleRef> found;
  while (!open.empty()) {
    const PickleRef ref = open.back();
    open.pop_back();
    switch (graph.Kind(ref)) {
      case PickleKind::kGlobal:
        if (graph.AsGlobal(ref).kind == GlobalKind::kDangerous) found.push_back(ref);
        break;
      case PickleKind::kObject:
        visit(graph.AsObject(ref).arguments);
        visit_contents(ref);
        break;
      case PickleKind::kPersistent:
        visit(graph.PersistentId(ref));
        break;
      default:
        visit_contents(ref);
    }
  }
  return found;
}

}  // namespace hallmark
