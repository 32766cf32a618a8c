// A prepared data directory in one file: quick to unpack, and either whole or not there.
//
//   PackDirectory("/dev/shm/x/data", "/root/.cache/migproof/15-9f04.image", "what made it");
//   DataImage image("/root/.cache/migproof/15-9f04.image");
//   image.Unpack("/dev/shm/y/data", user);
//
// Blocks of zeros are left out on the way in, and come back as holes.
#pragma once

#include <cstddef>
#include <string>

#include "harness/postgres/server_user.h"

namespace migproof {

// Writes all directories and regular files below `directory`, and the text `made_by`. The image appears under its name
// only when it is complete. Error(server) where it can't be written; nothing is left then.
void PackDirectory(const std::string& directory, const std::string& image, const std::string& made_by);

class DataImage {
 public:
  // Error(server) when the file can't be read, or isn't a complete image.
  explicit DataImage(const std::string& path);
  ~DataImage();
  DataImage(const DataImage&) = delete;
  DataImage& operator=(const DataImage&) = delete;

  const std::string& made_by() const { return made_by_; }
  // Makes `directory` (mode 0700) and everything in it, owned by `user`. Error(server), "no space left" among them.
  void Unpack(const std::string& directory, const ServerUser& user) const;

 private:
  const char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::string made_by_;
};

}  // namespace migproof
