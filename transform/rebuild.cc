#include "transform/rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/io/partial_output.h"
#include "transform/element_views.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOtherModel = "this is no copy of the model the recipe was made of";

// Bytes in the making, with what is needed to cut them.
struct InMaking {
  Bytes bytes;
  Dtype dtype;
  std::uint64_t rows = 1;     // axis 0
  std::uint64_t columns = 1;  // axis 1
};

Error DoesNotFit(std::string_view name, std::string message) {
  return Error{Errc::kUnsupported, EscapeForPeople(name), std::move(message), std::nullopt,
               std::string(kOtherModel)};
}

Result<InMaking> Sources(const RecipeTensor& tensor, const CanonicalModel& copy) {
  InMaking made{nullptr, Dtype::kF32};
  std::vector<Bytes> parts;
  std::uint64_t total = 0;
  for (const std::string& name : tensor.sources) {
    const CanonicalTensor* const source = FindTensor(copy, name);
    if (source == nullptr) {
      return Error{Errc::kNotFound, EscapeForPeople(name), "the copy has no such tensor",
                   std::nullopt, std::string(kOtherModel)};
    }
    const std::uint64_t rows = source->shape.empty() ? 1 : source->shape[0];
    const std::uint64_t columns = source->shape.size() < 2 ? 1 : source->shape[1];
    if (parts.empty()) {
      made.dtype = source->dtype;
      made.columns = columns;
      made.rows = 0;
    } else if (source->dtype != made.dtype || columns != made.columns) {
      return DoesNotFit(name, "it can't be put beside the others of its stack");
    }
    made.rows += rows;
    const auto sum = CheckedAdd(total, source->bytes->Size());
    if (!sum) return DoesNotFit(name, "the stack it is in is too large");
    total = *sum;
    parts.push_back(Borrow(*source->bytes));
  }
  made.bytes = parts.size() == 1 ? std::move(parts.front()) : JoinRows(std::move(parts));
  return made;
}

Result<void> Cut(const RecipeTensor& tensor, InMaking* made) {
  const std::string& name = tensor.sources.front();
  const std::uint64_t size = made->bytes->Size();
  if (tensor.rows) {
    const RecipeSlice& rows = *tensor.rows;
    if (made->rows == 0 || size % made->rows != 0 || rows.first > made->rows ||
        rows.count > made->rows - rows.first) {
      return DoesNotFit(name, fmt::format("it has {} rows, the recipe needs {} from row {}",
                                          made->rows, rows.count, rows.first));
    }
    const std::uint64_t row_bytes = size / made->rows;
    made->bytes = Slice(std::move(made->bytes), rows.first * row_bytes, rows.count * row_bytes);
    made->rows = rows.count;
  }
  if (tensor.columns) {
    const RecipeSlice& columns = *tensor.columns;
    const std::uint64_t row_bytes = made->rows == 0 ? 0 : made->bytes->Size() / made->rows;
    if (made->columns == 0 || row_bytes == 0 || row_bytes % made->columns != 0 ||
        InfoOf(made->dtype).block_values != 1 || columns.first > made->columns ||
        columns.count > made->columns - columns.first) {
      return DoesNotFit(name, fmt::format("it has {} columns, the recipe needs {} from column {}",
                                          made->columns, columns.count, columns.first));
    }
    const std::uint64_t width = row_bytes / made->columns;
    made->bytes = SliceColumns(std::move(made->bytes), made->rows, columns.first * width,
                               columns.count * width);
    made->columns = columns.count;
  }
  if (tensor.rotary_heads != 0) {
    if (made->bytes->Size() == 0 || made->rows % 2 != 0 ||
        made->rows / 2 % tensor.rotary_heads != 0) {
      return DoesNotFit(name, fmt::format("its {} rows are no rotary pairs of {} heads", made->rows,
                                          tensor.rotary_heads));
    }
    made->bytes = JoinRotaryPairs(std::move(made->bytes), tensor.rotary_heads, made->rows);
  }
  return {};
}

