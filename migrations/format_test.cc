#include "migrations/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"

namespace migproof {
namespace {

using testing::HasSubstr;

std::string ReadComplaint(const std::filesystem::path& path) {
  const Error error = ErrorOf([&] { ReadTextFile(path); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  return error.Render();
}

TEST(ReadTextFile, ReadsEveryByteAndDropsABom) {
  const TempDirectory directory;
  EXPECT_EQ(ReadTextFile(directory.Write("a.sql", "SELECT 'ä';\r\n")), "SELECT 'ä';\r\n");
  EXPECT_EQ(ReadTextFile(directory.Write("b.sql", "\xEF\xBB\xBFSELECT 1;")), "SELECT 1;");
  EXPECT_EQ(ReadTextFile(directory.Write("c.sql", "")), "");
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(ReadTextFile(directory.Write("d.sql", large)), large);
}

TEST(ReadTextFile, RefusesWhatIsNotUtf8) {
  const TempDirectory directory;
  EXPECT_EQ(ReadComplaint(directory.Write("a.sql", "SELECT '\xE4';")),
            "error: '" + (directory.path() / "a.sql").string() +
                "' is not UTF-8 text: byte 0xe4 at offset 8\nhint: save the file as UTF-8");
  EXPECT_THAT(ReadComplaint(directory.Write("b.sql", std::string("SELECT\0 1", 9))),
              HasSubstr("byte 0x00 at offset 6"));
  EXPECT_THAT(ReadComplaint(directory.Write("utf16.sql", std::string("\xFF\xFES\0E\0", 6))),
              HasSubstr("byte 0xff at offset 0"));
}

TEST(ReadTextFile, RefusesAFileOf50Megabytes) {
  const TempDirectory directory;
  const auto path = directory.Write("large.sql", "");
  std::filesystem::resize_file(path, 50'000'000);
  EXPECT_THAT(ReadComplaint(path), HasSubstr("it is larger than 32 MiB\nhint: load large data outside of migrations"));
}

TEST(ReadTextFile, RefusesAFifoWithoutWaitingForItsWriter) {
  const TempDirectory directory;
  const auto path = directory.path() / "pipe.sql";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(ReadComplaint(path), HasSubstr("pipe.sql': it is not a regular file"));
}

TEST(ReadTextFile, RefusesDirectoriesAndWhatIsNotThere) {
  const TempDirectory directory;
  EXPECT_THAT(ReadComplaint(directory.path()), HasSubstr("it is not a regular file"));
  EXPECT_THAT(ReadComplaint(directory.path() / "none.sql"), HasSubstr("none.sql': No such file or directory"));
  std::filesystem::create_symlink(directory.path() / "none.sql", directory.path() / "dangling.sql");
  EXPECT_THAT(ReadComplaint(directory.path() / "dangling.sql"), HasSubstr("No such file or directory"));
}

TEST(ListDirectory, IsSortedByName) {
  const TempDirectory directory;
  for (const char* name : {"b.sql", "a.sql", "B.sql", "10.sql", "9.sql"}) directory.Write(name, "");
  std::vector<std::string> names;
  for (const auto& path : ListDirectory(directory.path())) names.push_back(path.filename().string());
  EXPECT_THAT(names, testing::ElementsAre("10.sql", "9.sql", "B.sql", "a.sql", "b.sql"));
}

TEST(ListDirectory, RefusesWhatIsNotAReadableDirectory) {
  const TempDirectory directory;
  const auto complaint = [](const std::filesystem::path& path) {
    const Error error = ErrorOf([&] { ListDirectory(path); });
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.Render();
  };
  EXPECT_THAT(complaint(directory.path() / "none"), HasSubstr("none': No such file or directory"));
  EXPECT_THAT(complaint(directory.Write("file", "")), HasSubstr("file': Not a directory"));
}

// Root may read anything: the look happens in a child that gave its rights away. It exits with 0 where `look` throws an
// Error(usage) that says "Permission denied".
template <typename Look>
int LookAsNobody(const Look& look) {
  const pid_t child = fork();
  if (child == 0) {
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(2);
    try {
      look();
    } catch (const Error& error) {
      const bool right =
          error.kind() == ErrorKind::kUsage && error.Render().find("Permission denied") != std::string::npos;
      _exit(right ? 0 : 3);
    }
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Permissions, AreReportedForFilesAndDirectories) {
  const TempDirectory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
  const auto file = directory.Write("secret.sql", "SELECT 1;");
  const auto closed = directory.Write("closed/a.sql", "SELECT 1;").parent_path();
  std::filesystem::permissions(file, std::filesystem::perms::none);
  std::filesystem::permissions(closed, std::filesystem::perms::none);
  EXPECT_EQ(LookAsNobody([&] { ReadTextFile(file); }), 0);
  EXPECT_EQ(LookAsNobody([&] { ListDirectory(closed); }), 0);
  for (const std::string& name : Registry<Format>::Names()) {
    if (name == "code") continue;  // it reads no directory
    EXPECT_EQ(LookAsNobody([&] { Registry<Format>::Get(name).Read(closed); }), 0) << name;
  }
  std::filesystem::permissions(closed, std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace migproof
