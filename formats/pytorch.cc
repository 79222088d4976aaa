#include "formats/pytorch.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "formats/pytorch_tensors.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxMetadata = 10'000;            // entries
constexpr std::size_t kMaxMetadataBytes = 1024 * 1024;  // of keys and texts
constexpr std::size_t kMaxMetadataText = 16 * 1024;     // of one value
constexpr std::uint64_t kFreeSteps = 1'000'000;
constexpr std::uint64_t kFreeNameBytes = 16 * 1024 * 1024;

class Rebuilder {
 public:
  Rebuilder(const PickleReading& pickle, PytorchLayout layout, const std::string& subject)
      : graph_(pickle.graph),
        root_(pickle.root),
        subject_(subject),
        tensors_(graph_, layout, subject_, out_, log_) {}

  Result<PytorchCheckpoint> Run() {
    HM_TRY(tensors_.CollectStorages());
    HM_TRY(Walk());
    HM_TRY(tensors_.CheckTotal());
    HM_TRY(CheckNames());
    tensors_.ReportUnread();
    out_.findings = log_.Take(subject_);
    return std::move(out_);
  }

 private:
  Error Malformed(std::string message) const {
    return Error{Errc::kMalformed, subject_, std::move(message)};
  }

  // --- the walk over nested containers

  struct Level {
    PickleRef ref;
    std::size_t name_bytes;  // of the prefix of its children
    bool has_prefix;         // whether that prefix came from a key, so that "." follows
    std::span<const PicklePair> pairs;
    std::span<const PickleRef> items;
    std::size_t next = 0;
    std::size_t tensors_before = 0;
    std::size_t metadata_before = 0;
    std::size_t findings_before = 0;
  };

  Result<void> Walk() {
    spent_.assign(graph_.Size(), 0);
    std::string name;
    std::vector<Level> levels;
    HM_TRY(Visit(root_, name, levels));
    const std::uint64_t max_steps = kFreeSteps + 8 * std::uint64_t{graph_.Size()};
    const std::uint64_t max_name_bytes = kFreeNameBytes + 64 * std::uint64_t{graph_.Size()};
    std::uint64_t steps = 0;
    while (!levels.empty()) {
      Level& level = levels.back();
      name.resize(level.name_bytes);
      if (level.next == level.pairs.size() + level.items.size()) {
        Leave(level);
        levels.pop_back();
        continue;
      }
      if (++steps > max_steps || name_bytes_ > max_name_bytes) {
        return Error{Errc::kUnsupported, subject_,
                     "shared parts of nested values multiply beyond all measure", std::nullopt,
                     "such a file is made to exhaust its readers"};
      }
      const std::size_t at = level.next++;
      if (at < level.pairs.size()) {
        const auto& [key, value] = level.pairs[at];
        if (levels.size() == 1) BeginRootKey(key, value);
        if (!AppendKey(key, level.has_prefix, name)) {
          NoteStrangeKey(value, name);
          continue;
        }
        HM_TRY(Visit(value, name, levels));
      } else {
        const std::size_t index = at - level.pairs.size();
        if (level.has_prefix) name += '.';
        name += fmt::format("{}", index);
        HM_TRY(Visit(level.items[index], name, levels));
      }
    }
    EndRootKey();
    if (root_holders_ == 1) out_.root_key = root_holder_;
    return {};
  }

  // Which keys of the outermost dict hold tensors, and in a dict of their own.
  void BeginRootKey(PickleRef key, PickleRef value) {
    EndRootKey();
    root_key_ = {};
    if (graph_.Kind(key) == PickleKind::kText && IsDict(value)) root_key_ = graph_.AsText(key);
  }

  void EndRootKey() {
    if (out_.tensors.size() == root_tensors_) return;
    root_tensors_ = out_.tensors.size();
    root_holder_ = root_key_;
    ++root_holders_;
  }

  bool IsDict(PickleRef ref) const {
    if (graph_.Kind(ref) == PickleKind::kDict) return true;
    if (graph_.Kind(ref) != PickleKind::kObject) return false;
    const PickleRef callable = graph_.AsObject(ref).callable;
    if (graph_.Kind(callable) != PickleKind::kGlobal) return false;
    const PickleGlobal& global = graph_.AsGlobal(callable);
    return IsDictType(global.module, global.name);
  }