// What must not lose anything, and is asked after every read.
class Lossless final : public BlockSource {
 public:
  Lossless(Bytes base, std::shared_ptr<const LossCount> loss)
      : base_(std::move(base)), loss_(std::move(loss)) {}
  std::uint64_t Size() const override { return base_->Size(); }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    HM_TRY(base_->Read(offset, out));
    if (loss_->Total().changed == 0) return {};
    return Error{Errc::kMalformed, "", "1 can't be added to its values without a loss"};
  }

 private:
  Bytes base_;
  std::shared_ptr<const LossCount> loss_;
};

// Errors of reading get the name of the tensor.
class Named final : public BlockSource {
 public:
  Named(Bytes base, std::string name) : base_(std::move(base)), name_(std::move(name)) {}
  std::uint64_t Size() const override { return base_->Size(); }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    Result<void> read = base_->Read(offset, out);
    if (read || !read.error().subject.empty()) return read;
    Error error = std::move(read).error();
    error.subject = EscapeForPeople(name_);
    return error;
  }

 private:
  Bytes base_;
  std::string name_;
};

// A file of the recipe, put together as it is read.
class RebuiltFile final : public File {
 public:
  RebuiltFile(std::shared_ptr<const OutputFile> planned, std::string name)
      : planned_(std::move(planned)), name_(std::move(name)) {}

  std::uint64_t Size() const override { return planned_->layout.size; }
  const std::string& Name() const override { return name_; }
  FileStamp Stamp() const override { return {.size = Size()}; }
  Result<void> CheckUnchanged() const override { return {}; }

  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
    if (offset > Size() || out.size() > Size() - offset) {
      return Error{Errc::kIo, name_, "a read beyond the end", offset};
    }
    const FileLayout& layout = planned_->layout;
    // Literals and payloads take turns, each in ascending order.
    const auto end_of_literal = [](const FileLayout::Literal& literal) {
      return literal.offset + literal.bytes.size();
    };
    auto literal = std::ranges::upper_bound(layout.literals, offset, {}, end_of_literal);
    auto payload = std::ranges::upper_bound(layout.payloads, offset, {},
                                            [&](const FileLayout::Payload& p) { return EndOf(p); });
    while (!out.empty()) {
      const bool is_literal = literal != layout.literals.end() && literal->offset <= offset;
      std::uint64_t n;
      if (is_literal) {
        n = std::min<std::uint64_t>(out.size(), end_of_literal(*literal) - offset);
        std::memcpy(out.data(), literal->bytes.data() + (offset - literal->offset), n);
        if (offset + n == end_of_literal(*literal)) ++literal;
      } else {
        while (EndOf(*payload) == payload->offset) ++payload;  // of no bytes
        n = std::min<std::uint64_t>(out.size(), EndOf(*payload) - offset);
        HM_TRY(planned_->payloads[payload->tensor]->Read(offset - payload->offset, out.first(n)));
        if (offset + n == EndOf(*payload)) ++payload;
      }
      offset += n;
      out = out.subspan(n);
    }
    return {};
  }

 private:
  std::uint64_t EndOf(const FileLayout::Payload& payload) const {
    return payload.offset + planned_->payloads[payload.tensor]->Size();
  }

  std::shared_ptr<const OutputFile> planned_;
  std::string name_;
};

class RebuiltFolder final : public Folder {
 public:
  RebuiltFolder(std::vector<OutputFile> files, std::string name) : name_(std::move(name)) {
    for (OutputFile& file : files) {
      std::string path = file.path;
      files_.emplace(std::move(path), std::make_shared<const OutputFile>(std::move(file)));
    }
  }

  std::string NameOf(std::string_view path) const override {
    return path.empty() ? name_ : fmt::format("{} (rebuilt from {})", path, name_);
  }
  Result<DirectoryListing> List() const override {
    DirectoryListing listing;
    for (const auto& [path, file] : files_) {
      listing.files.push_back({path, {}, file->layout.size, false});
    }
    std::ranges::sort(listing.files, [](const DirectoryEntry& a, const DirectoryEntry& b) {
      return NaturalLess(a.path, b.path);
    });
    return listing;
  }
  bool Has(std::string_view path) const override { return files_.find(path) != files_.end(); }
  Result<std::unique_ptr<File>> Open(std::string_view path) const override {
    const auto found = files_.find(path);
    if (found == files_.end()) {
      return Error{Errc::kNotFound, NameOf(path), "the recipe has no such file"};
    }
    return std::unique_ptr<File>(std::make_unique<RebuiltFile>(found->second, NameOf(path)));
  }
  FileStretch Locate(std::string_view path, ByteRange range) const override {
    return {std::string(path), range};
  }

