#include "sign/oms/oms_tree.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr int kMaxDepth = 64;

class TreeWalk {
 public:
  TreeWalk(const OmsStatement& statement, const fs::path& root, const fs::path& signature)
      : statement_(statement), root_(root), signature_(signature) {
    for (const OmsResource& resource : statement.resources) listed_.insert(resource.path);
    ignored_.insert(kOmsDefaultIgnored.begin(), kOmsDefaultIgnored.end());
    ignored_.insert(statement.ignored_paths.begin(), statement.ignored_paths.end());
  }

  Result<OmsTree> Run() {
    std::error_code code;
    const fs::file_status status = fs::status(root_, code);
    if (!fs::exists(status)) {
      return Error{Errc::kNotFound, root_.string(), "no such file or directory"};
    }
    inside_ = fs::canonical(root_, code);
    if (code) return Error{Errc::kIo, root_.string(), code.message()};
    if (fs::is_directory(status)) {
      Walk(root_, "", 0);
    } else {
      AddOneFile(status);
    }
    std::ranges::set_difference(listed_, seen_, std::back_inserter(tree_.missing));
    std::ranges::sort(tree_.unsigned_files);
    std::ranges::sort(tree_.ignored);
    return std::move(tree_);
  }

 private:
  void Problem(const std::string& path, std::string code, std::string message) {
    tree_.problems.push_back({Severity::kWarning, std::move(code), path, std::move(message)});
  }

  // A model that is one file may be listed by its name or without one.
  void AddOneFile(const fs::file_status& status) {
    const std::string name = root_.filename().string();
    if (!fs::is_regular_file(status)) return Problem(name, "special-file", "not a regular file");
    AddFile(root_, listed_.contains("") ? "" : name);
  }

  void Walk(const fs::path& folder, const std::string& prefix, int depth) {
    if (depth > kMaxDepth) {
      return Problem(prefix, "too-deep", "folders nested deeper than 64 are not read");
    }
    std::error_code code;
    fs::directory_iterator entries(folder, code);
    for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
      Add(entries->path(), prefix + entries->path().filename().string(), depth);
    }
    if (code) Problem(prefix, "unreadable", "cannot list all of this folder: " + code.message());
  }

  void Add(const fs::path& full, const std::string& path, int depth) {
    std::error_code code;
    if (ignored_.contains(path) ||
        (!signature_.empty() && fs::equivalent(full, signature_, code))) {
      tree_.ignored.push_back(path);
      return;
    }
    const fs::file_status own = fs::symlink_status(full, code);
    if (fs::is_symlink(own) && !MayFollow(full, path)) return;
    const fs::file_status status = fs::status(full, code);
    if (fs::is_regular_file(status)) return AddFile(full, path);
    if (!fs::is_directory(status)) return Problem(path, "special-file", "not a regular file");
    if (fs::is_symlink(own)) {
      return Problem(path, "link-to-directory", "a link to a directory is not followed");
    }
    Walk(full, path + "/", depth + 1);
  }

  bool MayFollow(const fs::path& link, const std::string& path) {
    if (!statement_.allow_links) {
      Problem(path, "link", "a link, which the signature does not allow");
      return false;
    }
    std::error_code code;
    const fs::path target = fs::canonical(link, code);
    if (code) {
      Problem(path, "dangling-link", "this link leads nowhere");
      return false;
    }
    const auto [rest, ignored] = std::ranges::mismatch(inside_, target);
    if (rest == inside_.end()) return true;
    Problem(path, "link-outside", "a link that leaves the model");
    return false;
  }

  void AddFile(const fs::path& full, const std::string& path) {
    if (listed_.contains(path)) {
      seen_.insert(path);
      return;
    }
    // Shards are of bytes, and it has none.
    std::error_code code;
    if (statement_.method == OmsMethod::kShards && fs::file_size(full, code) == 0 && !code) return;
    tree_.unsigned_files.push_back(path);
  }

  const OmsStatement& statement_;
  const fs::path& root_;
  const fs::path& signature_;
  fs::path inside_;  // the root, without links
  std::set<std::string, std::less<>> listed_, ignored_, seen_;
  OmsTree tree_;
};

}  // namespace

Result<OmsTree> CompareOmsTree(const OmsStatement& statement, const fs::path& model,
                               const fs::path& signature) {
  return TreeWalk(statement, model, signature).Run();
}

}  // namespace hallmark