  // torch users name what they flatten so: str(key), joined with ".".
  bool AppendKey(PickleRef key, bool dot, std::string& name) const {
    const PickleKind kind = graph_.Kind(key);
    if (kind != PickleKind::kText && kind != PickleKind::kInteger && kind != PickleKind::kBool &&
        kind != PickleKind::kNone) {
      return false;
    }
    if (dot) name += '.';
    if (kind == PickleKind::kText) {
      name += graph_.AsText(key);
    } else if (kind == PickleKind::kInteger) {
      name += fmt::format("{}", graph_.AsInteger(key));
    } else {
      name += kind == PickleKind::kNone ? "None" : graph_.AsBool(key) ? "True" : "False";
    }
    return true;
  }

  void NoteStrangeKey(PickleRef value, const std::string& name) {
    const PickleKind kind = graph_.Kind(value);
    if (kind != PickleKind::kObject && kind != PickleKind::kDict && kind != PickleKind::kList &&
        kind != PickleKind::kTuple) {
      return;
    }
    log_.Add(Severity::kWarning, "unnamed-value", name,
             "a value under a key that is neither text nor an integer is not read");
  }

  static constexpr std::uint8_t kOnPath = 1;    // its container is being walked
  static constexpr std::uint8_t kEmpty = 2;     // a walk through it found nothing
  static constexpr std::uint8_t kNoTensor = 4;  // a walk through it found metadata only

  void Leave(const Level& level) {
    std::uint8_t& state = spent_[level.ref];
    state &= static_cast<std::uint8_t>(~kOnPath);
    if (out_.tensors.size() != level.tensors_before || log_.Size() != level.findings_before) {
      return;
    }
    state |= kNoTensor;
    if (out_.metadata.size() == level.metadata_before && !MetadataFull()) state |= kEmpty;
  }

  Result<void> Enter(PickleRef ref, std::span<const PicklePair> pairs,
                     std::span<const PickleRef> items, const std::string& name,
                     std::vector<Level>& levels) {
    std::uint8_t& state = spent_[ref];
    if ((state & kEmpty) != 0 || ((state & kNoTensor) != 0 && MetadataFull())) return {};
    if ((state & kOnPath) != 0) {
      log_.Add(Severity::kWarning, "cyclic-value", name, "a container that holds itself");
      return {};
    }
    if (!checked_.contains(ref) && !pairs.empty()) {
      HM_TRY(CheckKeys(pairs, name));
      checked_.insert(ref);
    }
    state |= kOnPath;
    name_bytes_ += name.size();
    // As in torch's own state dicts, an empty name before the first key adds no ".".
    levels.push_back({ref, name.size(), !name.empty(), pairs, items, 0, out_.tensors.size(),
                      out_.metadata.size(), log_.Size()});
    return {};
  }

  // Python keeps the last of equal keys; a pickler never writes two.
  Result<void> CheckKeys(std::span<const PicklePair> pairs, const std::string& name) const {
    if (pairs.size() == 1) return {};
    std::unordered_set<std::string_view> texts;
    std::set<std::int64_t> integers;  // not hashed: the file chooses them
    texts.reserve(pairs.size());
    for (const auto& [key, value] : pairs) {
      bool is_new = true;
      if (graph_.Kind(key) == PickleKind::kText) is_new = texts.insert(graph_.AsText(key)).second;
      // To Python, True is 1.
      if (graph_.Kind(key) == PickleKind::kInteger) {
        is_new = integers.insert(graph_.AsInteger(key)).second;
      }
      if (graph_.Kind(key) == PickleKind::kBool) {
        is_new = integers.insert(graph_.AsBool(key) ? 1 : 0).second;
      }
      if (is_new) continue;
      return Malformed(fmt::format("the key {} is twice in the dict {}",
                                   graph_.Kind(key) == PickleKind::kText
                                       ? EscapeForPeople(graph_.AsText(key))
                                       : fmt::format("{}", graph_.AsInteger(key)),
                                   EscapeForPeople(name)));
    }
    return {};
  }

