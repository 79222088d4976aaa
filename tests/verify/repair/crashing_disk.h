// A disk in memory that loses power: what was not flushed by then is there, or not, or in part.
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/io/disk.h"

namespace hallmark {

class CrashingDisk final : public Disk {
 public:
  // A file that has been there for long.
  void Put(const std::filesystem::path& path, std::string_view text) {
    auto inode = std::make_shared<Inode>();
    inode->now.assign(AsBytes(text).begin(), AsBytes(text).end());
    inode->durable = inode->now;
    names_[path] = inode;
    durable_names_[path] = inode;
    for (auto folder = path.parent_path(); !folder.empty(); folder = folder.parent_path()) {
      folders_.insert(folder);
    }
  }
  // What is in a file; "(none)" if it is not there.
  std::string Get(const std::filesystem::path& path) const {
    const auto found = names_.find(path);
    return found == names_.end() ? "(none)" : std::string(AsText(found->second->now));
  }

  // The power goes after so many more changes; from then on nothing works.
  void CutPowerAfter(std::size_t changes) { left_ = changes; }
  std::size_t Changes() const { return changes_; }  // so far

  // Power is back: of what was not flushed, `random` says what became of it.
  void Restart(std::mt19937& random) {
    const auto flip = [&] { return random() % 2 == 0; };
    for (auto& [path, inode] : AllFiles()) {
      std::ranges::shuffle(inode->pending, random);
      for (const Write& write : inode->pending) Land(write, *inode, random);
      inode->pending.clear();
      inode->now = inode->durable;
    }
    for (const NameChange& change : pending_names_) {
      if (flip()) change.effect(durable_names_);
    }
    pending_names_.clear();
    for (const std::filesystem::path& folder : pending_folders_) {
      if (flip()) continue;
      std::erase_if(durable_names_, [&](const auto& entry) {
        return entry.first.string().starts_with(folder.string() + "/");
      });
      std::erase_if(folders_, [&](const std::filesystem::path& f) {
        return f == folder || f.string().starts_with(folder.string() + "/");
      });
    }
    pending_folders_.clear();
    names_ = durable_names_;
    left_ = SIZE_MAX;
  }

  bool Has(const std::filesystem::path& path) const override {
    return names_.contains(path) || folders_.contains(path);
  }
  Result<std::unique_ptr<DiskFile>> Open(const std::filesystem::path& path) override {
    const auto found = names_.find(path);
    if (found == names_.end()) return Error{Errc::kIo, path.string(), "open: no such file"};
    return std::unique_ptr<DiskFile>(std::make_unique<Opened>(*this, found->second));
  }
  Result<std::unique_ptr<DiskFile>> Create(const std::filesystem::path& path) override {
    HM_TRY(Change());
    auto inode = std::make_shared<Inode>();
    names_[path] = inode;
    pending_names_.push_back(
        {{path.parent_path()}, [path, inode](Names& names) { names[path] = inode; }});
    return std::unique_ptr<DiskFile>(std::make_unique<Opened>(*this, inode));
  }
  Result<void> Rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    HM_TRY(Change());
    const auto inode = names_.at(from);
    const auto effect = [from, to, inode](Names& names) {
      names.erase(from);
      names[to] = inode;
    };
    effect(names_);
    pending_names_.push_back({{from.parent_path(), to.parent_path()}, effect});
    return {};
  }
  Result<void> Remove(const std::filesystem::path& path) override {
    HM_TRY(Change());
    names_.erase(path);
    pending_names_.push_back({{path.parent_path()}, [path](Names& names) { names.erase(path); }});
    return {};
  }
  Result<void> MakeFolder(const std::filesystem::path& path) override {
    HM_TRY(Change());
    for (auto folder = path; !folders_.contains(folder); folder = folder.parent_path()) {
      folders_.insert(folder);
      pending_folders_.insert(folder);
    }
    return {};
  }
  Result<void> FlushFolder(const std::filesystem::path& path) override {
    HM_TRY(Change());
    std::erase_if(pending_names_, [&](const NameChange& change) {
      if (std::ranges::find(change.folders, path) == change.folders.end()) return false;
      change.effect(durable_names_);
      return true;
    });
    std::erase_if(pending_folders_, [&](const std::filesystem::path& folder) {
      return folder.parent_path() == path;
    });
    return {};
  }

