#include <fmt/format.h>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

std::string FourBytes(std::uint64_t n) {
  return fmt::format("{}.{}.{}.{}", n >> 24U & 0xFFU, n >> 16U & 0xFFU, n >> 8U & 0xFFU, n & 0xFFU);
}

// The lowest `bytes` bytes of n, "08:00:2b:01:02:03".
std::string HardwareAddress(std::uint64_t n, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += fmt::format("{}{:02x}", text.empty() ? "" : ":", n >> (8U * i) & 0xFFU);
  return text;
}

TypeRecipe Hosts() {
  TypeRecipe recipe;
  recipe.edges = {"0.0.0.0",
                  "127.0.0.1",
                  "10.0.0.1/8",
                  "10.0.0.0/8",
                  "192.168.1.255/24",
                  "0.0.0.0/0",
                  "255.255.255.255",
                  "::",
                  "::1",
                  "::/0",
                  "2001:db8::1/64",
                  "::ffff:1.2.3.4",
                  "fe80::1",
                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
  recipe.random = [](Random& random) {
    std::string address =
        random.OneIn(4) ? fmt::format("2001:db8::{:x}", random.Below(65'536)) : FourBytes(random.Next());
    return random.OneIn(3) ? address + fmt::format("/{}", random.Below(33)) : address;
  };
  recipe.nth = [](std::uint64_t n) -> std::optional<std::string> {
    if (n >= 0xFF'FFFF) return std::nullopt;
    return FourBytes(0x0A00'0000U + n + 1);
  };
  return recipe;
}

TypeRecipe Networks() {
  TypeRecipe recipe;
  recipe.edges = {"0.0.0.0/32",         "0.0.0.0/0", "10.0.0.0/8", "192.168.1.0/24", "127.0.0.1/32",
                  "255.255.255.255/32", "::/0",      "::1/128",    "2001:db8::/32",  "fe80::/10"};
  recipe.random = [](Random& random) {
    const std::uint64_t bits = random.Below(33);
    const std::uint64_t mask = bits == 0 ? 0 : 0xFFFF'FFFFULL << (32 - bits) & 0xFFFF'FFFFULL;
    return FourBytes(random.Next() & mask) + fmt::format("/{}", bits);
  };
  recipe.nth = [](std::uint64_t n) -> std::optional<std::string> {
    if (n >= 0xFF'FFFF) return std::nullopt;
    return FourBytes(0x0A00'0000U + n + 1) + "/32";
  };
  return recipe;
}

TypeRecipe HardwareAddresses(int bytes) {
  TypeRecipe recipe;
  recipe.edges = {HardwareAddress(0, bytes), HardwareAddress(1, bytes), HardwareAddress(0x0800'2b01'0203, bytes),
                  HardwareAddress(~0ULL, bytes), HardwareAddress(0x7fff'ffff'ffff, bytes)};
  recipe.random = [bytes](Random& random) { return HardwareAddress(random.Next(), bytes); };
  recipe.nth = [bytes](std::uint64_t n) -> std::optional<std::string> {
    if (n >= 0xFFFF'FFFF'FFFFU) return std::nullopt;
    return HardwareAddress(n + 1, bytes);
  };
  return recipe;
}

class NetworkGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase) return std::nullopt;
    if (type.base == "inet") return Hosts();
    if (type.base == "cidr") return Networks();
    if (type.base == "macaddr") return HardwareAddresses(6);
    if (type.base == "macaddr8") return HardwareAddresses(8);
    return std::nullopt;
  }
};

const Registered<ColumnGenerator, NetworkGenerator> kNetwork("network");

}  // namespace

}  // namespace migproof