  Result<void> Visit(PickleRef ref, const std::string& name, std::vector<Level>& levels) {
    switch (graph_.Kind(ref)) {
      case PickleKind::kDict:
        return Enter(ref, graph_.Pairs(ref), {}, name, levels);
      case PickleKind::kList:
      case PickleKind::kTuple:
        return Enter(ref, {}, graph_.Items(ref), name, levels);
      case PickleKind::kObject:
        return VisitObject(ref, name, levels);
      default:
        AddMetadata(ref, name);
        return {};
    }
  }

  Result<void> VisitObject(PickleRef ref, const std::string& name, std::vector<Level>& levels) {
    const TensorCall call = tensors_.Unwrap(ref);
    if (!call.function.empty()) {
      name_bytes_ += name.size();
      return tensors_.AddTensor(name, call);
    }
    const PickleObject& object = graph_.AsObject(ref);
    if (graph_.Kind(object.callable) != PickleKind::kGlobal) return {};
    const PickleGlobal& global = graph_.AsGlobal(object.callable);
    const std::span<const PickleRef> arguments = graph_.Items(object.arguments);
    if (IsDictType(global.module, global.name)) {
      return VisitDictObject(ref, global, arguments, name, levels);
    }
    if (global.module == "collections" && global.name == "deque") {
      std::span<const PickleRef> items = graph_.Items(ref);
      if (items.empty() && !arguments.empty()) items = graph_.Items(arguments[0]);
      return Enter(ref, {}, items, name, levels);
    }
    if (global.module.starts_with("numpy") &&
        (global.name == "_reconstruct" || global.name == "_frombuffer")) {
      log_.Add(Severity::kNote, "numpy-array", name, "a numpy array inside the pickle is not read");
    }
    return {};
  }

  // collections.OrderedDict and kin: items set on it, or given to the call as Python 2 wrote them.
  Result<void> VisitDictObject(PickleRef ref, const PickleGlobal& global,
                               std::span<const PickleRef> arguments, const std::string& name,
                               std::vector<Level>& levels) {
    if (global.name == "defaultdict" && !arguments.empty()) arguments = arguments.subspan(1);
    const PickleObject& object = graph_.AsObject(ref);
    if (object.is_bare && !object.keywords) arguments = {};  // __new__ ignores them
    const bool is_known = arguments.size() <= 1 && !object.keywords &&
                          graph_.Kind(object.arguments) == PickleKind::kTuple &&
                          (arguments.empty() || IsContainer(arguments[0]));
    if (!is_known) {
      log_.Add(Severity::kWarning, "unnamed-value", name,
               "a dict made of a computed value is not read");
      return {};
    }
    if (object.state && !IsPlainState(*object.state)) {
      log_.Add(Severity::kWarning, "unnamed-value", name,
               "a dict is given attributes, which may hide what it holds");
      return {};
    }
    if (arguments.empty()) return Enter(ref, graph_.Pairs(ref), {}, name, levels);
    auto [found, is_new] = given_pairs_.try_emplace(ref);
    std::vector<PicklePair>& pairs = found->second;
    if (is_new) {
      if (graph_.Kind(arguments[0]) == PickleKind::kDict) {
        const auto given = graph_.Pairs(arguments[0]);
        pairs.assign(given.begin(), given.end());
      } else {
        for (const PickleRef item : graph_.Items(arguments[0])) {
          const std::span<const PickleRef> pair = graph_.Items(item);
          if (pair.size() != 2) return Malformed("a dict is made from something that is no pair");
          pairs.emplace_back(pair[0], pair[1]);
        }
      }
      const auto set = graph_.Pairs(ref);
      pairs.insert(pairs.end(), set.begin(), set.end());
      given_bytes_ += pairs.size();
      if (given_bytes_ > graph_.Size()) {
        return Error{Errc::kUnsupported, subject_, "one list is given to many dicts"};
      }
    }
    return Enter(ref, pairs, {}, name, levels);
  }

  // What torch's modules set on their state dicts, and nothing else.
  bool IsPlainState(PickleRef state) const {
    if (graph_.Kind(state) == PickleKind::kNone) return true;
    return graph_.Kind(state) == PickleKind::kDict &&
           std::ranges::all_of(graph_.Pairs(state), [&](const PicklePair& pair) {
             return graph_.IsText(pair.first, "_metadata");
           });
  }