 private:
  struct Write {
    std::uint64_t offset = 0;
    std::vector<std::byte> bytes;
    bool is_size = false;  // the file gets `offset` bytes
  };
  struct Inode {
    std::vector<std::byte> now, durable;
    std::vector<Write> pending;
  };
  using Names = std::map<std::filesystem::path, std::shared_ptr<Inode>>;
  struct NameChange {
    std::vector<std::filesystem::path> folders;
    std::function<void(Names&)> effect;
  };

  class Opened final : public DiskFile {
   public:
    Opened(CrashingDisk& disk, std::shared_ptr<Inode> inode)
        : disk_(disk), inode_(std::move(inode)) {}
    Result<std::uint64_t> Size() const override { return inode_->now.size(); }
    Result<void> Read(std::uint64_t offset, MutableByteSpan out) const override {
      if (offset + out.size() > inode_->now.size()) return Error{Errc::kIo, "", "too short"};
      std::copy_n(inode_->now.begin() + static_cast<std::ptrdiff_t>(offset), out.size(),
                  out.begin());
      return {};
    }
    Result<void> Write(std::uint64_t offset, ByteSpan bytes) override {
      HM_TRY(disk_.Change());
      Add({offset, {bytes.begin(), bytes.end()}});
      return {};
    }
    Result<void> Truncate(std::uint64_t size) override {
      HM_TRY(disk_.Change());
      Add({size, {}, true});
      return {};
    }
    Result<void> Flush() override {
      HM_TRY(disk_.Change());
      inode_->durable = inode_->now;
      inode_->pending.clear();
      return {};
    }

   private:
    void Add(CrashingDisk::Write write) {
      Apply(write, inode_->now);
      inode_->pending.push_back(std::move(write));
    }

    CrashingDisk& disk_;
    std::shared_ptr<Inode> inode_;
  };

  static void Apply(const Write& write, std::vector<std::byte>& file) {
    if (write.is_size) {
      file.resize(write.offset);
      return;
    }
    file.resize(std::max<std::size_t>(file.size(), write.offset + write.bytes.size()));
    std::ranges::copy(write.bytes, file.begin() + static_cast<std::ptrdiff_t>(write.offset));
  }

  // Some of its sectors of 512 bytes, each as it was, as it should be, or torn.
  static void Land(const Write& write, Inode& inode, std::mt19937& random) {
    if (write.is_size) {
      if (random() % 2 == 0) Apply(write, inode.durable);
      return;
    }
    for (std::size_t at = 0; at < write.bytes.size();) {
      const std::size_t sector = 512 - (write.offset + at) % 512;
      const std::size_t n = std::min(sector, write.bytes.size() - at);
      std::vector<std::byte> bytes(write.bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                   write.bytes.begin() + static_cast<std::ptrdiff_t>(at + n));
      switch (random() % 4) {
        case 0:
          break;
        case 1:
          for (std::byte& byte : bytes) {
            if (random() % 2 == 0) byte = static_cast<std::byte>(random());
          }
          [[fallthrough]];
        default:
          Apply({write.offset + at, std::move(bytes)}, inode.durable);
      }
      at += n;
    }
  }

  Result<void> Change() {
    if (left_ == 0) return Error{Errc::kIo, "disk", "no power"};
    if (left_ != SIZE_MAX) --left_;
    ++changes_;
    return {};
  }

  Names AllFiles() const {
    Names all = names_;
    all.insert(durable_names_.begin(), durable_names_.end());
    std::size_t i = 0;
    for (const auto& [path, inode] : names_) all["now/" + std::to_string(i++)] = inode;
    return all;
  }

  Names names_, durable_names_;
  std::set<std::filesystem::path> folders_, pending_folders_;
  std::vector<NameChange> pending_names_;
  std::size_t left_ = SIZE_MAX;
  std::size_t changes_ = 0;
};

}  // namespace hallmark
