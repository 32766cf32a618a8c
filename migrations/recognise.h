// Which format a directory is written in, for `--format auto`.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/format.h"

namespace migproof {

struct RecognisedFormat {
  std::string name;
  std::string by;  // "20 files hold '-- +goose Up'"
};

// The one format that the directory looks like: of those that are certain, or else of those whose names fit.
// Error(usage) where it can't be read, and where none or several are left; it lists the candidates, each with what
// speaks for it.
RecognisedFormat RecogniseFormat(const std::filesystem::path& directory);

// As RecogniseFormat, but nothing where it looks like none.
std::optional<RecognisedFormat> RecogniseFormatIfAny(const std::filesystem::path& directory);

// What follows is for the formats. Nothing of it throws: what can't be read is not there.

// The names in `directory`, sorted, hidden ones left out; of its directories where `directories`, else of its files.
std::vector<std::string> NamesIn(const std::filesystem::path& directory, bool directories = false);

// Whether files with this extension hold a line of that kind in their first 16 KiB; `what` is how it is shown. Certain
// unless they are fewer than one in a hundred: then they are left from another tool.
Recognition RecogniseByLine(const std::filesystem::path& directory, std::string_view extension, std::string_view what,
                            const std::function<bool(std::string_view line)>& is_mark);

// "1 file is named x", "3 files are named x"; nothing for none.
Recognition RecogniseByNames(std::size_t files, std::string_view pattern, bool certain);

// The files of that name in `directory` and the four above it, the nearest first.
std::vector<std::filesystem::path> FilesAbove(const std::filesystem::path& directory, std::string_view name);

// Whether go.mod, Cargo.toml or such, in `directory` or one of the four above it, names `dependency`.
bool ProjectNames(const std::filesystem::path& directory, std::string_view file, std::string_view dependency);

}  // namespace migproof
