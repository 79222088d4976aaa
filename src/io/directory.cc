#include "src/io/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "src/base/text.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

void Walk(const fs::path& folder, const std::string& prefix, int depth, DirectoryListing& out) {
  const auto warn = [&](const std::string& name, std::string code, std::string message) {
    out.findings.push_back({Severity::kWarning, std::move(code), name, std::move(message)});
  };
  if (depth > 64) return warn(prefix, "too-deep", "folders nested deeper than 64 are not read");
  std::error_code code;
  fs::directory_iterator entries(folder, code);
  if (code) return warn(prefix, "unreadable", "cannot list this folder: " + code.message());
  for (; entries != fs::directory_iterator(); entries.increment(code)) {
    const fs::path path = entries->path();
    const std::string name = prefix + path.filename().string();
    const fs::file_status own = entries->symlink_status(code);
    const bool is_link = !code && fs::is_symlink(own);
    const fs::file_status target = fs::status(path, code);
    if (fs::is_regular_file(target)) {
      const std::uint64_t size = fs::file_size(path, code);
      if (code) {
        warn(name, "unreadable", code.message());
      } else {
        out.files.push_back({name, path, size, is_link});
      }
    } else if (fs::is_directory(target)) {
      if (is_link) {
        warn(name, "link-to-directory", "a link to a directory is not followed");
      } else if (path.filename() != ".git") {
        Walk(path, name + "/", depth + 1, out);
      }
    } else if (is_link) {
      warn(name, "dangling-link", "this link leads nowhere");
    } else {
      warn(name, "special-file", "not a regular file, not read");
    }
  }
  // An error ends the loop as the last entry does.
  if (code) warn(prefix, "unreadable", "cannot list all of this folder: " + code.message());
}

}  // namespace

Result<DirectoryListing> ListFiles(const fs::path& root) {
  std::error_code code;
  const fs::file_status status = fs::status(root, code);
  if (status.type() == fs::file_type::not_found) {
    if (root.native().starts_with("http://") || root.native().starts_with("https://")) {
      return Error{Errc::kNotFound, root.string(), "addresses of the web are not read",
                   std::nullopt, "download it first, and name the file or folder"};
    }
    return Error{Errc::kNotFound, root.string(), "no such file or directory"};
  }
  if (code) return Error{Errc::kIo, root.string(), code.message()};
  DirectoryListing listing;
  if (fs::is_directory(status)) {
    Walk(root, "", 0, listing);
    std::sort(listing.files.begin(), listing.files.end(),
              [](const auto& a, const auto& b) { return NaturalLess(a.path, b.path); });
  } else if (fs::is_regular_file(status)) {
    const std::uint64_t size = fs::file_size(root, code);
    if (code) return Error{Errc::kIo, root.string(), code.message()};
    listing.files.push_back({root.filename().string(), root, size, fs::is_symlink(root)});
  } else {
    return Error{Errc::kIo, root.string(), "neither a file nor a directory"};
  }
  return listing;
}

std::optional<std::size_t> FindFile(const DirectoryListing& listing, std::string_view path) {
  const auto found =
      std::ranges::lower_bound(listing.files, path, NaturalLess, &DirectoryEntry::path);
  if (found == listing.files.end() || found->path != path) return std::nullopt;
  return static_cast<std::size_t>(found - listing.files.begin());
}

Result<std::string> CheckRelativePath(std::string_view path) {
  const auto refuse = [&](std::string_view reason) {
    return Error{Errc::kMalformed, "",
                 fmt::format("the path {} {}", EscapeForPeople(path), reason)};
  };
  while (path.starts_with("./")) path.remove_prefix(2);
  if (path.empty()) return refuse("is empty");
  if (path.find('\0') != std::string_view::npos) return refuse("holds a NUL byte");
  if (path.find('\\') != std::string_view::npos) return refuse("holds a backslash");
  if (path.front() == '/') return refuse("is absolute");
  if (path.size() > 1 && path[1] == ':') return refuse("names a drive");
  if (path.find("://") != std::string_view::npos) return refuse("is a URL");
  std::string clean;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty()) return refuse("has an empty component");
    if (part == "..") return refuse("leaves its directory");
    if (part != ".") {
      if (!clean.empty()) clean += '/';
      clean += part;
    }
    at = end + 1;
  }
  if (clean.empty()) return refuse("names no file");
  return clean;
}

}  // namespace hallmark
