#include "harness/postgres/data_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "harness/postgres/token.h"
#include "migrations/error.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

// The file: kMagic, then records, the last one of kind kEnd. Numbers in the machine's order: an image never travels.
constexpr std::string_view kMagic = "migproof image 1";
constexpr std::size_t kBlock = 4096;
enum class Kind : std::uint32_t { kMadeBy = 1, kDirectory, kFile, kExtent, kEnd };

// Followed by `name_bytes` of name, then, for an extent, by `size` bytes that belong at `offset` of the last file.
struct Record {
  Kind kind;
  std::uint32_t name_bytes;
  std::uint64_t offset;
  std::uint64_t size;
};

Error ImageError(const std::string& what, const std::string& path) {
  return Error(ErrorKind::kServer, fmt::format("{} '{}': {}", what, path, std::strerror(errno)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void Append(std::string& image, Kind kind, std::string_view name, std::uint64_t offset, std::uint64_t size) {
  const Record record{kind, static_cast<std::uint32_t>(name.size()), offset, size};
  image.append(reinterpret_cast<const char*>(&record), sizeof record);
  image.append(name);
}

bool IsZero(std::string_view block) {
  return block[0] == 0 && std::memcmp(block.data(), block.data() + 1, block.size() - 1) == 0;
}

// The file's content as runs of blocks that hold something.
void AppendExtents(std::string& image, std::string_view content) {
  std::size_t begin = 0;
  while (begin < content.size()) {
    if (IsZero(content.substr(begin, kBlock))) {
      begin += kBlock;
      continue;
    }
    std::size_t end = begin;
    while (end < content.size() && !IsZero(content.substr(end, kBlock))) end += kBlock;
    end = std::min(end, content.size());
    Append(image, Kind::kExtent, "", begin, end - begin);
    image.append(content.substr(begin, end - begin));
    begin = end;
  }
}

void AppendFile(std::string& image, const fs::path& path, const std::string& name) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw ImageError("can't read", path);
  const std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  Append(image, Kind::kFile, name, 0, content.size());
  AppendExtents(image, content);
}

void WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw ImageError("can't write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// A file that has no name until it is complete; its bytes are on the disk before that.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)), file_(OpenUnnamed()) {
    if (file_.get() < 0) throw ImageError("can't write", path_);
  }
  ~NewFile() {
    if (!partial_.empty()) unlink(partial_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  int get() const { return file_.get(); }

  // Somebody else's file of that name, made meanwhile, is as good.
  void Publish() const {
    const std::string from = partial_.empty() ? fmt::format("/proc/self/fd/{}", get()) : partial_;
    const bool linked =
        fdatasync(get()) == 0 && linkat(AT_FDCWD, from.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) == 0;
    if (!linked && errno != EEXIST) throw ImageError("can't write", path_);
  }

 private:
  // Some filesystems know only files with names.
  int OpenUnnamed() {
    const fs::path directory = fs::path(path_).parent_path();
    const int fd = open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
    partial_ = fmt::format("{}.{}", path_, RandomToken(8));
    return open(partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  }

  std::string path_;
  std::string partial_;
  Descriptor file_;
};

// Walks the records of an image; throws where one points outside.
class Reader {
 public:
  Reader(const char* bytes, std::size_t size) : rest_(bytes, size) {
    if (rest_.substr(0, kMagic.size()) != kMagic) throw Error(ErrorKind::kServer, "not an image of ours");
    rest_.remove_prefix(kMagic.size());
  }

  Record Next(std::string& name) {
    Record record;
    std::memcpy(&record, Take(sizeof record).data(), sizeof record);
    name = Take(record.name_bytes);
    return record;
  }

  std::string_view Take(std::size_t size) {
    if (size > rest_.size()) throw Error(ErrorKind::kServer, "the image ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view rest_;
};

// Makes the files of one image below a directory.
class Unpacker {
 public:
  Unpacker(std::string directory, const ServerUser& user) : root_(std::move(directory)), user_(user) {
    MakeDirectory(root_);
    root_fd_ = open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root_fd_ < 0) throw ImageError("can't open", root_);
  }
  ~Unpacker() {
    CloseFile();
    close(root_fd_);
  }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  void MakeDirectory(const std::string& path) {
    if (mkdirat(root_fd_, path.c_str(), 0700) != 0) throw ImageError("can't make directory", path);
    if (user_.switched && fchownat(root_fd_, path.c_str(), user_.uid, user_.gid, 0) != 0) {
      throw ImageError("can't give away", path);
    }
  }

  void BeginFile(const std::string& path, std::uint64_t size) {
    CloseFile();
    path_ = path;
    file_ = openat(root_fd_, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file_ < 0) throw ImageError("can't make file", path);
    if (user_.switched && fchown(file_, user_.uid, user_.gid) != 0) throw ImageError("can't give away", path);
    if (size > 0 && ftruncate(file_, static_cast<off_t>(size)) != 0) throw ImageError("can't size", path);
  }

  void WriteExtent(std::uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw ImageError("can't write", root_ + "/" + path_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
  }

 private:
  void CloseFile() {
    if (file_ >= 0) close(file_);
    file_ = -1;
  }

  std::string root_;
  const ServerUser& user_;
  int root_fd_ = AT_FDCWD;
  int file_ = -1;
  std::string path_;
};

}  // namespace

void PackDirectory(const std::string& directory, const std::string& image, const std::string& made_by) {
  std::vector<fs::directory_entry> entries(fs::recursive_directory_iterator(directory), {});
  std::sort(entries.begin(), entries.end());
  std::string bytes(kMagic);
  Append(bytes, Kind::kMadeBy, made_by, 0, 0);
  for (const fs::directory_entry& entry : entries) {
    const std::string name = fs::path(entry.path()).lexically_relative(directory);
    if (entry.is_directory()) Append(bytes, Kind::kDirectory, name, 0, 0);
    if (entry.is_regular_file()) AppendFile(bytes, entry.path(), name);
  }
  Append(bytes, Kind::kEnd, "", 0, 0);
  const NewFile file(image);
  WriteAll(file.get(), bytes, image);
  file.Publish();
}

DataImage::DataImage(const std::string& path) {
  const Descriptor in(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (in.get() < 0 || fstat(in.get(), &info) != 0) throw ImageError("can't read", path);
  size_ = static_cast<std::size_t>(info.st_size);
  void* mapped = size_ == 0 ? MAP_FAILED : mmap(nullptr, size_, PROT_READ, MAP_PRIVATE | MAP_POPULATE, in.get(), 0);
  if (mapped == MAP_FAILED) throw ImageError("can't read", path);
  bytes_ = static_cast<const char*>(mapped);
  try {
    Reader reader(bytes_, size_);
    for (std::string name;;) {
      const Record record = reader.Next(name);
      if (record.kind == Kind::kMadeBy) made_by_ = name;
      if (record.kind == Kind::kExtent) reader.Take(record.size);
      if (record.kind == Kind::kEnd) break;
    }
  } catch (Error& e) {
    munmap(mapped, size_);
    e.AddContext("while reading " + path);
    throw;
  }
}

DataImage::~DataImage() { munmap(const_cast<char*>(bytes_), size_); }

void DataImage::Unpack(const std::string& directory, const ServerUser& user) const {
  Unpacker unpacker(directory, user);
  Reader reader(bytes_, size_);
  for (std::string name;;) {
    const Record record = reader.Next(name);
    switch (record.kind) {
      case Kind::kMadeBy: break;
      case Kind::kDirectory: unpacker.MakeDirectory(name); break;
      case Kind::kFile: unpacker.BeginFile(name, record.size); break;
      case Kind::kExtent: unpacker.WriteExtent(record.offset, reader.Take(record.size)); break;
      case Kind::kEnd: return;
    }
  }
}

}  // namespace migproof
