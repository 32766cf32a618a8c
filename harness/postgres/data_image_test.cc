#include "harness/postgres/data_image.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "harness/postgres/token.h"
#include "migrations/error.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;

class DataImageTest : public testing::Test {
 protected:
  DataImageTest() { fs::create_directory(root_); }
  ~DataImageTest() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& content) const {
    fs::create_directories((root_ / "data" / name).parent_path());
    std::ofstream(root_ / "data" / name, std::ios::binary) << content;
  }

  // Every file and directory below, with its content.
  static std::map<std::string, std::string> Contents(const fs::path& directory) {
    std::map<std::string, std::string> contents;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      std::ifstream in(entry.path(), std::ios::binary);
      contents[entry.path().lexically_relative(directory)] =
          entry.is_directory() ? "directory" : std::string((std::istreambuf_iterator<char>(in)), {});
    }
    return contents;
  }

  std::string Path(const std::string& name) const { return root_ / name; }

  fs::path root_ = fs::temp_directory_path() / ("migproof-test-" + RandomToken(8));
};

TEST_F(DataImageTest, GivesBackWhatWasPacked) {
  const std::string zeros(4096, '\0');
  Write("empty", "");
  Write("text", "hello");
  Write("base/1/2", zeros + zeros + "x" + zeros + std::string(5000, 'y') + zeros);
  Write("zeros", zeros + zeros + std::string(1, '\0'));
  Write("odd", std::string(4097, 'a') + std::string(7, '\0'));
  fs::create_directory(root_ / "data" / "nothing");
  PackDirectory(Path("data"), Path("image"), "15.20");
  const DataImage image(Path("image"));
  EXPECT_EQ(image.made_by(), "15.20");
  image.Unpack(Path("copy"), {});
  EXPECT_EQ(Contents(Path("copy")), Contents(Path("data")));
  EXPECT_EQ(fs::status(Path("copy")).permissions(), fs::perms::owner_all);
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 3) << "data, image, copy: nothing half made";
}

TEST_F(DataImageTest, LeavesBlocksOfZerosOut) {
  Write("zeros", std::string(1 << 20, '\0'));
  PackDirectory(Path("data"), Path("image"), "");
  EXPECT_LT(fs::file_size(Path("image")), 1000U);
}

TEST_F(DataImageTest, RefusesAnythingButAWholeImage) {
  Write("text", std::string(10'000, 'x'));
  PackDirectory(Path("data"), Path("image"), "15.20");
  const auto whole = fs::file_size(Path("image"));
  for (const auto size : {whole - 1, whole / 2, whole - 24, std::uintmax_t{20}, std::uintmax_t{0}}) {
    fs::resize_file(Path("image"), size);
    EXPECT_THROW(DataImage(Path("image")), Error) << size << " of " << whole << " bytes";
  }
  std::ofstream(Path("other")) << std::string(1000, 'x');
  EXPECT_THROW(DataImage(Path("other")), Error);
  EXPECT_THROW(DataImage(Path("missing")), Error);
}

TEST_F(DataImageTest, FirstOfTwoImagesStays) {
  Write("text", "first");
  PackDirectory(Path("data"), Path("image"), "first");
  PackDirectory(Path("data"), Path("image"), "second");
  EXPECT_EQ(DataImage(Path("image")).made_by(), "first");
}

}  // namespace
}  // namespace migproof