  bool IsContainer(PickleRef ref) const {
    const PickleKind kind = graph_.Kind(ref);
    return kind == PickleKind::kDict || kind == PickleKind::kList || kind == PickleKind::kTuple;
  }

  // --- metadata

  bool MetadataFull() const {
    return out_.metadata.size() >= kMaxMetadata || metadata_bytes_ >= kMaxMetadataBytes;
  }

  void AddMetadata(PickleRef ref, const std::string& name) {
    if (MetadataFull()) {
      if (!metadata_was_cut_) {
        metadata_was_cut_ = true;
        log_.Add(Severity::kNote, "metadata-cut", subject_,
                 fmt::format("only the first {} values beside the tensors are listed",
                             out_.metadata.size()));
      }
      return;
    }
    MetadataValue value = false;
    switch (graph_.Kind(ref)) {
      case PickleKind::kNone:
        value = std::string("None");
        break;
      case PickleKind::kBool:
        value = graph_.AsBool(ref);
        break;
      case PickleKind::kInteger:
        value = graph_.AsInteger(ref);
        break;
      case PickleKind::kFloat:
        value = graph_.AsFloat(ref);
        break;
      case PickleKind::kText:
        if (graph_.AsText(ref).size() > kMaxMetadataText) {
          value = fmt::format("a text of {} bytes", graph_.AsText(ref).size());
        } else {
          value = std::string(graph_.AsText(ref));
        }
        break;
      case PickleKind::kBytes:
        value = fmt::format("{} bytes", graph_.AsText(ref).size());
        break;
      case PickleKind::kBigInteger:
        value = fmt::format("an integer of {} bytes", graph_.AsText(ref).size());
        break;
      case PickleKind::kGlobal:
        value = fmt::format("{}.{}", graph_.AsGlobal(ref).module, graph_.AsGlobal(ref).name);
        break;
      default:
        return;  // sets and bare storages
    }
    if (const auto* const text = std::get_if<std::string>(&value)) metadata_bytes_ += text->size();
    metadata_bytes_ += name.size();
    out_.metadata.push_back({name, std::move(value)});
  }

  // --- the whole

  // Joined names can meet: {"a": {"b": …}} and {"a.b": …}.
  Result<void> CheckNames() const {
    std::vector<std::string_view> names;
    names.reserve(out_.tensors.size());
    for (const StridedTensor& tensor : out_.tensors) names.push_back(tensor.info.name);
    if (const auto twice = FindRepeated(names)) {
      return Error{Errc::kUnsupported, subject_,
                   fmt::format("two tensors get the name {} when keys are joined with \".\"",
                               EscapeForPeople(*twice))};
    }
    return {};
  }

  const PickleGraph& graph_;
  const PickleRef root_;
  const std::string& subject_;
  PytorchCheckpoint out_;
  FindingLog log_;
  TensorBuilder tensors_;
  std::string_view root_key_, root_holder_;  // the child at hand; the last that held tensors
  std::size_t root_tensors_ = 0, root_holders_ = 0;
  std::vector<std::uint8_t> spent_;  // by value, flags above
  std::unordered_set<PickleRef> checked_;
  std::unordered_map<PickleRef, std::vector<PicklePair>> given_pairs_;
  std::size_t given_bytes_ = 0;
  std::uint64_t name_bytes_ = 0;
  std::size_t metadata_bytes_ = 0;
  bool metadata_was_cut_ = false;
};

}  // namespace

Result<PytorchCheckpoint> RebuildCheckpoint(const PickleReading& pickle, PytorchLayout layout,
                                            const std::string& subject) {
  return Rebuilder(pickle, layout, subject).Run();
}

StridedContents JoinStorages(PytorchCheckpoint checkpoint, std::vector<StorageBytes> storages,
                             bool is_big_endian) {
  StridedContents contents;
  for (StridedTensor& tensor : checkpoint.tensors) {
    tensor.is_big_endian = is_big_endian && checkpoint.storages[tensor.storage].dtype.has_value();
  }
  contents.tensors = std::move(checkpoint.tensors);
  contents.storages = std::move(storages);
  contents.metadata = std::move(checkpoint.metadata);
  contents.findings = std::move(checkpoint.findings);
  contents.root_key = std::move(checkpoint.root_key);
  return contents;
}

}  // namespace hallmark