 private:
  std::map<std::string, std::shared_ptr<const OutputFile>, std::less<>> files_;
  std::string name_;
};

// Which rows, or columns, of a tensor are in files that were looked at.
class Coverage {
 public:
  void AddAll() { all_ = true; }
  void AddRows(const RecipeSlice& slice) { rows_.push_back(slice); }
  void AddColumns(const RecipeSlice& slice) { columns_.push_back(slice); }
  bool Covers(const CanonicalTensor& tensor) {
    if (all_ || tensor.bytes->Size() == 0) return true;
    return (!tensor.shape.empty() && CoversAxis(&rows_, tensor.shape[0])) ||
           (tensor.shape.size() > 1 && CoversAxis(&columns_, tensor.shape[1]));
  }

 private:
  static bool CoversAxis(std::vector<RecipeSlice>* slices, std::uint64_t size) {
    std::ranges::sort(*slices, {}, &RecipeSlice::first);
    std::uint64_t covered = 0;
    for (const RecipeSlice& slice : *slices) {
      if (slice.first > covered) return false;
      covered = std::max(covered, slice.first + slice.count);
    }
    return covered >= size;
  }

  bool all_ = false;
  std::vector<RecipeSlice> rows_, columns_;
};

std::string FingerprintOf(const Recipe& recipe, const Model& copy) {
  std::string text = "rebuild " + recipe.weights;
  for (const RecipeFile& file : recipe.files) text += file.path + file.sha256.ToString();
  for (const FileOnDisk& file : copy.FilesOnDisk()) {
    text += fmt::format("{} {} {} {} {}", file.path, file.stamp.inode, file.stamp.size,
                        file.stamp.modified_ns, file.stamp.changed_ns);
  }
  return HashBytes(Algorithm::kSha256, AsBytes(text)).Hex();
}

}  // namespace

Result<Bytes> RebuiltTensor(const RecipeTensor& tensor, const CanonicalModel& copy) {
  InMaking made = HM_TRY(Sources(tensor, copy));
  HM_TRY(Cut(tensor, &made));
  const std::string& name = tensor.sources.front();
  if (tensor.plus_one) {
    if (!IsFloatFamily(made.dtype)) return DoesNotFit(name, "1 can't be added to its values");
    auto loss = std::make_shared<LossCount>();
    made.bytes = std::make_unique<Lossless>(PlusOne(std::move(made.bytes), made.dtype, loss), loss);
    made.dtype = Dtype::kF32;
  }
  if (made.dtype != tensor.dtype) {
    if (!IsFloatFamily(made.dtype) || !IsFloatFamily(tensor.dtype)) {
      return DoesNotFit(name, fmt::format("it is of type {}, the official one of {}",
                                          DtypeName(made.dtype), DtypeName(tensor.dtype)));
    }
    made.bytes = ExactlyCast(std::move(made.bytes), made.dtype, tensor.dtype);
  }
  if (made.bytes->Size() != tensor.size) {
    return DoesNotFit(name, fmt::format("it gives {} bytes, the official file has {}",
                                        made.bytes->Size(), tensor.size));
  }
  return Bytes(std::make_unique<Named>(std::move(made.bytes), name));
}

Result<RebuildSource> RebuildSource::Open(const fs::path& copy, const Task& task) {
  RebuildSource source;
  source.model_ = std::make_unique<const Model>(HM_TRY(Model::Open(copy, task)));
  source.canonical_ =
      std::make_unique<const CanonicalModel>(HM_TRY(Canonicalise(*source.model_, task)));
  return source;
}

