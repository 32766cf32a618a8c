#include "migrations/format.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "migrations/utf8.h"

namespace migproof {

namespace {

constexpr std::size_t kLargestFile = std::size_t{32} << 20;

class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  ~FileDescriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Error CannotRead(const std::string& what, std::string_view why, std::string hint) {
  return Error(ErrorKind::kUsage, fmt::format("can't read {}: {}", what, why)).WithHint(std::move(hint));
}

// With what the system says, and what to do about it.
Error CannotRead(const std::string& what, int code) {
  const char* hint = "";
  if (code == ENOENT)
    hint = "check the path: a relative one counts from the working directory, in migproof.json from that file";
  if (code == ENOTDIR) hint = "name the directory that the file lies in";
  if (code == EACCES || code == EPERM) hint = "whoever runs migproof needs the permission to read it";
  return CannotRead(what, std::strerror(code), hint);
}

std::string Quoted(const std::filesystem::path& path) { return fmt::format("'{}'", path.string()); }

// The first byte that is no UTF-8, or a NUL, which no statement can hold.
std::optional<std::size_t> FirstBadByte(std::string_view text) {
  const auto bad = FindInvalidUtf8(text);
  const std::size_t nul = text.substr(0, bad.value_or(text.size())).find('\0');
  return nul == std::string_view::npos ? bad : nul;
}

std::string ReadBytes(const std::filesystem::path& path) {
  // Without O_NONBLOCK the opening of a FIFO waits for its writer.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) throw CannotRead(Quoted(path), errno);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) throw CannotRead(Quoted(path), errno);
  if (!S_ISREG(status.st_mode)) {
    throw CannotRead(Quoted(path), "it is not a regular file",
                     "a history consists of regular files: take it out of there");
  }
  std::string bytes(std::min(static_cast<std::size_t>(status.st_size), kLargestFile) + 1, '\0');
  std::size_t filled = 0;
  while (true) {
    if (filled > kLargestFile) {
      throw CannotRead(Quoted(path), fmt::format("it is larger than {} MiB", kLargestFile >> 20),
                       "load large data outside of migrations, or split the file");
    }
    if (filled == bytes.size()) bytes.resize(std::min(bytes.size() * 2, kLargestFile + 1));
    const ssize_t got = read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw CannotRead(Quoted(path), errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace

std::string ReadTextFile(const std::filesystem::path& path) {
  std::string text = ReadBytes(path);
  if (const auto bad = FirstBadByte(text)) {
    const auto value = static_cast<unsigned char>(text[*bad]);
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not UTF-8 text: byte {:#04x} at offset {}", path.string(),
                                               static_cast<unsigned>(value), *bad))
        .WithHint("save the file as UTF-8");
  }
  if (text.rfind("\xEF\xBB\xBF", 0) == 0) text.erase(0, 3);
  return text;
}

std::vector<std::filesystem::path> ListDirectory(const std::filesystem::path& directory) {
  DIR* handle = opendir(directory.c_str());
  if (handle == nullptr) {
    throw CannotRead("directory " + Quoted(directory), errno);
  }
  std::vector<std::filesystem::path> entries;
  while (const dirent* entry = readdir(handle)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") entries.push_back(directory / name);
  }
  closedir(handle);
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.filename().native() < b.filename().native(); });
  return entries;
}

}  // namespace migproof
