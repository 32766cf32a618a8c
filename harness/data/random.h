// A stream of choices: the same seed gives the same choices on every machine.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace migproof {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
  std::uint64_t Next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

  // 0 .. bound-1; bound > 0.
  std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }
  // low .. high, both included.
  std::int64_t Between(std::int64_t low, std::int64_t high) {
    const auto width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + (width == 0 ? Next() : Below(width)));
  }
  // True once in `n` times.
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }
  template <typename T>
  const T& Pick(const std::vector<T>& values) {
    return values[Below(values.size())];
  }
  // A stream of its own for what is called `name`: draws for one thing do not move those for another.
  Random Split(std::string_view name) const {
    std::uint64_t hash = 0xCBF29CE484222325U ^ state_;  // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return Random(hash);
  }

 private:
  std::uint64_t state_;
};

}  // namespace migproof