Result<std::vector<OutputFile>> PlanRebuild(const Recipe& recipe, const CanonicalModel& copy) {
  std::vector<OutputFile> files;
  std::size_t literal = 0;
  for (const RecipeFile& file : recipe.files) {
    OutputFile& planned = files.emplace_back();
    planned.path = file.path;
    planned.layout.size = file.size;
    std::uint64_t offset = 0;
    for (const RecipeSegment& segment : file.segments) {
      if (segment.tensor) {
        Bytes bytes = HM_TRY(RebuiltTensor(recipe.tensors[*segment.tensor], copy));
        planned.layout.payloads.push_back({offset, planned.payloads.size()});
        planned.payloads.push_back(std::move(bytes));
      } else {
        const auto from = recipe.literals.begin() + static_cast<std::ptrdiff_t>(literal);
        planned.layout.literals.push_back(
            {offset, {from, from + static_cast<std::ptrdiff_t>(segment.size)}});
        literal += segment.size;
      }
      offset += segment.size;
    }
  }
  return files;
}

Result<std::shared_ptr<const Folder>> FolderOfRebuilt(const Recipe& recipe,
                                                      const CanonicalModel& copy,
                                                      std::string name) {
  return std::shared_ptr<const Folder>(
      std::make_shared<RebuiltFolder>(HM_TRY(PlanRebuild(recipe, copy)), std::move(name)));
}

std::vector<std::string> TensorsNotIn(const Recipe& recipe, const CanonicalModel& copy,
                                      const std::set<std::string>& paths) {
  std::map<std::string_view, Coverage> covered;
  for (const RecipeFile& file : recipe.files) {
    if (!paths.contains(file.path)) continue;
    for (const RecipeSegment& segment : file.segments) {
      if (!segment.tensor) continue;
      const RecipeTensor& tensor = recipe.tensors[*segment.tensor];
      for (const std::string& source : tensor.sources) {
        Coverage& coverage = covered[source];
        if (!tensor.rows && !tensor.columns) coverage.AddAll();
        if (tensor.sources.size() > 1) continue;  // slices of a stack are not told apart
        if (tensor.rows && !tensor.columns) coverage.AddRows(*tensor.rows);
        if (tensor.columns && !tensor.rows) coverage.AddColumns(*tensor.columns);
      }
    }
  }
  std::vector<std::string> missing;
  for (const CanonicalTensor& tensor : copy.tensors) {
    if (!covered[tensor.name].Covers(tensor)) missing.push_back(tensor.name);
  }
  return missing;
}

bool RebuildReport::AllMatch() const {
  return std::ranges::all_of(files, &RebuiltFileReport::matches);
}

Result<RebuildReport> Rebuild(const Recipe& recipe, const RebuildSource& copy,
                              const RebuildOptions& options, const Task& task) {
  HM_TRY(CheckOutputTarget(options.target, PartialOutput::Target::kFolder, options.force));
  const std::vector<OutputFile> files = HM_TRY(PlanRebuild(recipe, copy.Canonical()));
  std::uint64_t bytes = 0;
  for (const OutputFile& file : files) {
    bytes = CheckedAdd(bytes, file.layout.size).value_or(UINT64_MAX);
  }
  const std::string fingerprint = FingerprintOf(recipe, copy.GetModel());
  PartialOutput output = HM_TRY(PartialOutput::Begin({.target = options.target,
                                                      .kind = PartialOutput::Target::kFolder,
                                                      .force = options.force,
                                                      .discard = options.discard,
                                                      .fingerprint = fingerprint}));
  if (!output.WasInterrupted()) HM_TRY(CheckFreeSpace(options.target, bytes));
  task.Begin("rebuilding", bytes, files.size());
  Result<std::vector<WrittenFile>> written = WriteFiles(files, output, task);
  if (!written) {
    if (written.error().code == Errc::kInterrupted) output.Keep();
    return written.error();
  }
  RebuildReport report;
  for (const WrittenFile& file : *written) {
    const auto wanted = std::ranges::find(recipe.files, file.path, &RecipeFile::path);
    report.files.push_back({file.path, file.size, wanted->tree == file.tree});
  }
  HM_TRY(copy.GetModel().CheckUnchanged());
  if (!report.AllMatch()) return report;
  HM_TRY(FlushFiles(*written, output));
  HM_TRY(output.Commit());
  return report;
}

}  // namespace hallmark
